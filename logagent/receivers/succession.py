"""Which files beside a path are its younger generations, and which are only copies."""

# ruff: noqa: PTH119  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from logagent.receivers.identity import HEAD_BYTES, TAIL_BYTES, Handle
from logagent.receivers.rotation import is_compressed, oldest_first, uncompressed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from logagent.receivers.discovery import Entry
    from logagent.receivers.identity import FileKey, FileStat
    from logagent.receivers.tailer import TailedFile


class Succession:
    """Remembers what stood beside a path while its youngest known file was still there.

    All that is older. What appears later and is not known came after that file: it stood at
    the path and was rotated away between two looks, or while the agent was down.
    """

    def __init__(self, path: str, since_unix_nano: int) -> None:
        self.floor_unix_nano = since_unix_nano
        """Modification time of the youngest known file when it was last seen at the path; without
        one, when the path was last looked at, or 0."""
        self._stood_unix_nano = 0
        self._empty: frozenset[FileKey] = frozenset()
        self._path = path
        self._base = os.path.basename(path)
        self._older: frozenset[tuple[FileKey, int]] = frozenset()
        # The time of modification is part of it because inodes are used again.

    def remember(
        self,
        current: FileStat | None,
        siblings: Iterable[Entry],
        claims: Container[FileKey],
        looked_unix_nano: int,
        *,
        listed_after: bool,
    ) -> None:
        """Take what is there now as older than whatever appears next.

        ``listed_after``: the siblings were listed after the path was looked at. Otherwise a copy
        may have been missed that is older than the file at the path, which was cut off after it.
        """
        unknown = [entry for entry in siblings if entry.stat.key not in claims]
        self._older = frozenset(_version(entry) for entry in unknown if entry.stat.size)
        self._empty = frozenset(entry.stat.key for entry in unknown if not entry.stat.size)
        if current:
            self.floor_unix_nano = (
                current.modified_unix_nano if listed_after else self._stood_unix_nano or self.floor_unix_nano
            )
            self._stood_unix_nano = current.modified_unix_nano
        elif not self.floor_unix_nano:
            self.floor_unix_nano = looked_unix_nano

    def after_known(
        self,
        siblings: Iterable[Entry],
        claims: Container[FileKey],
        files: Iterable[TailedFile],
        matched: Mapping[str, Entry],
        known: str,
    ) -> list[Entry]:
        """Give the unknown generations that followed the youngest known file, oldest first.

        What only copies what one of ``files`` holds or held is none, and of an empty one that
        cannot be told yet.
        """
        found = {
            entry.stat.key: entry  # renamed while it was listed, a file may have two names
            for entry in siblings
            if self._may_be_new(entry, claims)
            and entry.stat.size
            and (entry.stat.modified_unix_nano >= self.floor_unix_nano or entry.path in matched)
            and not any(is_copy_of(entry, file) for file in files)
        }
        return oldest_first(found.values(), self._base, known)

    def late(self, matched: Iterable[Entry], claims: Container[FileKey], files: Sequence[TailedFile]) -> list[Entry]:
        """Give unknown files with a rotated name that are to be read in their own right, oldest first."""
        found = {
            entry.stat.key: entry
            for entry in matched
            if self._may_be_new(entry, claims)
            and entry.stat.size
            and not any(is_copy_of(entry, file) for file in files)
        }
        return oldest_first(found.values(), self._base)

    def compressed(self, siblings: Sequence[Entry], files: Sequence[TailedFile]) -> Counter[str]:
        """Count generations that were compressed before they were read."""
        names = {entry.path for entry in siblings}
        newest = max((file.modified_unix_nano for file in files if not file.current), default=0)
        floor = max(self.floor_unix_nano, newest)
        count = sum(
            entry.stat.modified_unix_nano > floor
            for entry in siblings
            if is_compressed(entry.path)
            and _version(entry) not in self._older
            and uncompressed(entry.path) not in names
        )
        return Counter({"rotated_compressed": count} if count else {})

    def overtaken(self, siblings: Iterable[Entry], claims: Container[FileKey]) -> bool:
        """Whether there is something that was not there when this was last remembered."""
        return any(entry.stat.size and self._may_be_new(entry, claims) for entry in siblings)

    def filled(self, siblings: Iterable[Entry], claims: Container[FileKey]) -> set[FileKey]:
        """Give what was empty when this was last remembered, so that it could be a copy just begun or a generation."""
        return {entry.stat.key for entry in siblings if entry.stat.key in self._empty and entry.stat.size} - {
            *filter(claims.__contains__, self._empty)
        }

    def copy_of(
        self, file: TailedFile, siblings: Iterable[Entry], claims: Container[FileKey], since_unix_nano: int
    ) -> tuple[Entry, Handle] | None:
        """Find the copy that was made of a file before it was truncated, and open it.

        Of several, the longest has all that the others have. A file of which little was seen may
        have that in common with a much older one, so that ``since_unix_nano`` counts.
        """
        since = 0 if file.mark.head_length == HEAD_BYTES else since_unix_nano
        found: tuple[Entry, Handle] | None = None
        for entry in oldest_first(siblings, self._base):
            # It may have been seen before, complete, while the file was not yet cut off.
            if entry.stat.key in claims or is_compressed(entry.path) or entry.stat.modified_unix_nano < since:
                continue
            if entry.stat.size < max(file.offset, found[0].stat.size + 1 if found else 1):
                continue
            handle = _open(entry)
            if handle and file.shares(handle, entry.stat.size):
                found = entry, handle
        return found

    def _may_be_new(self, entry: Entry, claims: Container[FileKey]) -> bool:
        return (
            entry.path != self._path
            and entry.stat.key not in claims
            and _version(entry) not in self._older
            and not is_compressed(entry.path)
        )


def is_copy_of(entry: Entry, file: TailedFile) -> bool:
    """Whether a file is a copy of a known one, perhaps still under way: what both have in common agrees."""
    handle = _open(entry)
    if handle is None:
        return False
    if not file.seen:
        file.intact()  # sees its first bytes, or the copy would be forgotten and they not known
    if not file.begun and entry.stat.size > max(file.size, file.handle.stat().size if file.handle else 0):
        return False
    if file.shares(handle, entry.stat.size):
        return True
    if file.handle is None:
        return False
    length = min(entry.stat.size, file.handle.stat().size)
    tail = min(length, TAIL_BYTES)
    return length > 0 and all(
        handle.read(size, offset) == file.handle.read(size, offset)
        for size, offset in ((min(length, HEAD_BYTES), 0), (tail, length - tail))
    )


def _open(entry: Entry) -> Handle | None:
    try:
        handle = Handle(entry.path)
    except OSError:
        return None
    return handle if handle.stat().key == entry.stat.key else None


def _version(entry: Entry) -> tuple[FileKey, int]:
    return entry.stat.key, entry.stat.modified_unix_nano
