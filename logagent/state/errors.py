"""What the ledger raises, and which of SQLite's and the system's errors it stands for."""

from __future__ import annotations

import sqlite3
from typing import Final

from logagent.errors import UnreachableError

# Primary result codes are the low byte of extended ones: https://www.sqlite.org/rescode.html
_PRIMARY: Final = 0xFF

_CORRUPT_PRIMARY: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# Other input/output errors (no space for the shared memory, a failed fsync) say nothing about what is on the disk.
_CORRUPT_EXTENDED: Final = frozenset(
    {
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    }
)

_REASONS: Final = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space on the disk of the state directory"),
    sqlite3.SQLITE_IOERR: (
        "the disk reports an input/output error",
        "look at the kernel's log and the disk's free space",
    ),
    sqlite3.SQLITE_READONLY: ("the ledger is read-only", "make the state directory writable for this user"),
    sqlite3.SQLITE_BUSY: ("another program has locked the ledger", "close other programs that use the ledger"),
    sqlite3.SQLITE_LOCKED: ("another program has locked the ledger", "close other programs that use the ledger"),
    sqlite3.SQLITE_CANTOPEN: (
        "the ledger cannot be opened",
        "look at the permissions, free space and open-file limit of the state directory",
    ),
    sqlite3.SQLITE_PERM: ("access to the ledger is denied", "give the state directory to this user"),
    sqlite3.SQLITE_NOMEM: ("memory is used up", "give the agent more memory"),
    sqlite3.SQLITE_TOOBIG: ("a value is too large for the ledger", "lower the exporters' batch sizes"),
}


class LedgerError(UnreachableError):
    """The ledger could not do what was asked, and did nothing of it.

    ``corrupt`` says that it never will: set it aside (``Ledger.replace_corrupt``) and go on.
    """

    def __init__(self, message: str, hint: str = "", *, corrupt: bool = False) -> None:
        super().__init__(message, hint)
        self.corrupt = corrupt


def from_sqlite(error: sqlite3.Error) -> LedgerError:
    """Give the error in words; ``corrupt`` where the file's content is at fault."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code & _PRIMARY in _CORRUPT_PRIMARY or code in _CORRUPT_EXTENDED:
        return LedgerError(f"the ledger is corrupt: {error}", corrupt=True)
    reason, hint = _REASONS.get(code & _PRIMARY, ("the ledger failed", "run `logagent doctor`"))
    return LedgerError(f"{reason} ({error})", hint)


def from_system(error: OSError, doing: str) -> LedgerError:
    """Give the error in words: ``doing`` completes "cannot ..."."""
    what = error.strerror or str(error)
    where = f" {error.filename}" if error.filename else ""
    return LedgerError(
        f"cannot {doing}{where}: {what}",
        "make the state directory writable for this user and its disk not full, or name another in [state] dir",
    )
