"""What all lines build on: the open spans of all services, how one begins, and how it leaves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from logagent.model import LogRecord, ParentFound, Severity, Span, SpanKind
from logagent.spans.ended import EndedSpans
from logagent.spans.finish import exception_event, finish, judge_status, set_parent
from logagent.spans.names import stem
from logagent.spans.open import OpenSpan, StreamClock
from logagent.spans.scopes import take_off
from logagent.spans.service import ServiceSpans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.shapes import LineShape, Told

_INFO = int(Severity.INFO)
_SERVER = int(SpanKind.SERVER)
_NO_PARENT, _SHARED = ParentFound.NONE, ParentFound.SHARED
_new_open: Any = OpenSpan.__new__
_new_span: Any = Span.__new__


class Builder:
    """The spans that are being put together, and the log whose lines are read at the moment."""

    def __init__(self, max_open: int) -> None:
        self.max_open = max_open
        self.names_spans = False
        """Whether somebody wants the names of spans."""
        self.dropped: Counter[str] = Counter()
        """Losses by reason."""
        self.services: dict[str, ServiceSpans] = {}
        self.clocks: dict[str, StreamClock] = {}
        self.ended = EndedSpans()
        self.finished: list[Span] = []
        """What has ended since somebody put an empty list here."""
        self.open = 0
        """How many spans there are in all services that have not left."""
        self.begun = 0
        """How many spans have begun: the order in which spans with equal times are dealt with."""
        self.changed: list[OpenSpan] = []
        """What the next commit is to write or delete."""
        self.service = ServiceSpans("")
        self.clock = StreamClock("")
        self.stem = ""
        """Receiver and log, through its rotations, of the lines at hand."""

    def enter(self, record: LogRecord) -> None:
        """The lines that follow are of this one's log."""
        name = record.resource.service_name
        service = self.services.get(name)
        if service is None:
            service = self.services[name] = ServiceSpans(name)
        self.service = service
        self.stem = f"{record.receiver}\0{stem(record.source)}"
        clock = self.clocks.get(self.stem)
        if clock is None:
            clock = self.clocks[self.stem] = StreamClock(self.stem)
        self.clock = clock

    def spans(self) -> Iterator[OpenSpan]:
        """Every span that has not left."""
        for service in self.services.values():
            yield from service.all()

    def new(self, record: LogRecord, line: LineShape, told: Told, start: int) -> OpenSpan:
        """A span that has begun: at ``start``, where its line does not say when. It is in no index yet."""
        entity, request, parent, told_start, _, attributes = told
        shape = line.span
        self.open += 1
        if self.open > self.max_open:
            self._evict(record.time_unix_nano)
        span: OpenSpan = _new_open(OpenSpan)
        self.begun = span.order = self.begun + 1
        span.shape = shape
        span.kind = shape.kind
        span.otlp_kind = shape.otlp_kind
        span.id = entity or ""
        span.resource = record.origin.resource
        span.clock = self.clock
        span.start_unix_nano = start if told_start is None else told_start
        span.opened = span.deadline = record.time_unix_nano
        span.attributes = attributes
        span.stored = span.is_gone = False
        span.is_plain = span.changed = True
        self.changed.append(span)
        span.request_id = request or (span.id if line.is_root else "")
        if record.template.severity_number != _INFO:
            span.severity_number = record.template.severity_number
            span.is_plain = False
        if parent:
            span.explicit_parent = parent
            span.is_plain = False
        if line.process is not None and (process := line.process(record.data)):  # type: ignore[arg-type]
            span.process = f"{self.stem}\0{process}"
            span.is_plain = False
        if record.trace_id:
            span.trace_id = record.trace_id
            span.outer_span_id = record.span_id
            span.is_plain = False
        return span

    def whole(self, record: LogRecord, line: LineShape, told: Told, start: int) -> None:
        """A span that one line tells whole: the usual case, without the detour over an open one."""
        entity, request, parent, told_start, duration, attributes = told
        shape = line.span
        span: Span = _new_span(Span)
        span.kind = shape.kind
        span.id = entity or ""
        span.name = (shape.name(attributes) or shape.kind) if self.names_spans else ""
        span.otlp_kind = shape.otlp_kind
        span.start_unix_nano = start = start if told_start is None else told_start
        span.end_unix_nano = start + duration if duration is not None else max(record.time_unix_nano, start)
        span.attributes = attributes
        span.resource = record.origin.resource
        if record.template.severity_number != _INFO:
            span.severity_number = record.template.severity_number
        if parent:
            span.parent_kind, span.parent_id, span.parent_found = shape.parent_kind, parent, ParentFound.EXPLICIT
        elif request and not line.is_root:
            span.parent_kind, span.parent_id, span.parent_found = shape.parent_kind, request, _SHARED
        else:
            span.parent_kind = span.parent_id = ""
            span.parent_found = _NO_PARENT
        span.request_id = request or (span.id if line.is_root else "")
        if shape.otlp_kind == _SERVER:
            judge_status(span)
        self.finished.append(span)

    def close(self, span: OpenSpan, end: int, *, incomplete: bool) -> None:
        """A span leaves."""
        self.services[span.resource.service_name].remove(span)
        self.open -= 1
        if span.stored:
            self.touch(span)
        if span.is_echo:
            self.ended.add(span.resource.service_name, span.kind, span.id, span.opened)
        finish(span, end, incomplete=incomplete)
        set_parent(span)
        if span.shape.scopes is not None or span.inferred:
            take_off(span)
        span.name = (span.shape.name(span.attributes) or span.kind) if self.names_spans else ""
        self.finished.append(span)

    def time_out(self, span: OpenSpan) -> None:
        """A span leaves whose time is over: as it ended, or incomplete."""
        self.close(span, span.ended or span.deadline, incomplete=not span.ended)

    def withdraw(self, span: OpenSpan) -> None:
        """A span that has not been sent turns out to be none."""
        self.service.remove(span)
        self.open -= 1
        if span.stored:
            self.touch(span)

    def infer(self, span: OpenSpan) -> None:
        """Takes the one request that was open when the span began as its parent, if it still is: it contains the span."""
        parent = self.service.requests.get(span.process, {}).get(span.candidate)
        if parent is not None and parent.deadline >= span.opened:
            span.inferred = parent.id
            span.request_id = parent.request_id
            span.trace_id = parent.trace_id

    def hold(self, span: OpenSpan) -> None:
        """An ended span waits until its deadline for lines that add to it or take it back."""
        self.service.open[span.kind][span.id] = span
        self.touch(span)
        span.clock.due = min(span.clock.due, span.deadline)

    def touch(self, span: OpenSpan) -> None:
        """A span changed: the next commit writes it."""
        if not span.changed:
            span.changed = True
            self.changed.append(span)

    def _evict(self, time: int) -> None:
        """Closes the oldest open span as incomplete: the limit on open spans was reached."""
        oldest = self.service.oldest()
        if oldest is not None:
            self.dropped["open_span_limit"] += 1
            self.close(oldest, oldest.ended or time, incomplete=not oldest.ended)


def fail(span: OpenSpan, record: LogRecord) -> None:
    """A line says that a span failed; its exception becomes an event."""
    span.failed = True
    attributes = span.attributes
    exception = record.exception
    message = attributes.pop("error.message", None)
    if exception is not None:
        span.add_event(exception_event(record.time_unix_nano, exception))
        attributes.setdefault("error.type", exception.type or "_OTHER")
        message = message or exception.message
    span.status_message = str(message or record.body)


def complete(span: OpenSpan, told: Told) -> None:
    """Takes what an end line tells of a span that has begun."""
    _, request, parent, _, _, attributes = told
    known = span.attributes
    if known:
        known.update(attributes)
    else:
        span.attributes = attributes
    if request and not span.request_id:
        span.request_id = request
        span.candidate = ""
    if parent and not span.explicit_parent:
        span.explicit_parent = parent
