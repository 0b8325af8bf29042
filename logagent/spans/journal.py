"""What of the spans goes into the ledger, and comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import orjson

from logagent.shapes import SpanShape
from logagent.spans import open as opened
from logagent.spans.ended import EndedSpans
from logagent.spans.open import OpenSpan, StreamClock
from logagent.spans.service import ServiceSpans

if TYPE_CHECKING:
    from logagent.model import Resource
    from logagent.spans.builder import Builder
    from logagent.spans.failures import FailureGroups

_BEGUN = ""
"""Instead of a log's name, in the room of the clocks: the entry that counts the spans that have begun."""

_UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What comes of reading an entry that another program, or a dying disk, has written over."""
_LATEST: Final = 2**63

ShapeFinder = Callable[[str, str], SpanShape | None]


class Journal:
    """Tells the ledger what changed of a builder's spans and of the failures, and restores both."""

    def __init__(self, builder: Builder, failures: FailureGroups) -> None:
        self._builder = builder
        self._failures = failures
        self._begun_stored = 0
        self._gone: list[tuple[str, str]] = []
        """Room and key of entries that could not be restored."""
        self._moved: set[str] = set()

    def moved(self, clock: StreamClock) -> None:
        """Lines have moved the clock of a log."""
        self._moved.add(clock.name)

    def changes(self) -> Iterable[tuple[str, str, bytes | None]]:
        """(room, key, value) of what changed since the last call."""
        builder = self._builder
        for room, key in self._gone:
            yield room, key, None
        self._gone.clear()
        for span in builder.changed:
            span.changed = False
            if not span.is_gone:
                span.stored = True
                yield "spans", span.key, opened.dump(span)
            elif span.stored:
                span.stored = False
                yield "spans", span.key, None
        builder.changed.clear()
        for key, value in builder.ended.changes():
            yield "spans", key, value
        yield from self._clock_changes()
        for key, value in self._failures.changes().items():
            yield "failures", key, value
        for name, service in builder.services.items():
            for key, value in service.echo_changes():
                yield "echoes", f"{name}\0{key}", value

    def _clock_changes(self) -> Iterable[tuple[str, str, bytes | None]]:
        builder = self._builder
        if builder.begun != self._begun_stored:
            self._begun_stored = builder.begun
            yield "clocks", _BEGUN, b"%d" % builder.begun
        for name in self._moved:
            clock = builder.clocks[name]
            yield "clocks", name, b"%d %d" % (clock.now, clock.told) if clock.told else b"0"
        self._moved.clear()

    def restore(
        self, rooms: Mapping[str, Mapping[str, bytes]], shapes: ShapeFinder, resources: Mapping[str, Resource], now: int
    ) -> None:
        """Takes the entries that ``changes`` gave.

        A span whose definition or service is gone is left out and counted, and so is an entry that cannot be read.
        """
        builder = self._builder

        def restore_clock(name: str, value: bytes) -> None:
            if name == _BEGUN:
                builder.begun = self._begun_stored = int(value)
            else:
                builder.clocks[name] = _clock(name, value, now)

        def restore_echo(key: str, value: bytes) -> None:
            name, _, echo = key.partition("\0")
            self._service(name).restore_echo(echo, value)

        def load_span(key: str, value: bytes) -> None:
            if builder.ended.is_entry(key):
                # A memory of its own, of one span, reads all that there is to be read.
                EndedSpans(limit=1, chunk=1).restore({key: value})
                ended[key] = value
                return
            data = opened.peek(value)
            shape, resource = shapes(data["dialect"], data["kind"]), resources.get(key.split("\0", 1)[0])
            if shape is None or resource is None:
                builder.dropped["definition_gone"] += 1
                self._gone.append(("spans", key))
                return
            clock = builder.clocks.get(data["clock"]) or StreamClock(data["clock"], observed=now)
            span = opened.load(data, shape, resource, clock)
            if span.key != key:
                raise ValueError("the entry of another span")
            builder.clocks[clock.name] = clock
            loaded.append(span)

        def load_failures(key: str, value: bytes) -> None:
            _check_failures(value)
            failures[key] = value

        ended: dict[str, bytes] = {}
        failures: dict[str, bytes] = {}
        loaded: list[OpenSpan] = []
        self._read("clocks", rooms, restore_clock)
        self._read("failures", rooms, load_failures)
        self._read("echoes", rooms, restore_echo)
        self._read("spans", rooms, load_span)
        self._failures.restore(failures)
        builder.ended.restore(ended)
        for span in sorted(loaded, key=lambda span: span.order):
            self._restore_span(span)

    def _read(self, room: str, rooms: Mapping[str, Mapping[str, bytes]], take: Callable[[str, bytes], None]) -> None:
        """Has each entry of a room taken; one that makes no sense is dropped and counted, and the others stay."""
        for key, value in rooms.get(room, {}).items():
            try:
                take(key, value)
            except _UNREADABLE:
                self._builder.dropped["span_state"] += 1
                self._gone.append((room, key))

    def _restore_span(self, span: OpenSpan) -> None:
        service = self._service(span.resource.service_name)
        if span.ended:
            service.open[span.kind][span.id] = span
        else:
            service.add(span, may_be_parent=span.shape.kind == span.shape.parent_kind)
        self._builder.open += 1
        self._builder.begun = max(self._builder.begun, span.order)
        span.clock.due = min(span.clock.due, span.deadline)

    def _service(self, name: str) -> ServiceSpans:
        return self._builder.services.setdefault(name, ServiceSpans(name))


def _clock(name: str, value: bytes, now: int) -> StreamClock:
    """The clock of an entry; those of before undated lines had a time of their own have one number for both."""
    times = [int(number) for number in value.split()]
    if not 1 <= len(times) <= 2 or max(map(abs, times)) >= _LATEST:  # noqa: PLR2004 - the clock, and the last line
        raise ValueError("no times of a log")
    return StreamClock(name, now=times[0], told=times[-1], observed=now)


def _check_failures(value: bytes) -> None:
    """Raises where an entry is none of a group of failures."""
    for told, roles in orjson.loads(value):
        if not isinstance(told, int) or not isinstance(roles, list):
            raise TypeError("no failure")
