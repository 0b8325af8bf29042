"""A span that has begun: what is known of it so far, in memory and as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from logagent.model import Resource, Span, SpanEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.shapes import SpanShape

MAX_EVENTS = 128


@dataclass(slots=True, eq=False)
class StreamClock:
    """Event time of one log (a file with its rotations): what its lines say, plus what passed since the last one."""

    name: str
    now: int = 0
    """The furthest time that a line gave, and what has passed since: by it spans time out."""
    told: int = 0
    """The time of the last dated line, which the undated ones after it share: it moves with lines alone. 0 before."""
    observed: int = 0
    """Wall time at which ``now`` was last moved by a line."""
    due: int = 2**63
    """No span of this log times out before."""


class OpenSpan(Span):
    """A span while it is put together. It leaves the assembler as it is, as a ``Span``.

    What every one has is in slots, the rest on the class, as in ``model``. Its parent is set when it ends.
    """

    __slots__ = ("changed", "clock", "deadline", "is_gone", "is_plain", "opened", "order", "shape", "stored")

    shape: SpanShape
    clock: StreamClock
    opened: int
    """The time of its first line by the log's own clock, from which the time-out runs."""
    order: int
    """How many spans had begun with it."""
    deadline: int
    """Event time at which it is sent as it is."""
    stored: bool
    """Whether the ledger has it."""
    changed: bool
    """Whether it awaits the next commit."""
    is_gone: bool
    """Whether it is open no more."""
    is_plain: bool
    """Whether nothing is known of it but ids, times, attributes and events: it ends without a look at all the rest."""
    explicit_parent: str = ""
    process: str = ""
    candidate: str = ""
    """The only request that could be its parent when it began."""
    inferred: str = ""
    """That request, once the span has ended inside it."""
    outer_span_id: bytes = b""
    ended: int = 0
    """When it ended, while it waits for a line that adds to it."""
    echo_key: str = ""
    is_echo: bool = False
    failed: bool = False
    scoped_id: str = ""
    """What its id was while it was open, where that is unique within a service or process only."""

    @property
    def key(self) -> str:
        """Its key in the ledger."""
        return f"{self.resource.service_name}\0{self.kind}\0{self.scoped_id or self.id}"

    def add_event(self, event: SpanEvent) -> None:
        """Attaches an event; the first ``MAX_EVENTS`` are kept, the rest counted."""
        if len(self.events) < MAX_EVENTS:
            self.events = [*self.events, event]
        else:
            self.dropped_events += 1


_PLAIN: Final[Mapping[str, type]] = {
    "id": str, "start_unix_nano": int, "opened": int, "order": int, "deadline": int, "attributes": dict,
    "request_id": str, "explicit_parent": str, "process": str, "candidate": str, "inferred": str, "severity_number": int,
    "ended": int, "echo_key": str, "is_echo": bool, "failed": bool, "status_message": str, "dropped_events": int,
}  # fmt: skip
"""What is kept as it is, and of which type."""


def dump(span: OpenSpan) -> bytes:
    """The span as the ledger keeps it."""
    data: dict[str, Any] = {name: getattr(span, name) for name in _PLAIN}
    data["kind"] = span.kind
    data["dialect"] = span.shape.dialect
    data["clock"] = span.clock.name
    data["trace_id"] = span.trace_id.hex()
    data["outer_span_id"] = span.outer_span_id.hex()
    data["events"] = [(event.time_unix_nano, event.name, event.attributes) for event in span.events]
    return orjson.dumps(data, default=str)


def peek(value: bytes) -> dict[str, Any]:
    """What ``dump`` wrote, decoded: enough to find the shape, resource and clock that ``load`` needs."""
    data: dict[str, Any] = orjson.loads(value)
    return data


def load(data: dict[str, Any], shape: SpanShape, resource: Resource, clock: StreamClock) -> OpenSpan:
    """The span of a peeked entry. Raises ValueError, TypeError or KeyError where it is none."""
    span: OpenSpan = OpenSpan.__new__(OpenSpan)
    for name, kind in _PLAIN.items():
        value = data[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is of another type")
        setattr(span, name, value)
    span.shape, span.resource, span.clock = shape, resource, clock
    span.kind, span.otlp_kind = shape.kind, shape.otlp_kind
    span.changed = span.is_gone = span.is_plain = False
    span.trace_id = bytes.fromhex(data["trace_id"])
    span.outer_span_id = bytes.fromhex(data["outer_span_id"])
    span.events = [SpanEvent(time, name, attributes) for time, name, attributes in data["events"]]
    span.stored = True
    return span
