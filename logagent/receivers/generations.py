"""The files that have stood at one path, oldest first, and which of them to read next."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from logagent.receivers.discovery import Entry, UnobservableError
from logagent.receivers.roster import Roster
from logagent.receivers.succession import Succession, is_copy_of
from logagent.receivers.tailer import TailedFile

if TYPE_CHECKING:
    from logagent.clock import Clock
    from logagent.receivers.books import Books, Limits
    from logagent.receivers.discovery import View
    from logagent.receivers.identity import FileKey, FileStat, Handle

_RETRY_SECONDS = 0.1


@dataclass(slots=True)
class _Look:
    """What one look at a path and what is beside it shows."""

    current: FileStat | None
    siblings: list[Entry]
    seen: TailedFile | None
    """The youngest known file, if its content was known before the siblings were listed."""
    settled: bool = False
    """The siblings were listed after the path was looked at, and both again until nothing changed."""
    broken: list[TailedFile] = field(default_factory=list)
    """Files that no longer hold what was read of them or seen in them, the youngest first."""
    filled: set[FileKey] = field(default_factory=set)
    """Siblings that were empty at the last look, so that they could not be told from copies just begun."""


class Generations:
    """The files of one path. A younger one is read only when those before it are finished."""

    def __init__(self, path: str, books: Books, limits: Limits, clock: Clock, *, since_unix_nano: int = 0) -> None:
        self.path = path
        self.roster = Roster(path, books, limits, clock)
        self.files = self.roster.files
        self.wake_at: float | None = None
        """Monotonic time at which a file held back by another may go on."""
        self.look_again = False
        """A file could not be opened under the name that it had a moment ago."""
        self._books = books
        self._limits = limits
        self._clock = clock
        self._succession = Succession(path, since_unix_nano)
        self._unsettled_at: float | None = None
        self._anchor: TailedFile | None = None
        """The file at the path, if its content was known before the last look at what is beside it: while it is intact,
        nothing that has come since can have stood there."""

    def restore(self, file: TailedFile) -> None:
        """Add a file known from an earlier run."""
        self.files.append(file)
        self.files.sort(key=_age)
        holder = self._books.claims.get(file.key)
        if holder is None or _age(file) > _age(holder):
            self.roster.claim(file)
        self._succession.floor_unix_nano = self.files[-1].modified_unix_nano
        self._anchor = self.files[-1] if self.files[-1].begun else None

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
        """Find every known file again."""
        try:
            self.roster.note_places(view, view.stat(self.path), view.siblings(self.path))
        except UnobservableError:
            return  # nothing is concluded from what cannot be seen

    def release_lost(self) -> None:
        """Give up the claim on inodes that have gone: others may have them now."""
        for file in self.files:
            if not file.location and file.handle is None:
                self.roster.release(file)

    def reconcile(self, view: View, matched: dict[str, Entry], *, at_end: bool) -> None:
        """Bring the files into agreement with what is at the path and beside it now.

        ``matched`` are the rotated names that the include patterns match themselves; with
        ``at_end``, files that are new are read from their end. Raise UnobservableError where
        the file system does not answer.
        """
        was_looked_at = bool(self.files) or self._succession.floor_unix_nano > 0
        look = self._look(view, settle=was_looked_at)
        overtaken = was_looked_at and self._is_overtaken(look)
        known = self.files[-1].location if self.files else ""
        replaced = self._replace_all(look)
        current = look.current
        if current and current.key not in self._books.claims:
            made = self.roster.add(self.path, current, at_end=at_end and not was_looked_at)
            made.current = True
            self.roster.late.append((made, False))
        youngest = self.files[-1] if self.roster.stands(current) else None
        if overtaken or look.filled:
            self._books.losses.update(self._succession.compressed(look.siblings, self.files))
            rivals = [*replaced, *([youngest] if youngest else [])]
            for entry in self._succession.after_known(look.siblings, self._books.claims, rivals, matched, known):
                if overtaken or entry.stat.key in look.filled:
                    self._begin(entry, at_end=False, before=self._first_younger(entry, youngest))
        elif not look.settled:
            for entry in self._succession.late(matched.values(), self._books.claims, self.files):
                self._begin(entry, at_end=at_end, before=youngest)
        self._forget_vanished(view)
        self._books.notices.extend(sorted(self.roster.late, key=itemgetter(1)))
        self.roster.late.clear()
        if self._unsettled_at is None:
            self._remember(look, view, youngest, is_first=not was_looked_at)

    def overtaken(self, file: TailedFile, view: View) -> bool:
        """Whether something has come beside the path before the first bytes of the file at it were seen."""
        if file in (self._anchor, *self.files[:-1]) or file.begun or not file.intact() or not file.seen:
            return False
        try:
            if self._succession.overtaken(view.siblings(self.path), self._books.claims):
                return True
        except UnobservableError:
            return False  # whatever has come is found when it can be seen again
        self._anchor = file
        return False

    def _look(self, view: View, *, settle: bool) -> _Look:
        """See what is there, and if ``settle``, where anything has changed, until nothing changes under the look."""
        seen = self._seen()
        look = _Look(view.stat(self.path), view.siblings(self.path), seen)
        look.broken = self.roster.open_changed(self.roster.note_places(view, look.current, look.siblings))
        look.filled = self._succession.filled(look.siblings, self._books.claims)
        if not settle or not (
            look.broken
            or look.filled
            or self._unsettled_at is not None
            or not self.roster.stands(look.current)
            or self._seen() is not seen
            or (self.files[-1] is not self._anchor and self._succession.overtaken(look.siblings, self._books.claims))
        ):
            return look
        while True:
            before, seen = set(look.broken), self._seen()
            current, siblings, settled = view.settle(self.path)
            self._note_settled(settled=settled)
            look = _Look(current, siblings, seen, settled=True)
            look.broken = self.roster.open_changed(self.roster.note_places(view, current, siblings))
            look.filled = self._succession.filled(siblings, self._books.claims)
            if before.issuperset(look.broken) or not settled:
                return look  # later than any change of content was noticed

    def _seen(self) -> TailedFile | None:
        return self.files[-1] if self.files and self.files[-1].seen else None

    def _is_overtaken(self, look: _Look) -> bool:
        """Whether files may have stood at the path between the youngest known one and what is there now."""
        return (
            self._unsettled_at is not None
            or not self.roster.stands(look.current)
            or self.files[-1] is not self._anchor
            or self.files[-1] in look.broken
        )

    def _remember(self, look: _Look, view: View, youngest: TailedFile | None, *, is_first: bool) -> None:
        self._succession.remember(
            look.current if youngest else None,
            look.siblings,
            self._books.claims,
            view.began_unix_nano,
            listed_after=look.settled or is_first,
        )
        # What came before the very first look at a path is not asked after.
        self._anchor = self._seen() if youngest and (youngest is look.seen or is_first) else None

    def _may_replace(self) -> bool:
        """Whether what is beside the path is known well enough to look for copies there."""
        since = self._unsettled_at
        return since is None or self._clock.monotonic() >= since + self._limits.order_seconds

    def _replace_all(self, look: _Look) -> list[TailedFile]:
        """Treat the content of broken files as new: what was read of it is no longer there; give those files.

        Where a copy was made before it was cut off, the rest is read from the copy.
        """
        if not self._may_replace():
            for file in look.broken:
                file.failed = True  # until names stand still
            return []
        for file in look.broken:
            self.roster.release(file)
        rotated = [file.modified_unix_nano for file in self.files if not file.current and file not in look.broken]
        for file in look.broken:
            since = min(file.age[0], max(rotated, default=file.age[0]))
            self._replace(file, self._succession.copy_of(file, look.siblings, self._books.claims, since))
        return look.broken

    def _replace(self, file: TailedFile, copy: tuple[Entry, Handle] | None) -> None:
        handle, key, location = file.handle, file.key, file.location
        at = self.files.index(file)
        if copy:
            cut_off = file.size - max(copy[0].stat.size, file.offset)
            if cut_off > 0:
                self._books.losses["truncated_bytes"] += cut_off
            file.rebind(*copy)
            file.age = copy[0].stat.modified_unix_nano, copy[0].stat.changed_unix_nano
            self.roster.note_rotated(file, copy[0].stat)
            self.roster.claim(file)
            self._books.notices.append((file, False))
        else:
            self._drop(file, "truncated_bytes")
        if handle and location and location != self.path and key not in self._books.claims:
            self._succeed(file, location, handle, at + bool(copy))

    def _succeed(self, file: TailedFile, location: str, handle: Handle, at: int) -> None:
        """Read on in a rotated file that was written anew, unless the file at the path was copied into it."""
        entry = Entry(location, handle.stat())
        if not entry.stat.size or any(is_copy_of(entry, other) for other in self.files if other.current):
            return
        successor = TailedFile(
            self.path,
            location,
            entry.stat.key,
            generation=file.generation + 1,
            max_line_bytes=self._limits.max_line_bytes,
        )
        successor.begin(handle)
        successor.rotated_at = file.rotated_at
        self.files.insert(at, successor)
        self.roster.claim(successor)
        self._books.notices.append((successor, False))

    def _ready_at(self, file: TailedFile) -> float:
        return max(file.grew_at, file.rotated_at or 0.0) + self._limits.quiet_seconds

    def _note_settled(self, *, settled: bool) -> None:
        """Remember since when names have been changing under every look, so that a file may have been missed."""
        if settled:
            self._unsettled_at = None
        elif self._unsettled_at is None:
            self._unsettled_at = self._clock.monotonic()

    def _begin(self, entry: Entry, *, at_end: bool, before: TailedFile | None) -> None:
        made = self.roster.add(entry.path, entry.stat, at_end=at_end, before=before)
        self.roster.note_rotated(made, entry.stat)
        self._books.notices.append((made, False))

    def _first_younger(self, entry: Entry, youngest: TailedFile | None) -> TailedFile | None:
        """Give the file to read an older one before, which a look may have missed amid renames."""
        age = entry.stat.modified_unix_nano, entry.stat.changed_unix_nano
        younger = (file for file in self.files if not file.begun and file.age > age)
        return next(younger, youngest)

    def _forget_vanished(self, view: View) -> None:
        for file in [file for file in self.files if not file.location]:
            if file.handle is not None:
                if self._clock.monotonic() >= (file.rotated_at or 0.0) + self._limits.hold_seconds:
                    self.roster.release(file)
                    self._drop(file, "hold_expired_bytes")
            elif self.roster.is_gone(file, view):
                self.roster.release(file)
                self._drop(file, "deleted_bytes")

    def _drop(self, file: TailedFile, reason: str) -> None:
        if file.unread:
            self._books.losses[reason] += file.unread
        file.handle = None
        self.files.remove(file)
        self.roster.late.append((file, True))


def _age(file: TailedFile) -> tuple[int, int]:
    return file.generation, file.modified_unix_nano
