"""All files of one receiver: found, opened within a limit, and read chunk by chunk. Everything here may block."""

# ruff: noqa: PTH112, PTH118, PTH120  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson

from logagent.model import RawBatch
from logagent.receivers.books import Books
from logagent.receivers.discovery import Entry, Patterns, UnobservableError, View, resolve
from logagent.receivers.generations import Generations
from logagent.receivers.identity import Handle, Position
from logagent.receivers.protocol import ReceiverState
from logagent.receivers.renames import follow_renames
from logagent.receivers.rotation import is_compressed, possible_bases
from logagent.receivers.tailer import ContentChangedError, TailedFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.clock import Clock
    from logagent.receivers.books import Limits
    from logagent.receivers.tailer import Reading

RECEIVER_STREAM = "receiver"
"""Stream whose position says that the receiver has run before."""


class FileSet:
    """What the patterns match, in generations, and how far each file has been read."""

    def __init__(self, name: str, patterns: Patterns, limits: Limits, clock: Clock, *, start_at_end: bool) -> None:
        self.name = name
        self.generations: dict[str, Generations] = {}
        self._patterns = patterns
        self._limits = limits
        self._clock = clock
        self._books = Books()
        self._start_at_end = start_at_end
        self._looked_unix_nano = 0
        self._forgotten: list[str] = []
        self._announced = False

    def restore(self, positions: Mapping[str, bytes]) -> None:
        """Take over stored positions; one that cannot be read is counted and forgotten."""
        self._announced = RECEIVER_STREAM in positions
        if self._announced:
            self._looked_unix_nano = _started_unix_nano(positions[RECEIVER_STREAM])
        for stream, value in positions.items():
            if stream == RECEIVER_STREAM:
                continue
            try:
                position = Position.decode(value)
            except ValueError:
                self._books.losses["bad_position"] += 1
                self._forgotten.append(stream)
                continue
            file = TailedFile.restored(stream, position, max_line_bytes=self._limits.max_line_bytes)
            self._of(position.path).restore(file)

    def survey(self, *, once: bool) -> None:
        """Look at everything that exists and take note of what has changed."""
        view = View(self._clock.now())
        matched = self._group(self._matching(view))
        wanted = dict.fromkeys([*matched, *self._patterns.literals()])
        for path in wanted:
            self._of(path)
        at_end = self._start_at_end and not self._looked_unix_nano and not once
        for generations in self.generations.values():
            generations.locate(view)
        follow_renames([generations.roster for generations in self.generations.values()], view)
        for generations in self.generations.values():
            generations.release_lost()
        for path, generations in list(self.generations.items()):
            with suppress(UnobservableError):  # nothing is concluded from what cannot be seen
                generations.reconcile(view, matched.get(path, {}), at_end=at_end)
            if not generations.files and path not in wanted:
                del self.generations[path]
            self._trim()
        self._looked_unix_nano = max(view.began_unix_nano, 1)

    def step(self, generations: Generations, *, once: bool) -> RawBatch | None:
        """Read one chunk of the file whose turn it is; None where that completes no line."""
        now = self._clock.monotonic()
        file = generations.pick(now, once=once)
        if file is None:
            return None
        if file.at_end and file.handle and not file.current:
            file.differs(file.handle.stat())  # no notification may have told of its last lines
        if file.at_end:
            return self._finish(file)
        try:
            self._open(file)
            if not generations.overtaken(file, View(self._clock.now())):
                return self._read(file)
            self.survey(once=once)
        except ContentChangedError:
            file.failed = True  # until the survey has found out what it is now
            self.survey(once=once)
        except OSError:
            # Disk trouble, or a handle gone stale: opened anew at the next survey.
            file.close()
            file.at_end = False
            file.failed = True
        return None

    def notices(self) -> list[RawBatch]:
        """Give what the ledger is to know beside lines: new files, forgotten ones, losses."""
        batches = [self._batch(stream, stream, None) for stream in self._forgotten]
        self._forgotten.clear()
        while self._books.notices:
            file, forget = self._books.notices.popleft()
            batches.append(self._batch(file.source, file.stream, None if forget else file.position()))
        if not self._announced or (self._books.losses and not batches):
            position = orjson.dumps({"started_unix_nano": self._looked_unix_nano})
            batches.append(self._batch(self.name, RECEIVER_STREAM, position))
            self._announced = True
        if batches:
            batches[-1].losses = self._take_losses()
        return batches

    def directories(self) -> set[str]:
        """Give the directories to watch: where files may appear and where known ones are."""
        known = {os.path.dirname(resolve(path)) for path in self.generations}
        return self._patterns.directories() | {path for path in known if os.path.isdir(path)}

    def locations(self) -> dict[str, tuple[Generations, TailedFile]]:
        """Give the known files by the names that change notifications use."""
        return {
            path: (generations, file)
            for generations in self.generations.values()
            for file in generations.files
            if file.location
            for path in (file.location, resolve(file.location))
        }

    def observe(self) -> ReceiverState:
        """Give what is unread as of the last look; callable while another thread is at work here."""
        files = list(self._books.claims.values())
        now = self._clock.monotonic()
        return ReceiverState(
            lag_bytes=sum(file.unread for file in files),
            lag_seconds=max(
                (now - file.behind_since for file in files if not file.at_end and file.unread), default=0.0
            ),
            open_files=sum(file.handle is not None for file in files),
        )

    def close(self) -> None:
        """Let go of every open file."""
        for file in list(self._books.claims.values()):
            file.handle = None

    def _matching(self, view: View) -> dict[str, Entry]:
        found = {}
        for path in self._patterns.paths():
            try:
                stat = view.look(path)
            except UnobservableError:
                self._books.report_once("unreadable", path)
                continue
            if stat and not stat.regular:
                self._books.report_once("not_a_file", path)
            elif stat:
                found[path] = Entry(path, stat)
        return found

    def _group(self, entries: dict[str, Entry]) -> dict[str, dict[str, Entry]]:
        """Put rotated names under the path that they are rotated from, where that is matched or known, too."""
        groups: dict[str, dict[str, Entry]] = {}
        for path, entry in entries.items():
            directory, name = os.path.split(path)
            bases = (os.path.join(directory, base) for base in possible_bases(name))
            base = min((base for base in bases if base in entries or base in self.generations), key=len, default="")
            if base:
                groups.setdefault(base, {})[path] = entry
            elif is_compressed(path):
                self._books.report_once("compressed", path)
            else:
                groups.setdefault(path, {})
        return groups

    def _of(self, path: str) -> Generations:
        found = self.generations.get(path)
        if found is None:
            found = Generations(path, self._books, self._limits, self._clock, since_unix_nano=self._looked_unix_nano)
            self.generations[path] = found
        return found

    def _open(self, file: TailedFile) -> None:
        if file.handle is not None:
            return
        handle = Handle(file.location)
        if handle.stat().key != file.key:
            raise FileNotFoundError(file.location)
        if not file.attach(handle):
            raise ContentChangedError(file.location)
        self._trim(keep=file)

    def _read(self, file: TailedFile) -> RawBatch | None:
        size = file.size
        reading = file.read(self._limits.chunk_bytes)
        if file.at_end:
            file.behind_since = self._clock.monotonic()
        if reading or file.size != size:
            since = max(self._clock.now() - file.modified_unix_nano, 0) / 1e9
            file.grew_at = self._clock.monotonic() - since
        return self._lines(file, reading) if reading else None

    def _finish(self, file: TailedFile) -> RawBatch | None:
        reading = file.flush()
        if not file.current:
            file.done = True
            file.handle = None
        return self._lines(file, reading) if reading else None

    def _lines(self, file: TailedFile, reading: Reading) -> RawBatch:
        batch = self._batch(file.source, file.stream, file.position())
        batch.lines = reading.framed.lines
        batch.cut = reading.framed.cut
        batch.size = reading.consumed
        if reading.framed.nul_bytes:
            self._books.losses["nul_bytes"] += reading.framed.nul_bytes
        if self._books.losses:
            batch.losses = self._take_losses()
        return batch

    def _batch(self, source: str, stream: str, position: bytes | None) -> RawBatch:
        return RawBatch(self.name, source, [], stream, position, self._clock.now())

    def _take_losses(self) -> dict[str, int]:
        losses = dict(self._books.losses)
        self._books.losses.clear()
        return losses

    def _trim(self, keep: TailedFile | None = None) -> None:
        """Close files over the limit: idle ones first, and only such as can be opened again."""
        opened = [file for file in self._books.claims.values() if file.handle is not None]
        excess = len(opened) - self._limits.max_open_files
        if excess <= 0:
            return
        can_reopen = [file for file in opened if file.location and file is not keep]
        for file in sorted(can_reopen, key=lambda file: (not file.at_end, bool(file.held), file.grew_at))[:excess]:
            file.close()


def _started_unix_nano(position: bytes) -> int:
    try:
        data = orjson.loads(position)
    except ValueError:
        return 1
    started = data.get("started_unix_nano") if isinstance(data, dict) else None
    return max(started, 1) if isinstance(started, int) else 1
