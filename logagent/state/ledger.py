"""The ledger: everything that survives a kill, written in one transaction by one thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

from logagent.state import entries as entry_table
from logagent.state import outbox as outbox_table
from logagent.state.changes import packed
from logagent.state.errors import LedgerError, from_system
from logagent.state.file import LedgerFile
from logagent.state.lock import DirectoryLock
from logagent.state.outbox import NewItem, OutboxState, OutboxWriter
from logagent.state.quarantine import set_aside

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from logagent.clock import Clock
    from logagent.model import Changes, OutboxDraft, OutboxItem
    from logagent.state.database import Durability

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Entries = dict[tuple[str, str], bytes | None]
_NO_ENTRIES: Final[Mapping[tuple[str, str], bytes | None]] = MappingProxyType({})


class Ledger:
    """One SQLite database in the state directory, opened by one agent at a time.

    Every method that is awaited runs in the ledger's own thread, in the order of the calls, and raises LedgerError with
    nothing written. A call that is cancelled happens whole or not at all.
    """

    set_aside: Path | None
    """Where a corrupt ledger was moved to when this one was begun; None where none was, or its files were gone."""
    set_aside_reason: str
    """Why this one was begun in another's place; empty where it was not."""
    rolled_back: int
    """How many commits this one was found to lack, at the least: its write-ahead log was lost, or an older copy was put
    in its place."""
    losses: Counter[str]
    """Reason -> spans, records or alerts that the ledger lost: ``unencodable`` (a draft that could not be packed),
    ``ledger_replaced`` (waited in a ledger that became corrupt while in use)."""
    corrupt: str
    """How the ledger was found corrupt while in use; empty where it was not. Nothing is written until it is replaced."""

    def __init__(self, directory: Path, clock: Clock, durability: Durability, lock: DirectoryLock) -> None:
        self._path = directory / "ledger.sqlite3"
        self._clock = clock
        self._durability = durability
        self._lock = lock
        self.set_aside = None
        self.set_aside_reason = ""
        self.rolled_back = 0
        self.losses = Counter()
        self.corrupt = ""
        self._replacing = False
        self._states: dict[str, OutboxState] = {}
        self._last_id = 0
        self._begin()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    @classmethod
    def open(cls, directory: Path, clock: Clock, *, durability: Durability = "power-loss") -> Self:
        """Lock the directory (made with mode 0700 where there is none), and open or begin the ledger in it.

        A corrupt ledger is set aside and a new one begun. ``durability`` says what a commit survives: the loss of
        power, or only the death of the process. Raises LedgerError where the directory is used by another agent or
        cannot be written, and where a newer logagent wrote the ledger.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise from_system(error, "make the state directory") from error
        lock = DirectoryLock(directory)
        try:
            return cls(directory, clock, durability, lock)
        except BaseException:
            lock.release()
            raise

    def _begin(self) -> None:
        try:
            self._adopt()
        except LedgerError as error:
            if not error.corrupt:
                raise
            self._set_aside(error.message)
            self._adopt()

    def _adopt(self) -> None:
        self._file = LedgerFile(self._path, self._durability)
        try:
            with self._file.reading() as connection:
                states = outbox_table.read_states(connection)
                # Never below the ids of a ledger that was replaced: a late settlement must not meet another's item.
                self._last_id = max(self._last_id, outbox_table.read_last_id(connection))
        except BaseException:
            self._file.close()
            raise
        self._states = {**dict.fromkeys(self._states, OutboxState()), **states}
        self.rolled_back = self._file.rolled_back

    def _set_aside(self, reason: str) -> None:
        self.set_aside = set_aside(self._path, self._clock.now()) or self.set_aside
        self.set_aside_reason = reason

    def load(self, room: str) -> dict[str, bytes]:
        """Give the room's key -> value. Blocks; for the start."""
        return self._submit(self._load, room).result()

    def _load(self, room: str) -> dict[str, bytes]:
        with self._file.reading() as connection:
            return entry_table.load(connection, room)

    async def commit(self, changes: Changes) -> float:
        """Write the changes in one transaction and give the seconds it took.

        After a LedgerError the same changes can be committed again, alone or merged with later ones.
        """
        # The caller may go on to fill the same mapping while the thread reads.
        return await self._in_thread(self._commit, dict(changes.entries), list(changes.outbox))

    def _commit(self, entries: _Entries, drafts: list[OutboxDraft]) -> float:
        started, now = self._clock.monotonic(), self._clock.now()
        items, unpacked = _pack(drafts)
        with self._transaction() as (connection, outbox):
            entry_table.write(connection, entries)
            last_id = outbox.append(items, self._last_id, now)
            for draft, reason in unpacked:
                outbox.lose(draft.exporter, draft.signal, draft.count, reason, now)
        self._last_id = last_id
        self.losses["unencodable"] += sum(draft.count for draft, _ in unpacked)
        return self._clock.monotonic() - started

    async def outbox(self, exporter: str, *, after: int = 0, limit: int = 16) -> list[OutboxItem]:
        """Give the exporter's items with ids beyond ``after``, oldest first."""
        return await self._in_thread(self._read_outbox, exporter, after, limit)

    def _read_outbox(self, exporter: str, after: int, limit: int) -> list[OutboxItem]:
        with self._file.reading() as connection:
            return outbox_table.read(connection, exporter, after, limit)

    async def settle(self, ids: Sequence[int], entries: Mapping[tuple[str, str], bytes | None] = _NO_ENTRIES) -> None:
        """Delete delivered items, and write entries in the same transaction."""
        await self._in_thread(self._settle, tuple(ids), dict(entries))

    def _settle(self, ids: Sequence[int], entries: _Entries) -> None:
        with self._transaction() as (connection, outbox):
            entry_table.write(connection, entries)
            for number in ids:
                outbox.delete(number)
        self._file.compact()

    async def reject(
        self, item_id: int, reason: str, entries: Mapping[tuple[str, str], bytes | None] = _NO_ENTRIES
    ) -> None:
        """Move an item that will never be delivered to the table ``set_aside``, which keeps a limited number.

        Entries are written in the same transaction.
        """
        await self._in_thread(self._reject, item_id, reason, dict(entries))

    def _reject(self, item_id: int, reason: str, entries: _Entries) -> None:
        with self._transaction() as (connection, outbox):
            entry_table.write(connection, entries)
            outbox.reject(item_id, reason)

    async def split(self, item_id: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        """Put parts (count, payload) in the item's place in the order of delivery.

        False, and nothing done, where the item comes of so many splits that no id is left between it and the next.
        """
        return await self._in_thread(self._split, item_id, tuple(parts))

    def _split(self, item_id: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        with self._transaction() as (_, outbox):
            return outbox.split(item_id, parts)

    def outbox_state(self) -> dict[str, OutboxState]:
        """Give what waits for each exporter, from memory. Exporters that once had an item are in it."""
        return dict(self._states)

    async def replace_corrupt(self, reason: str = "the ledger became corrupt while in use") -> None:
        """Set aside what is there of a ledger that became corrupt or was deleted in use, and begin a new, empty one.

        What rooms hold in memory has to be committed again as a whole; the outbox is lost, and counted.
        """
        await self._in_thread(self._replace, reason)

    def _replace(self, reason: str) -> None:
        self.corrupt = reason  # until all of this has worked: what is closed or gone by then is tried again
        if not self._replacing:
            self._replacing, self.set_aside = True, None
        self._file.close()
        self._renew_directory()
        self._set_aside(reason)
        lost = sum(state.count for state in self._states.values())
        self._states = dict.fromkeys(self._states, OutboxState())
        self.losses["ledger_replaced"] += lost
        self._adopt()
        self.corrupt, self._replacing = "", False

    def _renew_directory(self) -> None:
        """Make and lock the state directory anew where it, or its lock, was deleted."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise from_system(error, "make the state directory") from error
        if not self._lock.holds():
            lock = DirectoryLock(self._path.parent)
            self._lock.release()
            self._lock = lock

    async def close(self) -> None:
        """Wait for what was asked for before, checkpoint, and let go of the directory. May be called twice."""
        with contextlib.suppress(LedgerError):
            await self._in_thread(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        self._file.close()
        self._lock.release()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, OutboxWriter]]:
        if self.corrupt:
            raise LedgerError(self.corrupt, corrupt=True)
        with self._file.transaction() as connection:
            outbox = OutboxWriter(connection, self._states)
            yield connection, outbox
            changed = outbox.states()
        self._states = {**self._states, **changed}

    async def _in_thread(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        return await asyncio.wrap_future(self._submit(function, *args, **kwargs))

    def _submit(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Result]:
        try:
            return self._thread.submit(self._watched, partial(function, *args, **kwargs))
        except RuntimeError as error:
            raise LedgerError("the ledger is closed") from error

    def _watched(self, work: Callable[[], _Result]) -> _Result:
        try:
            return work()
        except LedgerError as error:
            if error.corrupt:
                self.corrupt = error.message
            raise


def _pack(drafts: list[OutboxDraft]) -> tuple[list[NewItem], list[tuple[OutboxDraft, str]]]:
    """Give the packed items, and the drafts that cannot be packed with their reasons: one must not stop all others."""
    items: list[NewItem] = []
    unpacked: list[tuple[OutboxDraft, str]] = []
    for draft in drafts:
        try:
            items.append(NewItem(draft.exporter, draft.signal, draft.count, packed(draft)))
        except MemoryError as error:
            raise LedgerError("memory is used up", "give the agent more memory") from error
        except Exception as error:  # noqa: BLE001 - whatever an encoder raises, it will raise again
            unpacked.append((draft, f"unencodable: {type(error).__name__}: {error}"))
    return items, unpacked
