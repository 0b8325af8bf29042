"""The files known of one path: where each is now, opened where it can be, and whether it still is what was read."""

# ruff: noqa: PTH120  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logagent.receivers.discovery import Entry
from logagent.receivers.identity import FileKey, Handle
from logagent.receivers.tailer import TailedFile

if TYPE_CHECKING:
    from logagent.clock import Clock
    from logagent.receivers.books import Books, Limits
    from logagent.receivers.discovery import View
    from logagent.receivers.identity import FileStat

_GENERATION_STEP = 2**32  # room for files that turn out to belong in between


class Roster:
    """The known files of one path, oldest first."""

    def __init__(self, path: str, books: Books, limits: Limits, clock: Clock) -> None:
        self.path = path
        self.files: list[TailedFile] = []
        self.late: list[tuple[TailedFile, bool]] = []
        """Notices for the end of a look, and whether to forget: a younger file that is known, or an older one that is
        not, says that those between have been found."""
        self._books = books
        self._limits = limits
        self._clock = clock

    def stands(self, current: FileStat | None) -> bool:
        """Whether the youngest known file is the one at the path."""
        return bool(current and self.files and self.files[-1].key == current.key)

    def note_places(
        self, view: View, current: FileStat | None, siblings: list[Entry]
    ) -> dict[FileKey, tuple[str, FileStat]]:
        """Find every known file again among what is there; give what is where."""
        places = {entry.stat.key: (entry.path, entry.stat) for entry in reversed(siblings)}
        for location in {file.location for file in self.files} - {"", self.path}:
            stat = view.stat(location)
            if stat:
                places.setdefault(stat.key, (location, stat))
        if current:
            places[current.key] = (self.path, current)
        for file in self.files:
            if file.target and file.key not in places:
                places |= _behind_link(file, view)
        for file in reversed(self.files):
            place = self._place(file, places, view)
            # Where two are known by one inode, the younger took it over.
            self._note_place(file, place if self._books.claims.setdefault(file.key, file) is file else None)
            self._note_target(file, view)
        return places

    def strayed(self, view: View) -> list[TailedFile]:
        """Give the files that are neither at the path nor beside it, and that nothing else has taken the inode of."""
        if all(file.current for file in self.files):
            return []
        near = {self.path, *(entry.path for entry in view.siblings(self.path))}
        return [file for file in self.files if file.location not in near and self._books.claims.get(file.key) is file]

    def adopt(self, file: TailedFile, entry: Entry, giver: Roster, view: View) -> bool:
        """Take over a file that has been renamed to the path or beside it, if it is the same; say whether it is."""
        if not _is_at(file, entry):
            return False
        giver.files.remove(file)
        giver.late[:] = [notice for notice in giver.late if notice[0] is not file]
        file.path = self.path
        at = self._place_in_order(entry, view)
        file.generation = self._generation_at(at)
        self.files.insert(at, file)
        self._note_place(file, (entry.path, entry.stat))
        self._note_target(file, view)
        self.late.append((file, False))
        return True

    def open_changed(self, places: dict[FileKey, tuple[str, FileStat]]) -> list[TailedFile]:
        """Open what may have something to read; give what no longer holds what was read, the youngest first."""
        broken = []
        for file in reversed(self.files):
            superseded = self._books.claims.get(file.key, file) is not file and file.key in places
            seen = file.seen
            if superseded or not self._open_if_changed(file, places.get(file.key)):
                broken.append(file)
            elif file.seen and not seen:
                self.late.append((file, False))
        return broken

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
        self.release(file)
        file.key = moved
        self.claim(file)
        return places[moved]

    def _note_place(self, file: TailedFile, place: tuple[str, FileStat] | None) -> None:
        file.location = place[0] if place else ""
        file.current = file.location == self.path and file is self.files[-1]
        if file.current:
            file.rotated_at = None
        elif file.rotated_at is None:
            self.note_rotated(file, place[1] if place else None)

    def _note_target(self, file: TailedFile, view: View) -> None:
        target = view.target(file.location) if file.location else file.target
        if target == file.target:
            return
        stat = view.stat(target) if target else None
        if not target or (stat and stat.key == file.key):  # or the link has just been turned
            file.target = target
            self.late.append((file, False))

    def note_rotated(self, file: TailedFile, stat: FileStat | None) -> None:
        """Note since when a file is no longer the one at the path."""
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

    def add(self, location: str, stat: FileStat, *, at_end: bool, before: TailedFile | None = None) -> TailedFile:
        """Open a file and put it in order: before a given one, or else last."""
        at = self.files.index(before) if before else len(self.files)
        generation = self._generation_at(at)
        made = TailedFile(
            self.path, location, stat.key, generation=generation, max_line_bytes=self._limits.max_line_bytes
        )
        made.size, made.modified_unix_nano = stat.size, stat.modified_unix_nano
        made.age = stat.modified_unix_nano, stat.changed_unix_nano
        made.behind_since = self._clock.monotonic()
        target = os.path.realpath(location)
        made.target = target if target != location else ""
        self._open_new(made, at_end=at_end)
        self.files.insert(at, made)
        self.claim(made)
        return made

    def _place_in_order(self, entry: Entry, view: View) -> int:
        if entry.path == self.path:
            return len(self.files)
        modified_unix_nano = entry.stat.modified_unix_nano
        youngest = len(self.files) - self.stands(view.stat(self.path))
        younger = (at for at, file in enumerate(self.files[:youngest]) if file.modified_unix_nano > modified_unix_nano)
        return next(younger, youngest)

    def _generation_at(self, at: int) -> int:
        before = self.files[at - 1].generation if at else 0
        if at == len(self.files):
            return before + _GENERATION_STEP
        return before + 1 if at else self.files[0].generation // 2

    def _open_new(self, made: TailedFile, *, at_end: bool) -> None:
        made.handle = self._open(made)
        if made.handle is None:
            return
        made.begin(made.handle)
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

    def is_gone(self, file: TailedFile, view: View) -> bool:
        """Whether a file that nothing leads to has been removed, as far as can be seen."""
        if not file.verified and view.device_of(os.path.dirname(self.path)) != file.key.device:
            return False  # perhaps only not mounted yet
        # A directory that is listed while names in it change may not show a file at all.
        current, siblings, settled = view.settle(self.path)
        keys = {entry.stat.key for entry in siblings} | ({current.key} if current else set())
        return settled and (file.key not in keys or self._books.claims.get(file.key) is not file)

    def claim(self, file: TailedFile) -> None:
        """Have a file read by its inode, and no other."""
        self._books.claims[file.key] = file

    def release(self, file: TailedFile) -> None:
        """Give up the claim on an inode: another file may have it now."""
        if self._books.claims.get(file.key) is file:
            del self._books.claims[file.key]


def _behind_link(file: TailedFile, view: View) -> dict[FileKey, tuple[str, FileStat]]:
    """Find a file again where a link that has since been turned to another led to."""
    stat = view.stat(file.target)
    found = [*view.siblings(file.target), *([Entry(file.target, stat)] if stat else [])]
    return {entry.stat.key: (entry.path, entry.stat) for entry in found if entry.stat.key == file.key}


def _is_at(file: TailedFile, entry: Entry) -> bool:
    """Whether it is the file that was read, and not only its inode, used again."""
    if file.handle is not None:
        return True
    if not file.seen:
        return False  # and nothing would be skipped in it
    try:
        handle = Handle(entry.path)
    except PermissionError:
        return True  # compared when it can be opened
    except OSError:
        return False
    return handle.stat().key == file.key and file.attach(handle)
