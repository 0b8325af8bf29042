"""The outbox: rows that exporters have still to deliver, oldest first, and what is known of them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from logagent.model import OutboxItem, Signal
from logagent.state.errors import LedgerError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

STRIDE: Final = 1 << 20
"""Distance between the ids of new items. The ids between are for the parts of an item that is split, so that the order
of ids stays the order of delivery; no item holds a million spans."""
REJECTED_ROWS: Final = 1000
REJECTED_BYTES: Final = 16 * 1024 * 1024
"""What ``set_aside`` keeps of rejected items; the oldest go."""
_REASON_CHARACTERS: Final = 1000

_INSERT: Final = "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)"
_ROW: Final = "SELECT exporter, signal, count, LENGTH(payload), created_unix_nano FROM outbox WHERE id = ?"
_LOSE: Final = (
    "INSERT INTO set_aside(exporter, signal, count, reason, payload, created_unix_nano) VALUES (?, ?, ?, ?, ?, ?)"
)
_REJECT: Final = (
    "INSERT INTO set_aside(exporter, signal, count, reason, payload, created_unix_nano)"
    " SELECT exporter, signal, count, ?, payload, created_unix_nano FROM outbox WHERE id = ?"
)


@dataclass(slots=True, frozen=True)
class OutboxState:
    """What waits for one exporter."""

    items: int = 0
    count: int = 0
    """Spans, records or alerts inside the items."""
    bytes: int = 0
    oldest_unix_nano: int = 0
    """When the oldest item was committed; 0 where nothing waits."""


@dataclass(slots=True, frozen=True)
class NewItem:
    """A packed draft, or one part of a split item."""

    exporter: str
    signal: Signal
    count: int
    payload: bytes


class OutboxWriter:
    """The outbox within one transaction: every change, and what the outbox is after them (``states``)."""

    def __init__(self, connection: sqlite3.Connection, before: dict[str, OutboxState]) -> None:
        self._connection = connection
        self._before = before
        self._changed: dict[str, tuple[int, int, int]] = {}

    def _count(self, exporter: str, items: int, count: int, size: int) -> None:
        changed = self._changed.get(exporter, (0, 0, 0))
        self._changed[exporter] = (changed[0] + items, changed[1] + count, changed[2] + size)

    def _insert(self, number: int, item: NewItem, created_unix_nano: int) -> None:
        row = (number, item.exporter, item.signal.value, item.count, item.payload, created_unix_nano)
        self._connection.execute(_INSERT, row)
        self._count(item.exporter, 1, item.count, len(item.payload))

    def append(self, items: Sequence[NewItem], last_id: int, now_unix_nano: int) -> int:
        """Append items in their order, with ids beyond ``last_id``, and give the last id used."""
        for item in items:
            last_id = (last_id // STRIDE + 1) * STRIDE
            self._insert(last_id, item, now_unix_nano)
        return last_id

    def delete(self, number: int) -> None:
        """Delete the item, where it is still there."""
        row = self._connection.execute(_ROW, (number,)).fetchone()
        if row is not None:
            self._connection.execute("DELETE FROM outbox WHERE id = ?", (number,))
            self._count(row[0], -1, -row[2], -row[3])

    def split(self, number: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        """Put parts (count, payload) in the item's place, where it is still there; False where ids are used up."""
        row = self._connection.execute(_ROW, (number,)).fetchone()
        if row is None:
            return True
        following = self._connection.execute("SELECT MIN(id) FROM outbox WHERE id > ?", (number,)).fetchone()[0]
        end = (number // STRIDE + 1) * STRIDE
        room = (end if following is None else min(end, following)) - number
        if room < len(parts):
            return False
        self.delete(number)
        for index, (count, payload) in enumerate(parts):
            item = NewItem(row[0], Signal(row[1]), count, payload)
            self._insert(number + index * room // len(parts), item, row[4])
        return True

    def reject(self, number: int, reason: str) -> None:
        """Move the item to ``set_aside``, where it is still there."""
        self._connection.execute(_REJECT, (_storable(reason), number))
        self.delete(number)
        self._trim()

    def lose(self, exporter: str, signal: Signal, count: int, reason: str, now_unix_nano: int) -> None:
        """Note in ``set_aside`` what never had a payload."""
        row = (exporter, signal.value, count, _storable(reason), b"", now_unix_nano)
        self._connection.execute(_LOSE, row)
        self._trim()

    def _trim(self) -> None:
        size = 0
        rows: list[tuple[int, int]] = self._connection.execute(
            "SELECT id, LENGTH(payload) FROM set_aside ORDER BY id DESC"
        ).fetchall()
        for kept, (number, length) in enumerate(rows):
            size += length
            if kept == REJECTED_ROWS or size > REJECTED_BYTES:
                self._connection.execute("DELETE FROM set_aside WHERE id <= ?", (number,))
                return

    def states(self) -> dict[str, OutboxState]:
        """Give the state of every exporter that the transaction touched, as it is after the commit."""
        states = {}
        for exporter, (items, count, size) in self._changed.items():
            was = self._before.get(exporter, OutboxState())
            oldest = self._connection.execute(
                "SELECT created_unix_nano FROM outbox WHERE exporter = ? ORDER BY id LIMIT 1", (exporter,)
            ).fetchone()
            states[exporter] = OutboxState(
                was.items + items, was.count + count, was.bytes + size, oldest[0] if oldest else 0
            )
        return states


def read(connection: sqlite3.Connection, exporter: str, after: int, limit: int) -> list[OutboxItem]:
    """Give the exporter's oldest items beyond id ``after``."""
    rows: Iterable[tuple[int, str, str, int, bytes, int]] = connection.execute(
        "SELECT id, exporter, signal, count, payload, created_unix_nano FROM outbox"
        " WHERE exporter = ? AND id > ? ORDER BY id LIMIT ?",
        (exporter, after, limit),
    )
    try:
        return [OutboxItem(row[0], row[1], Signal(row[2]), row[3], row[4], row[5]) for row in rows]
    except ValueError as error:
        raise LedgerError(f"the ledger is corrupt: {error}", corrupt=True) from error


def read_states(connection: sqlite3.Connection) -> dict[str, OutboxState]:
    """Give what waits for each exporter, read from the whole table."""
    # Beside MIN() SQLite takes a bare column from the row of the minimum (https://www.sqlite.org/lang_select.html).
    rows: Iterable[tuple[str, int, int, int, int, int]] = connection.execute(
        "SELECT exporter, COUNT(*), SUM(count), SUM(LENGTH(payload)), created_unix_nano, MIN(id)"
        " FROM outbox GROUP BY exporter"
    )
    return {exporter: OutboxState(items, count, size, oldest) for exporter, items, count, size, oldest, _ in rows}


def read_last_id(connection: sqlite3.Connection) -> int:
    """Give the highest id that the outbox ever had."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return int(row[0]) if row else 0


def _storable(reason: str) -> str:
    return reason[:_REASON_CHARACTERS].encode("utf-8", "replace").decode()
