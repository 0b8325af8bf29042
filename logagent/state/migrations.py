"""The ledger's schema, as the ordered list of statements that led to it.

``PRAGMA user_version`` is the number of migrations that a ledger has seen. A released migration is never edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logagent.state.errors import LedgerError

if TYPE_CHECKING:
    import sqlite3

_ENTRY: Final = """
CREATE TABLE entry(room TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(room, key)) WITHOUT ROWID
"""
_OUTBOX: Final = """
CREATE TABLE outbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT, exporter TEXT NOT NULL, signal TEXT NOT NULL, count INTEGER NOT NULL,
    payload BLOB NOT NULL, created_unix_nano INTEGER NOT NULL
)
"""
_OUTBOX_BY_EXPORTER: Final = "CREATE INDEX outbox_by_exporter ON outbox(exporter)"
_SET_ASIDE: Final = """
CREATE TABLE set_aside(
    id INTEGER PRIMARY KEY AUTOINCREMENT, exporter TEXT NOT NULL, signal TEXT NOT NULL, count INTEGER NOT NULL,
    reason TEXT NOT NULL, payload BLOB NOT NULL, created_unix_nano INTEGER NOT NULL
)
"""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = ((_ENTRY, _OUTBOX, _OUTBOX_BY_EXPORTER, _SET_ASIDE),)
PROBES: Final = (
    "SELECT room, key, value FROM entry LIMIT 1",
    "SELECT id, exporter, signal, count, payload, created_unix_nano FROM outbox LIMIT 1",
    "SELECT id, exporter, signal, count, reason, payload, created_unix_nano FROM set_aside LIMIT 1",
)
"""Fail where a table or column is not there."""


def version_of(connection: sqlite3.Connection) -> int:
    """Give the number of migrations the ledger has seen.

    Raises LedgerError (not corrupt) where it is one of a newer logagent.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"the ledger has format {version}, this logagent knows formats up to {len(MIGRATIONS)}",
            "install a newer logagent, or name another state directory in [state] dir",
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each migration in a transaction of its own."""
    version = version_of(connection)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
