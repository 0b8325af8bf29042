"""How rotated files are named, and which of two is the older."""

# ruff: noqa: PTH119, PTH122  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.receivers.discovery import Entry

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip")
# A count or a date, as logrotate, Python's handlers, logback and log4j add them, or cp's habit.
_SUFFIX = re.compile(r"[.-](?:\d[\d.:TZ_+-]*|old|bak|prev|backup)", re.ASCII)
_INFIX = re.compile(r"[._-]\d[\d.:TZ_+-]*", re.ASCII)
_MARK = re.compile("[._-]")
_COUNT = re.compile(r"\d{1,5}", re.ASCII)  # longer ones are dates


def is_compressed(path: str) -> bool:
    """Whether the name is that of a compressed file."""
    return path.endswith(_COMPRESSED)


def uncompressed(path: str) -> str:
    """Give the name without the compressor's suffix."""
    return os.path.splitext(path)[0] if is_compressed(path) else path


def may_be_rotated(name: str, base: str) -> bool:
    """Whether a file called ``name`` may once have been called ``base``: ``base.*``, ``base-*`` or a date in its stem."""
    return (len(name) > len(base) + 1 and name.startswith((base + ".", base + "-"))) or _has_infix(name, base)


def is_rotated(name: str, base: str) -> bool:
    """Whether ``name`` is ``base`` with a count or date; narrow enough to tell from a different log."""
    plain = uncompressed(name)
    return (plain.startswith(base) and _SUFFIX.fullmatch(plain, len(base)) is not None) or _has_infix(plain, base)


def possible_bases(name: str) -> set[str]:
    """Give the names that ``name`` may be a rotated form of, as ``is_rotated`` has it."""
    plain = uncompressed(name)
    extension = os.path.splitext(plain)[1]
    cuts = [plain[: mark.start()] for mark in _MARK.finditer(plain)]
    bases = {base for cut in cuts if cut for base in (cut, cut + extension)}
    return {base for base in bases if is_rotated(name, base)}


def _has_infix(name: str, base: str) -> bool:
    stem, extension = os.path.splitext(base)
    plain = uncompressed(name)
    if not extension or not (plain.startswith(stem) and plain.endswith(extension)):
        return False
    return _INFIX.fullmatch(plain, len(stem), len(plain) - len(extension)) is not None


def oldest_first(entries: Iterable[Entry], base: str, known: str = "") -> list[Entry]:
    """Sort rotated files of ``base`` by modification, then by inode change, then by the count in the name.

    Counts grow with age, as logrotate's do, unless all are above that of ``known``, a file
    known to be older.
    """
    found = list(entries)
    known_count = _count(known, base)
    grows = known_count is None or any((_count(entry.path, base) or 0) <= known_count for entry in found)

    def age(entry: Entry) -> tuple[int, int, int, str]:
        count = _count(entry.path, base) or 0
        changed = entry.stat.changed_unix_nano
        return entry.stat.modified_unix_nano, changed, -count if grows else count, entry.path

    return sorted(found, key=age)


def _count(path: str, base: str) -> int | None:
    name = uncompressed(os.path.basename(path))
    stem, extension = os.path.splitext(base)
    if name.startswith(base):
        number = name[len(base) + 1 :]
    elif extension and name.startswith(stem) and name.endswith(extension):
        number = name[len(stem) + 1 : len(name) - len(extension)]
    else:
        return None
    return int(number) if _COUNT.fullmatch(number) else None
