"""A log that is copied and cut off while an agent looks and reads step by step, on a clock that only the test moves."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

from logagent.clock import ManualClock
from logagent.receivers.books import Limits
from logagent.receivers.discovery import Patterns
from logagent.receivers.fileset import FileSet

if TYPE_CHECKING:
    from pathlib import Path

    from logagent.model import RawBatch

CHUNK_BYTES = 2048
QUIET_SECONDS = 5.0
_START_UNIX_NANO = 1_800_000_000 * 10**9
_LIMITS = Limits(
    max_line_bytes=1024 * 1024,
    chunk_bytes=CHUNK_BYTES,
    quiet_seconds=QUIET_SECONDS,
    order_seconds=60.0,
    hold_seconds=3600.0,
    max_open_files=512,
)


class Scene:
    """Numbered lines are written to ``path``; ``read`` are those whose batches were committed, in that order.

    Every change gives its file a modification time of the manual clock, so that no two are at the same time.
    """

    def __init__(self, directory: Path, pattern: str = "app.log") -> None:
        self.path = directory / "app.log"
        self.clock = ManualClock(_START_UNIX_NANO)
        self.written = 0
        self.read: list[int] = []
        self.losses: Counter[str] = Counter()
        self._pattern = str(directory / pattern)
        self._positions: dict[str, bytes] = {}
        self._uncommitted: list[RawBatch] = []
        self._files: FileSet | None = None
        self.path.touch()
        self._stamp(self.path)

    @property
    def copy_path(self) -> Path:
        return self.path.with_name("app.log.1")

    @property
    def lives(self) -> bool:
        return self._files is not None

    def write(self, count: int) -> None:
        lines = range(self.written, self.written + count)
        with self.path.open("ab") as file:
            file.writelines(b"line %d %s\n" % (number, b"x" * (number * 37 % 60)) for number in lines)
        self.written += count
        self._stamp(self.path)

    def begin_copy(self) -> None:
        """Shifts the older copies, as logrotate does, and makes an empty one."""
        counts = sorted((int(path.suffix[1:]) for path in self.path.parent.glob("app.log.*")), reverse=True)
        for count in counts:
            self.path.with_name(f"app.log.{count}").rename(self.path.with_name(f"app.log.{count + 1}"))
        self.copy_path.touch()
        self._stamp(self.copy_path)

    def fill_copy(self, *, preserve: bool = False) -> None:
        shutil.copyfile(self.path, self.copy_path)
        if preserve:
            shutil.copystat(self.path, self.copy_path)
        else:
            self._stamp(self.copy_path)

    def cut_off(self) -> None:
        os.truncate(self.path, 0)
        self._stamp(self.path)

    def copytruncate(self) -> None:
        self.begin_copy()
        self.fill_copy()
        self.cut_off()

    def start(self) -> None:
        self._files = FileSet("app", Patterns([self._pattern]), _LIMITS, self.clock, start_at_end=False)
        self._files.restore(self._positions)

    def kill(self) -> None:
        """What was not committed has never been."""
        self._files = None
        self._uncommitted.clear()

    def survey(self) -> None:
        assert self._files is not None
        self._files.survey(once=False)
        self._take(*self._files.notices())

    def step(self, count: int = 1) -> None:
        """Reads chunks of whatever may be read now."""
        assert self._files is not None
        for _ in range(count):
            for generations in list(self._files.generations.values()):
                for file in generations.files[-1:]:
                    file.at_end = False  # as a change notification would
                if generations.pick(self.clock.monotonic(), once=False):
                    self._take(self._files.step(generations, once=False))
            self._take(*self._files.notices())

    def commit(self, batches: int | None = None) -> None:
        """Commits what has been taken, or only the first so many batches of it."""
        for batch in self._uncommitted[:batches]:
            self.losses.update(batch.losses)
            self.read += [int(line.split()[1]) for line in batch.lines]
            if batch.position is None:
                self._positions.pop(batch.stream, None)
            else:
                self._positions[batch.stream] = batch.position
        del self._uncommitted[:batches]

    def finish(self) -> None:
        """Lets an agent look and read until there can be nothing left."""
        if not self.lives:
            self.start()
        for _ in range(5):
            self.survey()
            self.step(self.written // 10 + 20)
            self.clock.advance(QUIET_SECONDS)
        self.commit()

    def _take(self, *batches: RawBatch | None) -> None:
        self._uncommitted += [batch for batch in batches if batch]

    def _stamp(self, path: Path) -> None:
        self.clock.advance(0.001)
        os.utime(path, ns=(self.clock.now(), self.clock.now()))
