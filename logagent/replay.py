"""History through the core, in the data's own time: what metrics, alerts and budgets would have been."""

from __future__ import annotations

import dataclasses
import gzip
import heapq
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast

from logagent.errors import UnreachableError
from logagent.model import Outcome, RawBatch
from logagent.pipeline import Pipeline, build_pipeline
from logagent.receivers.framing import LineFramer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from logagent.catalog import Catalog
    from logagent.model import Alert
    from logagent.receivers.framing import Framed
    from logagent.settings import Settings

RECEIVER = "replay"
CHUNK_BYTES = 256 * 1024
_PEEK_LINES = 200
"""Lines at a file's begin that are looked at for its first time."""
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class History:
    """What a replay came to."""

    lines: int = 0
    records: int = 0
    errors: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    """By kind."""
    alerts: list[Alert] = field(default_factory=list)
    """Every change of every alert, in order."""
    notifications: int = 0
    first_unix_nano: int = 0
    """The earliest time that a line told; 0 where none did."""
    last_unix_nano: int = 0

    def take(self, outcome: Outcome) -> None:
        """Add up an outcome."""
        self.records += len(outcome.records)
        self.errors += len(outcome.failures)
        self.spans.update(span.kind for span in outcome.spans)
        self.alerts += outcome.alerts
        self.notifications += len(outcome.notifications)
        times = [record.time_unix_nano for record in outcome.records if record.time_unix_nano]
        if times:
            self.first_unix_nano = min(self.first_unix_nano or times[0], *times)
            self.last_unix_nano = max(self.last_unix_nano, *times)


class Replay:
    """One pass over some files, all of which are one history: lines of several files come in the order of their times."""

    def __init__(self, paths: Sequence[Path], catalog: Catalog, settings: Settings, *, identify: bool) -> None:
        self.pipeline = build_pipeline(catalog, settings, identify=identify, receivers=[RECEIVER])
        self.history = History()
        self._paths = paths
        self._limit = settings.limits.line
        parsers = dataclasses.replace(catalog, metrics=(), rules=())
        self._looker = build_pipeline(parsers, settings, identify=False, receivers=[RECEIVER])

    @property
    def size(self) -> int:
        """Bytes of all files as they lie on the disk. Raises UnreachableError where one cannot be read."""
        return sum(_size(path) for path in self._paths)

    def steps(self, now: int) -> Iterator[tuple[Outcome, int]]:
        """Read all files; give what each step came to, and how many bytes of a file it took. Raises UnreachableError."""
        readers = [_Reader(path, self._limit) for path in self._paths]
        try:
            waiting = [(self._first_time(reader, now), position) for position, reader in enumerate(readers)]
            heapq.heapify(waiting)
            while waiting:
                reached, position = heapq.heappop(waiting)
                reader = readers[position]
                framed = reader.next()
                if framed is None:
                    continue
                outcome = self._process(self.pipeline, reader, framed, now)
                self.history.lines += len(framed.lines)
                yield self._taken(outcome), reader.take_progress()
                latest = max((record.time_unix_nano for record in outcome.records), default=0)
                heapq.heappush(waiting, (max(reached, latest), position))
        finally:
            for reader in readers:
                reader.close()
        yield self._taken(self.pipeline.close(now)), 0
        yield self._taken(self.pipeline.settle()), 0

    def _taken(self, outcome: Outcome) -> Outcome:
        self.history.take(outcome)
        return outcome

    def _first_time(self, reader: _Reader, now: int) -> int:
        """The first time in a file; 0 where its first lines tell none."""
        framed = reader.peek()
        if framed is None:
            return 0
        head = dataclasses.replace(framed, lines=framed.lines[:_PEEK_LINES], cut={})
        records = self._process(self._looker, reader, head, now).records
        return next((record.time_unix_nano for record in records if record.time_unix_nano), 0)

    @staticmethod
    def _process(pipeline: Pipeline, reader: _Reader, framed: Framed, now: int) -> Outcome:
        source = str(reader.path)
        losses = {"nul_bytes": framed.nul_bytes} if framed.nul_bytes else {}
        size = sum(map(len, framed.lines)) + len(framed.lines)
        return pipeline.process(
            RawBatch(RECEIVER, source, framed.lines, source, None, now, size, cut=framed.cut, losses=losses), now
        )


class _Reader:
    """The lines of one file, plain or gzip, a chunk at a time."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._framer = LineFramer(limit)
        self._peeked: Framed | None = None
        self._told = 0
        with _errors(path):
            self._raw = path.open("rb")
            packed = self._raw.read(len(_GZIP)) == _GZIP
            self._raw.seek(0)
            self._data = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if packed else self._raw

    def close(self) -> None:
        """Close the file."""
        self._data.close()
        self._raw.close()

    def peek(self) -> Framed | None:
        """What ``next`` will give."""
        if self._peeked is None:
            self._peeked = self._read()
        return self._peeked

    def next(self) -> Framed | None:
        """The next lines; None at the end."""
        framed, self._peeked = self._peeked or self._read(), None
        return framed

    def take_progress(self) -> int:
        """Bytes of the file on the disk that were read since the last call."""
        at = self._raw.tell()
        read, self._told = at - self._told, at
        return read

    def _read(self) -> Framed | None:
        while True:
            with _errors(self.path):
                data = self._data.read(CHUNK_BYTES)
            if not data:
                return self._framer.flush()
            framed = self._framer.feed(data)
            if framed is not None and framed.lines:
                return framed


def _size(path: Path) -> int:
    with _errors(path):
        return path.stat().st_size


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreachableError(f"{path} is damaged: {error}", "gzip --test tells more") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreachableError(f"{path} cannot be read: {reason}", "a log file, plain or gzip") from None
