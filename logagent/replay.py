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
        framed = reader.first()
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
    """The lines of one file, plain or gzip, a chunk at a time. It is open only between its first lines and its end."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit
        self._framer = LineFramer(limit)
        self._raw: BinaryIO | None = None
        self._data: BinaryIO | None = None
        self._told = 0

    def close(self) -> None:
        """Close the file; what is read next is its begin."""
        for stream in (self._data, self._raw):
            if stream is not None:
                stream.close()
        self._raw = self._data = None

    def first(self) -> Framed | None:
        """The file's first lines; None where it has none. The file is closed again."""
        framed = self.next()
        self.close()
        self._framer = LineFramer(self._limit)
        self._told = 0
        return framed

    def next(self) -> Framed | None:
        """The next lines; None at the end, where the file is closed."""
        while True:
            with _errors(self.path):
                data = self._opened().read(CHUNK_BYTES)
            framed = self._framer.feed(data) if data else self._framer.flush()
            if framed is not None and framed.lines:
                return framed
            if not data:
                self.close()
                return None

    def take_progress(self) -> int:
        """Bytes of the file on the disk that were read since the last call."""
        if self._raw is None:
            return 0
        at = self._raw.tell()
        read, self._told = at - self._told, at
        return read

    def _opened(self) -> BinaryIO:
        if self._data is None:
            self._raw = self.path.open("rb")
            packed = self._raw.read(len(_GZIP)) == _GZIP
            self._raw.seek(0)
            self._data = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if packed else self._raw
        return self._data


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
