"""The files that have stood at one path, oldest first, and which of them to read next."""

# ruff: noqa: PTH120  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logagent.receivers.discovery import UnobservableError
from logagent.receivers.identity import FileKey, Handle
from logagent.receivers.succession import Succession
from logagent.receivers.tailer import TailedFile

if TYPE_CHECKING:
    from logagent.clock import Clock
    from logagent.receivers.books import Books, Limits
    from logagent.receivers.discovery import Entry, View
    from logagent.receivers.identity import FileStat

_RETRY_SECONDS = 0.1
_GENERATION_STEP = 2**32  # room for files that turn out to belong in between


class Generations:
    """The files of one path. A younger one is read only when those before it are finished."""

    def __init__(self, path: str, books: Books, limits: Limits, clock: Clock, *, since_unix_nano: int = 0) -> None:
        self.path = path
        self.files: list[TailedFile] = []
        self.wake_at: float | None = None
        """Monotonic time at which a file held back by another may go on."""
        self.look_again = False
        """A file could not be opened under the name that it had a moment ago."""
        self._books = books
        self._limits = limits
        self._clock = clock
        self._succession = Succession(path, since_unix_nano)
        self._unsettled_at: float | None = None

    def restore(self, file: TailedFile) -> None:
        """Add a file known from an earlier run."""
        self.files.append(file)
        self.files.sort(key=_age)
        holder = self._books.claims.get(file.key)
        if holder is None or _age(file) > _age(holder):
            self._claim(file)
        self._succession.floor_unix_nano = self.files[-1].modified_unix_nano

    def pick(self, now: float, *, once: bool) -> TailedFile | None:
        """Give the file whose turn it is: to be read on, or to be finished if it is at its end."""
        self.wake_at = None
        self.look_again = False
        for file in self.files:
            if file.unreadable:
                continue
            if not once and self._must_look_again(file, now):
                return None
            if file.failed:
                continue
            if not file.at_end:
                return file
            if file.current and not once:
                return None
            if file.done or (file.current and not file.held):
                continue
            ready_at = self._ready_at(file)
            if once or now >= ready_at:
                return file
            if now < (file.rotated_at or 0.0) + self._limits.order_seconds:
                self.wake_at = ready_at
                return None
        return None

    def _must_look_again(self, file: TailedFile, now: float) -> bool:
        """Whether this file's turn waits for another look at the names, which it does not for ever."""
        if file.failed:
            since = file.rotated_at or now
        elif self._unsettled_at is not None and not file.begun:
            since = self._unsettled_at
        else:
            return False
        self.look_again = True
        if now >= since + self._limits.order_seconds:
            return False
        self.wake_at = now + _RETRY_SECONDS
        return True

    def locate(self, view: View) -> None:
        """Find every known file again, and give up the claim on inodes that have gone: others may have them now."""
        try:
            self._note_places(view, view.stat(self.path), view.siblings(self.path))
        except UnobservableError:
            return  # nothing is concluded from what cannot be seen
        for file in self.files:
            if not file.location and file.handle is None:
                self._release(file)

    def reconcile(self, view: View, matched: dict[str, Entry], *, at_end: bool) -> None:
        """Bring the files into agreement with what is at the path and beside it now.

        ``matched`` are the rotated names that the include patterns match themselves; with
        ``at_end``, files that are new are read from their end. Raise UnobservableError where
        the file system does not answer.
        """
        current, siblings = view.stat(self.path), view.siblings(self.path)
        was_known = bool(self.files)
        was_looked_at = was_known or self._succession.floor_unix_nano > 0
        doubtful = was_looked_at and (self._unsettled_at is not None or not self._stands(current))
        if doubtful:
            current, siblings, settled = view.settle(self.path)
            self._note_settled(settled=settled)
        places = self._note_places(view, current, siblings)
        replaced = self._open_changed(places, view)
        # A file of which nothing was read does not show whether it was copied away and cut off.
        if doubtful or (was_looked_at and (replaced or not self.files[-1].begun)):
            self._books.losses.update(self._succession.compressed(siblings, self.files))
            for entry in self._succession.after_known(siblings, self._books.claims, self.files, matched):
                self._begin(entry, at_end=False, before=self._first_younger(entry, current))
        else:
            for entry in self._succession.late(matched.values(), self._books.claims, self.files):
                self._begin(entry, at_end=at_end, before=self.files[-1] if was_known else None)
        if current and current.key not in self._books.claims:
            self._add(self.path, current, at_end=at_end and not was_known).current = True
        self._forget_vanished(view)
        if self._unsettled_at is None:
            at_path = current if self._stands(current) else None
            self._succession.remember(at_path, siblings, self._books.claims, view.began_unix_nano)

    def _replace(self, file: TailedFile, view: View) -> None:
        """Treat a file's content as new: what was read of it is no longer there.

        Where a copy was made before it was cut off, the rest is read from the copy.
        """
        handle, key, location = file.handle, file.key, file.location
        at = self.files.index(file)
        copy = self._succession.copy_of(file, view.siblings(self.path), self._books.claims)
        self._release(file)
        if copy:
            file.rebind(*copy)
            self._note_rotated(file, copy[0].stat)
            self._claim(file)
            self._books.notices.append((file, False))
        else:
            self._drop(file, "truncated_bytes")
        if handle and location and location != self.path:
            successor = TailedFile(
                self.path,
                location,
                key,
                generation=file.generation + bool(copy),
                max_line_bytes=self._limits.max_line_bytes,
            )
            successor.handle = handle
            successor.rotated_at = file.rotated_at
            self.files.insert(at + bool(copy), successor)
            self._claim(successor)
            self._books.notices.append((successor, False))

    def _ready_at(self, file: TailedFile) -> float:
        return max(file.grew_at, file.rotated_at or 0.0) + self._limits.quiet_seconds

    def _note_settled(self, *, settled: bool) -> None:
        """Remember since when names have been changing under every look, so that a file may have been missed."""
        if settled:
            self._unsettled_at = None
        elif self._unsettled_at is None:
            self._unsettled_at = self._clock.monotonic()

    def _stands(self, current: FileStat | None) -> bool:
        """Whether the youngest known file is the one at the path."""
        return bool(current and self.files and self.files[-1].key == current.key)

    def _note_places(
        self, view: View, current: FileStat | None, siblings: list[Entry]
    ) -> dict[FileKey, tuple[str, FileStat]]:
        places = {entry.stat.key: (entry.path, entry.stat) for entry in reversed(siblings)}
        for location in {file.location for file in self.files} - {"", self.path}:
            stat = view.stat(location)
            if stat:
                places.setdefault(stat.key, (location, stat))
        if current:
            places[current.key] = (self.path, current)
        for file in reversed(self.files):
            place = self._place(file, places, view)
            # Where two are known by one inode, the younger took it over.
            self._note_place(file, place if self._books.claims.setdefault(file.key, file) is file else None)
        return places

    def _open_changed(self, places: dict[FileKey, tuple[str, FileStat]], view: View) -> bool:
        """Open what may have something to read; say whether the file at the path was replaced in place."""
        replaced = False
        for file in reversed(list(self.files)):
            superseded = self._books.claims.get(file.key, file) is not file and file.key in places
            if superseded or not self._open_if_changed(file, places.get(file.key)):
                replaced = replaced or file.location == self.path
                self._replace(file, view)
        return replaced

    def _place(
        self, file: TailedFile, places: dict[FileKey, tuple[str, FileStat]], view: View
    ) -> tuple[str, FileStat] | None:
        if file.key in places or file.verified:
            return places.get(file.key)
        # Device numbers may change when a machine starts again; inodes and content do not.
        device = view.device_of(os.path.dirname(file.location or self.path))
        if device is None or device == file.key.device or not file.mark.tail_length:
            return None
        moved = FileKey(device, file.key.inode)
        if moved not in places or moved in self._books.claims:
            return None
        self._release(file)
        file.key = moved
        self._claim(file)
        return places[moved]

    def _note_place(self, file: TailedFile, place: tuple[str, FileStat] | None) -> None:
        file.location = place[0] if place else ""
        file.current = file.location == self.path and file is self.files[-1]
        if file.current:
            file.rotated_at = None
        elif file.rotated_at is None:
            self._note_rotated(file, place[1] if place else None)

    def _note_rotated(self, file: TailedFile, stat: FileStat | None) -> None:
        # A rename or a removal is a change of the inode, so its time is known even where it
        # happened while nobody looked.
        if stat is None and file.handle is not None:
            stat = file.handle.stat()
        since = max(stat.changed_unix_nano, stat.modified_unix_nano) if stat else 0
        file.rotated_at = self._clock.monotonic() - max(self._clock.now() - since, 0) / 1e9

    def _open_if_changed(self, file: TailedFile, place: tuple[str, FileStat] | None) -> bool:
        """Open a file that may have something to read; False where its content is no longer what was read."""
        file.failed = file.unreadable = False
        if file.handle is not None:
            return self._note_if_intact(file, file.handle.stat())
        if place is None or not file.location or (file.verified and not file.differs(place[1])):
            return True
        handle = self._open(file)
        if handle is None:
            return True
        known_size = file.size
        if not file.attach(handle):
            return False
        if file.size < known_size:
            self._books.notices.append((file, False))  # or what was cut off would be taken for lost later
        return True

    def _note_if_intact(self, file: TailedFile, stat: FileStat) -> bool:
        if file.differs(stat):
            if not file.intact():
                return False
            file.note(stat)
        return True

    def _begin(self, entry: Entry, *, at_end: bool, before: TailedFile | None) -> None:
        made = self._add(entry.path, entry.stat, at_end=at_end, before=before)
        self._note_rotated(made, entry.stat)

    def _first_younger(self, entry: Entry, current: FileStat | None) -> TailedFile | None:
        """Give the file to read an older one before, which a look may have missed amid renames."""
        age = entry.stat.modified_unix_nano, entry.stat.changed_unix_nano
        younger = (file for file in self.files if not file.begun and file.age > age)
        return next(younger, self.files[-1] if self._stands(current) else None)

    def _add(self, location: str, stat: FileStat, *, at_end: bool, before: TailedFile | None = None) -> TailedFile:
        at = self.files.index(before) if before else len(self.files)
        generation = self._generation_at(at)
        made = TailedFile(
            self.path, location, stat.key, generation=generation, max_line_bytes=self._limits.max_line_bytes
        )
        made.size, made.modified_unix_nano = stat.size, stat.modified_unix_nano
        made.age = stat.modified_unix_nano, stat.changed_unix_nano
        made.behind_since = self._clock.monotonic()
        self._open_new(made, at_end=at_end)
        self.files.insert(at, made)
        self._claim(made)
        self._books.notices.append((made, False))
        return made

    def _generation_at(self, at: int) -> int:
        before = self.files[at - 1].generation if at else 0
        if at == len(self.files):
            return before + _GENERATION_STEP
        return before + 1 if at else self.files[0].generation // 2

    def _open_new(self, made: TailedFile, *, at_end: bool) -> None:
        made.handle = self._open(made)
        if made.handle is None:
            return
        made.verified = True
        if at_end:
            made.skip_to_end(made.handle, self._limits.chunk_bytes)

    def _open(self, file: TailedFile) -> Handle | None:
        """Open a file where it was last seen, or note that this failed."""
        try:
            handle = Handle(file.location)
        except PermissionError:
            self._books.report_once("unreadable", file.location)
            file.unreadable = True
            return None
        except OSError:
            file.failed = True
            return None
        # Another file there means that names have changed this moment; the next survey finds it.
        file.failed = handle.stat().key != file.key
        return None if file.failed else handle

    def _forget_vanished(self, view: View) -> None:
        for file in [file for file in self.files if not file.location]:
            if file.handle is not None:
                if self._clock.monotonic() >= (file.rotated_at or 0.0) + self._limits.hold_seconds:
                    self._release(file)
                    self._drop(file, "hold_expired_bytes")
            elif self._is_gone(file, view):
                self._release(file)
                self._drop(file, "deleted_bytes")

    def _is_gone(self, file: TailedFile, view: View) -> bool:
        if not file.verified and view.device_of(os.path.dirname(self.path)) != file.key.device:
            return False  # perhaps only not mounted yet
        # A directory that is listed while names in it change may not show a file at all.
        current, siblings, settled = view.settle(self.path)
        keys = {entry.stat.key for entry in siblings} | ({current.key} if current else set())
        return settled and (file.key not in keys or self._books.claims.get(file.key) is not file)

    def _drop(self, file: TailedFile, reason: str) -> None:
        if file.unread:
            self._books.losses[reason] += file.unread
        file.handle = None
        self.files.remove(file)
        self._books.notices.append((file, True))

    def _claim(self, file: TailedFile) -> None:
        self._books.claims[file.key] = file

    def _release(self, file: TailedFile) -> None:
        if self._books.claims.get(file.key) is file:
            del self._books.claims[file.key]


def _age(file: TailedFile) -> tuple[int, int]:
    return file.generation, file.modified_unix_nano
