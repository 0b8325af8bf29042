"""What of the spans goes into the ledger, and comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from logagent.shapes import SpanShape
from logagent.spans import open as opened
from logagent.spans.open import OpenSpan, StreamClock
from logagent.spans.service import ServiceSpans

if TYPE_CHECKING:
    from logagent.model import Resource
    from logagent.spans.builder import Builder
    from logagent.spans.failures import FailureGroups

_BEGUN = ""
"""Instead of a log's name, in the room of the clocks: the entry that counts the spans that have begun."""

ShapeFinder = Callable[[str, str], SpanShape | None]


class Journal:
    """Tells the ledger what changed of a builder's spans and of the failures, and restores both."""

    def __init__(self, builder: Builder, failures: FailureGroups) -> None:
        self._builder = builder
        self._failures = failures
        self._begun_stored = 0
        self._gone: list[str] = []
        """Entries that could not be restored."""
        self._moved: set[str] = set()

    def moved(self, clock: StreamClock) -> None:
        """Lines have moved the clock of a log."""
        self._moved.add(clock.name)

    def changes(self) -> Iterable[tuple[str, str, bytes | None]]:
        """(room, key, value) of what changed since the last call."""
        builder = self._builder
        for key in self._gone:
            yield "spans", key, None
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
            yield "clocks", name, b"%d" % (clock.now if clock.dated else 0)
        self._moved.clear()

    def restore(
        self, rooms: Mapping[str, Mapping[str, bytes]], shapes: ShapeFinder, resources: Mapping[str, Resource], now: int
    ) -> None:
        """Takes the entries that ``changes`` gave. A span whose definition or service is gone is left out and counted."""
        builder = self._builder
        self._restore_clocks(dict(rooms.get("clocks", {})), now)
        self._failures.restore(rooms.get("failures", {}))
        for key, value in rooms.get("echoes", {}).items():
            name, _, echo = key.partition("\0")
            self._service(name).restore_echo(echo, value)
        ended: dict[str, bytes] = {}
        loaded: list[OpenSpan] = []
        for key, value in rooms.get("spans", {}).items():
            if builder.ended.is_entry(key):
                ended[key] = value
                continue
            data = opened.peek(value)
            shape, resource = shapes(data["dialect"], data["kind"]), resources.get(key.split("\0", 1)[0])
            if shape is None or resource is None:
                builder.dropped["definition_gone"] += 1
                self._gone.append(key)
                continue
            clock = builder.clocks.setdefault(data["clock"], StreamClock(data["clock"], observed=now))
            loaded.append(opened.load(data, shape, resource, clock))
        builder.ended.restore(ended)
        for span in sorted(loaded, key=lambda span: span.order):
            self._restore_span(span)

    def _restore_clocks(self, clocks: dict[str, bytes], now: int) -> None:
        builder = self._builder
        builder.begun = self._begun_stored = int(clocks.pop(_BEGUN, b"0"))
        for name, value in clocks.items():
            builder.clocks[name] = StreamClock(name, now=int(value), observed=now, dated=int(value) > 0)

    def _restore_span(self, span: OpenSpan) -> None:
        service = self._service(span.resource.service_name)
        if span.ended:
            service.open[span.kind][span.id] = span
        else:
            service.add(span, may_be_parent=span.shape.kind == span.shape.parent_kind)
        self._builder.open += 1
        span.clock.due = min(span.clock.due, span.deadline)

    def _service(self, name: str) -> ServiceSpans:
        return self._builder.services.setdefault(name, ServiceSpans(name))
