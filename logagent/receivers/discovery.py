"""What is there: the files and directories that patterns match, and a file's siblings."""

# ruff: noqa: PTH100, PTH112, PTH114, PTH116, PTH118, PTH119, PTH120, PTH122, PTH207, PTH208  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import fnmatch
import glob
import os
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.receivers.identity import FileStat
from logagent.receivers.rotation import may_be_rotated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SETTLE_TRIES = 10  # a rotation renames a handful of files, each in microseconds
_TIMESTAMP_SLACK_NANO = 20_000_000  # a file's times are the kernel's last tick, up to 10 ms ago at 100 Hz


@dataclass(slots=True, frozen=True)
class Entry:
    """A name in a directory and the file behind it."""

    path: str
    stat: FileStat


class UnobservableError(Exception):
    """The file system did not answer, which is not to say that the file is gone."""


class Patterns:
    """Which files to read: all that match an include pattern and no exclude pattern.

    ``**`` stands for any number of directories. An exclude pattern without a slash is
    compared with the file's name only.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str] = ()) -> None:
        self._include = [os.path.abspath(pattern) for pattern in include]
        self._exclude = [pattern if "/" not in pattern else os.path.abspath(pattern) for pattern in exclude]

    def paths(self) -> list[str]:
        """Give the matching names, whatever they name; targets before the links to them."""
        found = {path for pattern in self._include for path in glob.iglob(pattern, recursive=True)}
        return sorted(
            (path for path in found if not self._excluded(path)), key=lambda path: (os.path.islink(path), path)
        )

    def literals(self) -> list[str]:
        """Give the include patterns that name one path, which is known before there is a file."""
        return [pattern for pattern in self._include if not glob.has_magic(pattern) and not self._excluded(pattern)]

    def directories(self) -> set[str]:
        """Give the directories in which a matching file or directory may appear."""
        found: set[str] = set()
        for pattern in self._include:
            parent = os.path.dirname(pattern)
            while glob.has_magic(parent):
                found.update(path for path in glob.iglob(parent, recursive=True) if os.path.isdir(path))
                parent = os.path.dirname(parent)
            if os.path.isdir(parent):
                found.add(parent)
        return {path.rstrip("/") or "/" for path in found}

    def _excluded(self, path: str) -> bool:
        parts = path.split("/")
        return any(
            _matches(parts, pattern.split("/")) if "/" in pattern else fnmatch.fnmatchcase(parts[-1], pattern)
            for pattern in self._exclude
        )


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


class View:
    """The file system as one survey sees it: each directory is listed once."""

    def __init__(self, now_unix_nano: int) -> None:
        self.began_unix_nano = now_unix_nano - _TIMESTAMP_SLACK_NANO
        """No file that changed after this view was begun has an earlier time."""
        self._listings: dict[str, list[str]] = {}
        self._found: dict[str, list[Entry]] = {}
        self._directories: dict[str, str] = {}

    def stat(self, path: str) -> FileStat | None:
        """Give the numbers of the regular file behind a path now, or None where there is none.

        Raise UnobservableError where that cannot be known.
        """
        found = self.look(path)
        return found if found and found.regular else None

    def look(self, path: str) -> FileStat | None:
        """Give the numbers of whatever is behind a path now, as ``stat``."""
        try:
            return FileStat.of(os.stat(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnobservableError(path) from error

    def siblings(self, path: str) -> list[Entry]:
        """Give the regular files that may be rotated generations of ``path``, beside it or beside its target."""
        found = self._found.get(path)
        if found is None:
            found = self._siblings(path)
            target = resolve(path)
            if target != path:
                found += self._siblings(target) + self._entries(os.path.dirname(target), [os.path.basename(target)])
            self._found[path] = found
        return found

    def settle(self, path: str) -> tuple[FileStat | None, list[Entry], bool]:
        """Look at ``path`` and its siblings until two looks agree, as a rotation may be under way; say if they did."""
        current, siblings = self._look_again(path)
        for _ in range(_SETTLE_TRIES):
            before = _keys(current, siblings)
            current, siblings = self._look_again(path)
            if before == _keys(current, siblings):
                return current, siblings, True
        return current, siblings, False

    def target(self, path: str) -> str:
        """Give what a path leads to in the end, with links in its directories followed too; empty where it is itself."""
        directory, name = os.path.split(path)
        real = self._directories.get(directory)
        if real is None:
            real = self._directories[directory] = os.path.realpath(directory)
        plain = os.path.join(real, name)
        found = os.path.realpath(plain) if os.path.islink(plain) else plain
        return found if found != path else ""

    def device_of(self, directory: str) -> int | None:
        """Give the device that a directory is on, or None where there is none."""
        found = self.look(directory)
        return found.key.device if found else None

    def _look_again(self, path: str) -> tuple[FileStat | None, list[Entry]]:
        for changed in {path, resolve(path)}:
            self._listings.pop(os.path.dirname(changed), None)
        self._found.pop(path, None)
        current = self.stat(path)  # first: who was copied before this was cut off is among the siblings
        return current, self.siblings(path)

    def _siblings(self, path: str) -> list[Entry]:
        directory, base = os.path.split(path)
        stem = os.path.splitext(base)[0]
        names = self._listing(directory)
        first = bisect_left(names, stem)
        last = first
        while last < len(names) and names[last].startswith(stem):
            last += 1
        return self._entries(directory, [name for name in names[first:last] if may_be_rotated(name, base)])

    def _entries(self, directory: str, names: Iterable[str]) -> list[Entry]:
        found = []
        for name in names:
            path = os.path.join(directory, name)
            stat = self.stat(path)
            if stat:
                found.append(Entry(path, stat))
        return found

    def _listing(self, directory: str) -> list[str]:
        names = self._listings.get(directory)
        if names is None:
            try:
                names = sorted(os.listdir(directory))
            except (FileNotFoundError, NotADirectoryError):
                names = []
            except OSError as error:
                raise UnobservableError(directory) from error
            self._listings[directory] = names
        return names


def resolve(path: str) -> str:
    """Give what a link leads to in the end, and any other path as it is."""
    return os.path.realpath(path) if os.path.islink(path) else path


def _keys(current: FileStat | None, siblings: list[Entry]) -> tuple[object, ...]:
    return (current.key if current else None, *((entry.path, entry.stat.key) for entry in siblings))
