"""Which spans ended recently, so that a line that tells of one of them again makes no second span."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MEMORY_NANO: Final = 3_600_000_000_000
"""A line further from the end than this, by the times of the lines, tells of another span of the same id."""
REMEMBERED: Final = 16_384
"""How many ended spans are remembered, at least: 3 MiB, with what whoever commits keeps of their entries."""
_CHUNK: Final = 256
_PREFIX: Final = "\0\0"
"""Begins the keys of these entries: those of open spans begin with a service and a kind, which is never empty."""


class _Chunk:
    """Spans that ended one after the other: an entry of the ledger, written until it is full and then no more."""

    __slots__ = ("hashes", "ids", "key", "times")

    def __init__(self, number: int) -> None:
        self.key = f"{_PREFIX}{number}"
        self.ids: list[tuple[str, str, str]] = []
        """Service, kind and id of each; let go once the full chunk is in the ledger."""
        self.times: Sequence[int] = []
        self.hashes: Sequence[int] = ()
        """Those of the ids, in this process only, once the chunk is full."""

    def seal(self) -> None:
        """The chunk is full: from now on it needs little room."""
        self.hashes = array("q", map(hash, self.ids))
        self.times = array("q", self.times)

    def latest_time(self, key: int) -> int:
        """When the span of this hash ended, last."""
        hashes = self.hashes or map(hash, self.ids)
        return max(time for known, time in zip(hashes, self.times, strict=True) if known == key)


class EndedSpans:
    """The spans that ended last, and when. The oldest are forgotten, a chunk at a time."""

    def __init__(self, *, limit: int = REMEMBERED, chunk: int = _CHUNK) -> None:
        self._size = chunk
        self._most = -(-limit // chunk) + 1
        self.where: dict[int, _Chunk] = {}
        """Hash of service, kind and id → the chunk that has it. The texts themselves would take three times the memory."""
        self._chunks: list[_Chunk] = []
        self._count = 0
        """Chunks that were ever begun."""
        self._full: list[_Chunk] = []
        """Chunks that became full since the last commit."""
        self._written = 0
        """How many spans of the latest chunk the last commit wrote."""
        self._gone: list[str] = []
        self._begin()

    def __len__(self) -> int:
        """How many spans are remembered."""
        return len(self.where)

    def add(self, service: str, kind: str, entity: str, time: int) -> None:
        """A span ended, with a line of this time."""
        identity = service, kind, entity
        self.where[hash(identity)] = self._latest
        self._ids.append(identity)
        times = self._times
        times.append(time)
        if len(times) >= self._size:
            self._turn()

    def note(self, service: str, kind: str, entity: str, time: int) -> bool:
        """Adds a span that is not remembered; whether it was not: both for the price of one."""
        identity = service, kind, entity
        key = hash(identity)
        if key in self.where:
            return False
        self.where[key] = self._latest
        self._ids.append(identity)
        times = self._times
        times.append(time)
        if len(times) >= self._size:
            self._turn()
        return True

    def _turn(self) -> None:
        self._latest.seal()
        self._full.append(self._latest)
        self._begin()
        self._forget()

    def _begin(self) -> None:
        self._latest = _Chunk(self._count)
        self._ids, self._times = self._latest.ids, list[int]()
        self._latest.times = self._times
        self._written = 0
        self._count += 1
        self._chunks.append(self._latest)

    def _forget(self) -> None:
        where = self.where
        while len(self._chunks) > self._most:
            oldest = self._chunks.pop(0)
            self._gone.append(oldest.key)
            for key in oldest.hashes:
                # it may have ended again since
                if where.get(key) is oldest:
                    del where[key]

    def knows(self, service: str, kind: str, entity: str) -> bool:
        """Whether a span of this id is remembered."""
        return hash((service, kind, entity)) in self.where

    def covers(self, service: str, kind: str, entity: str, time: int, begun: int | None) -> bool:
        """Whether a line tells of a span that has ended.

        ``begun``: when the span began that the line tells of. One that began after the other ended is another one, as is one
        that is told of more than ``MEMORY_NANO`` before or after. A line of the very same time is the same line again, also
        where a clock that was set back makes its span end before it began.
        """
        key = hash((service, kind, entity))
        chunk = self.where.get(key)
        if chunk is None:
            return False
        ended = chunk.latest_time(key)
        return abs(time - ended) <= MEMORY_NANO and (begun is None or begun <= ended or time == ended)

    # -- what survives a kill ------------------------------------------------------------------------------

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """Entries that changed since the last call: few, however many spans are remembered."""
        gone = set(self._gone)
        for chunk in self._full:
            if chunk.key not in gone:
                yield chunk.key, _dump(chunk)
            chunk.ids = []
        self._full.clear()
        if self._written != len(self._times):
            self._written = len(self._times)
            yield self._latest.key, _dump(self._latest)
        for key in self._gone:
            yield key, None
        self._gone.clear()

    @staticmethod
    def is_entry(key: str) -> bool:
        """Whether an entry among those of open spans is one of these."""
        return key.startswith(_PREFIX)

    def restore(self, entries: dict[str, bytes]) -> None:
        """Takes the entries that ``changes`` gave."""
        if not entries:
            return
        self._chunks.clear()
        for number, value in sorted((int(key.removeprefix(_PREFIX)), value) for key, value in entries.items()):
            self._count = number
            self._begin()
            self._load(self._latest, value)
        for chunk in self._chunks:
            if chunk is not self._latest or len(chunk.ids) >= self._size:
                chunk.seal()
                chunk.ids = []
        if self._latest.hashes:
            self._begin()
        self._written = len(self._times)
        self._forget()

    def _load(self, chunk: _Chunk, value: bytes) -> None:
        since, _, rest = value.partition(b" ")
        places, ended = orjson.loads(rest)
        for place, entity, time in ended:
            service, kind = places[place]
            identity = service, kind, entity
            self.where[hash(identity)] = chunk
            self._ids.append(identity)
            self._times.append(int(since) + time)


def _dump(chunk: _Chunk) -> bytes:
    places: dict[tuple[str, str], int] = {}
    since = min(chunk.times)
    ended = [
        (places.setdefault((service, kind), len(places)), entity, time - since)
        for (service, kind, entity), time in zip(chunk.ids, chunk.times, strict=True)
    ]
    # put together, the text is a copy without the room that orjson leaves behind what it writes: four times the size
    return b"%d " % since + orjson.dumps([list(places), ended])
