"""Where a corrupt ledger goes: aside, under a name that says when."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from logagent.state.errors import from_system
from logagent.state.mark import SUFFIX as MARK

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES: Final = ("", "-wal", "-shm", "-journal", MARK)
"""The database, what SQLite puts beside it, and its mark."""
KEPT: Final = 5
"""Corrupt ledgers that stay; a dying disk must not fill up with them."""
_PREFIX: Final = "ledger.corrupt-"


def set_aside(ledger: Path, now_unix_nano: int) -> Path | None:
    """Move the ledger and its companions away and give the new path of the first of them, if there was any.

    Raises LedgerError where the directory does not allow it.
    """
    target = _free_name(ledger, now_unix_nano)
    moved: list[Path] = []
    try:
        # The database first: a companion that a kill leaves behind is then found without one, and follows it.
        for suffix in SUFFIXES:
            companion = ledger.with_name(ledger.name + suffix)
            if os.path.lexists(companion):
                moved.append(companion.rename(target.with_name(target.name + suffix)))
        _forget_oldest(ledger.parent, target.name)
    except OSError as error:
        raise from_system(error, "set aside the corrupt ledger") from error
    return moved[0] if moved else None


def _free_name(ledger: Path, now_unix_nano: int) -> Path:
    moment = datetime.fromtimestamp(now_unix_nano // 1_000_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = ledger.with_name(_PREFIX + moment)
    number = 1
    while any(os.path.lexists(target.with_name(target.name + suffix)) for suffix in SUFFIXES):
        number += 1
        target = ledger.with_name(f"{_PREFIX}{moment}.{number}")
    return target


def _forget_oldest(directory: Path, newest: str) -> None:
    # Only plain files: a directory that stood in the ledger's place may hold somebody's work.
    corrupt = [path for path in directory.glob(f"{_PREFIX}*") if stat.S_ISREG(path.lstat().st_mode)]
    ages: dict[str, int] = {}
    for path in corrupt:
        ages[_set(path)] = max(ages.get(_set(path), 0), path.lstat().st_ctime_ns)
    kept = sorted(ages, key=lambda name: (name == newest, ages[name]))[-KEPT:]
    for path in corrupt:
        if _set(path) not in kept:
            path.unlink()


def _set(path: Path) -> str:
    for suffix in SUFFIXES[1:]:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.name
