"""The open ledger: transactions that happen whole or not at all, in the file that is still there."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Final

from logagent.state.database import MAGIC, WAL_MAGIC, Durability, connect
from logagent.state.errors import LedgerError, from_sqlite, from_system
from logagent.state.mark import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SLACK_PAGES: Final = 1024
"""Free pages (4 MiB) that stay in the file for the next deliveries: giving all back would cost a write each time."""
_FREED_PAGES: Final = 2048
"""Given back at a time, so that no commit waits long."""


_COMMIT: Final = ("ledger", "commit")
"""Room and key of the entry that numbers the commits."""
_READ_NUMBER: Final = "SELECT value FROM entry WHERE room = ? AND key = ?"
_WRITE_NUMBER: Final = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class LedgerFile:
    """A checked connection to one ledger. Used by one thread at a time.

    Everything raises LedgerError, and has then changed nothing.
    """

    rolled_back: int
    """How many commits the ledger lacks at the least: it was once further than what was found. 0 where it lacks none."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self._path = path
        self._connection = connect(path, durability)
        self._watched: list[_Watched] = []
        self._mark: Mark | None = None
        try:
            self._number = self._read_number()
            self.rolled_back = 0
            # What survives only the death of the process may go back with the power, and the mark need not.
            if durability == "power-loss":
                self._mark = Mark(path)
                self.rolled_back = max(self._mark.read() - self._number, 0)
            if self.rolled_back:
                self._check_whole()
            # Open as long as the connection: closing any descriptor of the database drops SQLite's locks of it
            # (https://www.sqlite.org/howtocorrupt.html, 2.2).
            self._watched.append(_Watched(path, (MAGIC,)))
            self._watched.append(_Watched(path.with_name(path.name + "-wal"), (b"", *WAL_MAGIC)))
        except LedgerError:
            self.close()
            raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for statements that only read."""
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise from_sqlite(error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for statements that are committed together at the end of the block."""
        self._check_files()
        try:
            self._roll_back()
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute(_WRITE_NUMBER, (*_COMMIT, b"%d" % (self._number + 1)))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._roll_back()
                # On a small disk the log of earlier commits may be what fills it: fold it into the database.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            raise from_sqlite(error) from error
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._roll_back()
            raise
        self._number += 1
        if self._mark is not None:
            self._mark.write(self._number)
        if self._number == 1:
            self._checkpoint()

    def _read_number(self) -> int:
        with self.reading() as connection:
            row = connection.execute(_READ_NUMBER, _COMMIT).fetchone()
        try:
            return int(row[0]) if row else 0
        except (TypeError, ValueError) as error:
            raise LedgerError("the ledger is corrupt: its last commit has no number", corrupt=True) from error

    def _check_whole(self) -> None:
        """Look closer than at every start: a log that was lost during a checkpoint leaves a mixture of old and new."""
        with self.reading() as connection:
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise LedgerError(f"the ledger is corrupt: {' '.join(found.split())}", corrupt=True)

    def _checkpoint(self) -> None:
        """Have the database hold a first state, and not its log alone, which may be lost. A failure changes nothing."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _roll_back(self) -> None:
        # SQLite rolls back by itself after some errors (https://www.sqlite.org/lang_transaction.html), not after all.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _check_files(self) -> None:
        """Refuse to write into files that were removed, replaced or overwritten: nothing would stay.

        The system would let us, and SQLite reads again only what it does not remember.
        """
        for file in self._watched:
            file.check()

    def compact(self) -> None:
        """Give space back to the file system where much is free. A failure is of no consequence, and is not told."""
        with contextlib.suppress(sqlite3.Error):
            free: int = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
            if free > _SLACK_PAGES:
                pages = min(free - _SLACK_PAGES, _FREED_PAGES)
                # It frees a page at each step, and the module's execute() takes a single step.
                self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def close(self) -> None:
        """Checkpoint and close; a failure leaves the log, which the next to open replays."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        for file in self._watched:
            file.close()
        if self._mark is not None:
            self._mark.close()


class _Watched:
    """A file in use: the one at its path, and one that begins as it must."""

    def __init__(self, path: Path, beginnings: tuple[bytes, ...]) -> None:
        self._path = path
        self._beginnings = beginnings
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise from_system(error, "open the ledger") from error

    def check(self) -> None:
        """Raise LedgerError where it is not any more."""
        try:
            is_there = os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
            beginning = os.pread(self._descriptor, max(map(len, self._beginnings)), 0)
        except OSError:
            is_there, beginning = False, b""
        if not is_there:
            raise LedgerError(f"{self._path.name} was removed or replaced while in use", corrupt=True)
        if beginning not in self._beginnings:
            raise LedgerError(f"{self._path.name} was overwritten while in use", corrupt=True)

    def close(self) -> None:
        """Let go, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
