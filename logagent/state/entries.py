"""The ledger's keyed entries: what each room restores itself from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

_WRITE: Final = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DELETE: Final = "DELETE FROM entry WHERE room = ? AND key = ?"


def write(connection: sqlite3.Connection, entries: Mapping[tuple[str, str], bytes | None]) -> None:
    """Write every (room, key) -> value; ``None`` deletes. Part of the caller's transaction."""
    written = [(room, key, value) for (room, key), value in entries.items() if value is not None]
    deleted = [name for name, value in entries.items() if value is None]
    try:
        connection.executemany(_WRITE, written)
        connection.executemany(_DELETE, deleted)
    except UnicodeEncodeError:
        # What was written before the surrogate is written again to the same effect.
        connection.executemany(_WRITE, [(_stored(room), _stored(key), value) for room, key, value in written])
        connection.executemany(_DELETE, [(_stored(room), _stored(key)) for room, key in deleted])


def load(connection: sqlite3.Connection, room: str) -> dict[str, bytes]:
    """Give the room's key -> value."""
    rows: Iterable[tuple[str | bytes, bytes]] = connection.execute(
        "SELECT key, value FROM entry WHERE room = ?", (_stored(room),)
    )
    return {key if isinstance(key, str) else key.decode("utf-8", "surrogatepass"): value for key, value in rows}


def _stored(name: str) -> str | bytes:
    """Give the name, or its bytes where SQLite cannot have it as text: a file name that is no UTF-8 has surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")
    return name
