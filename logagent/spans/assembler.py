"""Records become spans: start and end lines find each other by id, the rest is told on its own.

Everything depends on the lines and their times alone, never on when or in what batches they were read, so that
reading them again after a kill gives the same spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from logagent.model import Failure, LogRecord, ParentFound, Resource, Severity, Span, SpanKind
from logagent.shapes import ROLES, LineShape, Role, SpanShape, Told
from logagent.spans import open as opened
from logagent.spans.failures import FailureGroups
from logagent.spans.finish import exception_event, finish, judge_status, line_event, set_parent
from logagent.spans.ids import Identifier, span_id
from logagent.spans.names import stem
from logagent.spans.open import OpenSpan, StreamClock
from logagent.spans.service import ServiceSpans

_NEVER = 2**63
_ERROR = int(Severity.ERROR)
_INFO = int(Severity.INFO)
_NO_PARENT, _SHARED = ParentFound.NONE, ParentFound.SHARED
_AHEAD_NANO = 300_000_000_000
"""A time further ahead of the clock than this is a mistake: the line counts as written with the one before it."""
_SEPARATOR = "\x1f"
_ECHO_HOLD_NANO = 1_000_000_000

_SERVER = int(SpanKind.SERVER)
_new_open: Any = OpenSpan.__new__
_new_span: Any = Span.__new__

_BEGUN = ""
"""Instead of a log's name, in the room of the clocks: the entry that counts the spans that have begun."""

ShapeFinder = Callable[[str, str], SpanShape | None]


def _by_deadline(span: OpenSpan) -> tuple[int, int]:
    return span.deadline, span.order


class Assembler:
    """Rebuilds the spans of all services from their lines."""

    def __init__(self, *, max_open: int = 50_000) -> None:
        self.dropped: Counter[str] = Counter()
        """Losses by reason, for the pipeline to take."""
        self.failures = FailureGroups()
        self.identifier = Identifier()
        self.names_spans = False
        """Whether somebody wants the names of spans."""
        self.marks_records = False
        """Whether records are given the ids of the spans that they tell of."""
        self._max_open = max_open
        self._open = 0
        self._begun = self._begun_stored = 0
        """How many spans have begun: the order in which spans with equal times are dealt with."""
        self._services: dict[str, ServiceSpans] = {}
        self._clocks: dict[str, StreamClock] = {}
        self._changed: list[OpenSpan] = []
        self._gone: list[str] = []
        self._dirty_clocks: set[str] = set()
        self._spans: list[Span] = []
        roles = {
            Role.START: self._start,
            Role.END: self._end,
            Role.FAIL: self._end_any,
            Role.ADD: self._add,
            Role.ECHO: self._echo,
            Role.EVENT: self._event,
        }
        self._roles = [roles[role] for role in ROLES]
        self._service = ServiceSpans("")
        self._clock = StreamClock("")
        self._stem = ""

    # -- the way of the lines ------------------------------------------------------------------------------

    def feed(  # noqa: C901 - the loop over all lines: a call for each of its pieces would cost more than they do
        self, records: list[LogRecord]
    ) -> tuple[list[Span], list[Failure]]:
        """The spans that ended and the failures that happened with these records, all of one log, in its order."""
        if not records:
            return [], []
        spans = self._spans = []
        failures: list[Failure] = []
        first = records[0]
        self._enter(first)
        clock = self._clock
        latest = clock.now if clock.dated else self._first_date(records)
        roles = self._roles
        marks = self.marks_records
        ahead = first.origin.observed_time_unix_nano + _AHEAD_NANO
        for record in records:
            time = record.time_unix_nano
            if time > latest:
                if time > ahead:
                    # a mistake: the line is as old as the one before it, and moves no clock
                    record.time_unix_nano = latest or record.origin.observed_time_unix_nano
                    self.dropped["time_ahead"] += 1
                else:
                    latest = time
                    if latest >= clock.due:
                        clock.now = latest
                        self._sweep(clock)
            elif not time:
                # an undated line is as old as the one before it
                record.time_unix_nano = latest or record.origin.observed_time_unix_nano
            template = record.template
            line: LineShape | None = template.line
            told: Told | None = None
            if line is not None:
                inner: dict[str, Any] = record.object  # type: ignore[assignment]
                keys = tuple(inner)
                told = (line.readers.get(keys) or line.new_reader(keys, record.data or inner))(inner)
                roles[line.place](record, line, told)
                if marks and told[1] is not None and not record.trace_id:
                    self._mark(record, line, told[1], told[0])
            elif record.data is not None:
                self._accompany(record)
            if (template.severity_number >= _ERROR or record.exception is not None) and (
                failure := self._failure(record, line, told)
            ):
                failures.append(failure)
        clock.now = latest
        clock.observed = first.observed_time_unix_nano
        self._dirty_clocks.add(clock.name)
        return spans, failures

    def _first_date(self, records: list[LogRecord]) -> int:
        """The first time that a line of a log gives. A log whose lines give none follows the wall clock, by ticks alone."""
        clock = self._clock
        for record in records:
            if record.time_unix_nano:
                clock.dated = True
                clock.now = min(record.time_unix_nano, record.observed_time_unix_nano)
                return clock.now
        return clock.now

    def _enter(self, record: LogRecord) -> None:
        name = record.resource.service_name
        service = self._services.get(name)
        if service is None:
            service = self._services[name] = ServiceSpans(name)
        self._service = service
        self._stem = f"{record.receiver}\0{stem(record.source)}"
        clock = self._clocks.get(self._stem)
        if clock is None:
            clock = self._clocks[self._stem] = StreamClock(self._stem)
        self._clock = clock

    # -- one method a role ---------------------------------------------------------------------------------

    def _start(self, record: LogRecord, line: LineShape, told: Told) -> None:
        if told[0] is None:
            self._accompany(record)
            return
        service = self._service
        known = service.open[line.span.kind].get(told[0])
        if known is not None:
            if record.time_unix_nano <= known.deadline:
                known.attributes.update(told[5])
                self._touch(known)
                return
            self._close(known, known.ended or known.deadline, incomplete=not known.ended)
        time = record.time_unix_nano
        span = self._new(record, line, told, time)
        span.deadline = deadline = time + line.span.timeout_nano
        service.add(span, may_be_parent=line.is_root)
        clock = self._clock
        clock.due = min(clock.due, deadline)
        if line.is_simple:
            return
        span.is_plain = False
        if line.span.infer and not span.request_id and span.process:
            candidates = service.requests.get(span.process)
            if candidates is not None and len(candidates) == 1:
                span.candidate = next(iter(candidates))
        if line.echo_key is not None:
            self._expect_echo(line, span)

    def _end(self, record: LogRecord, line: LineShape, told: Told) -> None:  # noqa: C901, PLR0912 - the usual cases, without a call
        """Nearly all spans end here: those that two lines tell, or one, and nothing else is to be said of."""
        entity, request, parent, start, duration, attributes = told
        if not line.is_simple or entity is None or record.trace_id:
            self._end_any(record, line, told)
            return
        service = self._service
        opened = service.open[line.span.kind]
        span = opened.get(entity)
        time = record.time_unix_nano
        if span is None:
            if start is None:
                start = time - duration if duration is not None else time
            self._whole(record, line, told, start)
            return
        request_id = span.request_id
        if not span.is_plain or parent or time > span.deadline or (request and not request_id):
            self._end_any(record, line, told)
            return
        del opened[entity]
        span.is_gone = True
        if request_id:
            siblings = service.by_request[request_id]
            if len(siblings) == 1:
                del service.by_request[request_id]
            else:
                siblings.remove(span)
        self._open -= 1
        if span.stored:
            self._touch(span)
        known = span.attributes
        if known:
            known.update(attributes)
        else:
            known = span.attributes = attributes
        if record.template.severity_number > _INFO:
            span.severity_number = record.template.severity_number
        begun = span.start_unix_nano
        end = begun + duration if duration is not None else time
        span.end_unix_nano = max(begun, end)
        if line.is_root or not request_id:
            span.parent_kind = span.parent_id = ""
            span.parent_found = _NO_PARENT
        else:
            span.parent_kind = line.span.parent_kind
            span.parent_id = request_id
            span.parent_found = _SHARED
        if span.otlp_kind == _SERVER:
            judge_status(span)
        span.name = (line.span.name(known) or span.kind) if self.names_spans else ""
        self._spans.append(span)

    def _end_any(  # noqa: C901, PLR0912, PLR0915 - every case that there is, in one order
        self, record: LogRecord, line: LineShape, told: Told
    ) -> None:
        entity, request, parent, start, duration, attributes = told
        service = self._service
        time = record.time_unix_nano
        failing = line.role is Role.FAIL
        if entity is None:
            span = service.only(request, line.span) if request and failing else None
            if span is None:
                self._accompany(record)
                return
        else:
            span = service.open[line.span.kind].get(entity)
        if span is not None and (span.ended or time > span.deadline):
            if span.ended:
                span.attributes.update(attributes)
                self._touch(span)
                return
            self._close(span, span.deadline, incomplete=True)
            span = None
        if span is None:
            if start is None:
                start = time - duration if duration is not None else time
            if not (failing or line.echo_key is not None or line.span.grace_nano or record.trace_id):
                self._whole(record, line, told, start)
                return
            span = self._new(record, line, told, start)
            if line.echo_key is not None:
                self._expect_echo(line, span)
                self._drop_echo(span)
        else:
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
        if span.candidate:
            self._infer(span)
        if failing:
            self._fail(span, record)
        else:
            span.severity_number = max(span.severity_number, record.template.severity_number)
        end = span.start_unix_nano + duration if duration is not None else time
        if line.span.grace_nano and not failing:
            span.ended = max(end, span.start_unix_nano)
            span.deadline = time + line.span.grace_nano
            service.open[span.kind][span.id] = span
            service.leave(span)
            self._due(span)
        else:
            self._close(span, end, incomplete=False)

    def _add(self, record: LogRecord, line: LineShape, told: Told) -> None:
        span = self._service.open[line.span.kind].get(told[0]) if told[0] is not None else None
        if span is None or record.time_unix_nano > span.deadline:
            self._accompany(record)
            return
        span.attributes.update(told[5])
        if span.ended:
            self._close(span, span.ended, incomplete=False)
        else:
            self._touch(span)

    def _echo(self, record: LogRecord, line: LineShape, told: Told) -> None:
        if line.echo_key is None:
            return
        key = self._echo_key(record, line, told)
        if self._service.take_echo(key, record.time_unix_nano):
            return
        time = record.time_unix_nano
        known = self._service.open[line.span.kind]
        name = f"{time}/{key.partition(_SEPARATOR)[2]}".replace("\0", "/").replace(_SEPARATOR, "/")
        entity, number = name, 1
        while entity in known:
            number += 1
            entity = f"{name}/{number}"
        start = time - told[4] if told[4] is not None else time
        span = self._new(record, line, (entity, told[1] or entity, None, None, None, told[5]), start)
        span.is_echo = True
        span.echo_key = key
        span.ended = time
        span.deadline = time + _ECHO_HOLD_NANO
        self._service.open[span.kind][span.id] = span
        self._due(span)

    def _event(self, record: LogRecord, line: LineShape, told: Told) -> None:  # noqa: ARG002 - a role's signature
        self._attach(record, told[1])

    def _accompany(self, record: LogRecord) -> None:
        self._attach(record, record.dialect.request_of(record.data) if record.data is not None else None)

    def _attach(self, record: LogRecord, request_id: str | None) -> None:
        span = self._service.innermost(request_id) if request_id else None
        if span is None:
            return
        span.add_event(line_event(record))
        if self.marks_records and not record.trace_id:
            self._mark(record, span, span.request_id, span.id)
        self._touch(span)

    # -- pieces --------------------------------------------------------------------------------------------

    def _new(self, record: LogRecord, line: LineShape, told: Told, start: int) -> OpenSpan:
        entity, request, parent, told_start, _, attributes = told
        shape = line.span
        self._open += 1
        if self._open > self._max_open:
            self._evict(record.time_unix_nano)
        span: OpenSpan = _new_open(OpenSpan)
        self._begun = span.order = self._begun + 1
        span.shape = shape
        span.kind = shape.kind
        span.otlp_kind = shape.otlp_kind
        span.id = entity or ""
        span.resource = record.origin.resource
        span.clock = self._clock
        span.start_unix_nano = start if told_start is None else told_start
        span.opened = span.deadline = record.time_unix_nano
        span.attributes = attributes
        span.stored = span.is_gone = False
        span.is_plain = span.changed = True
        self._changed.append(span)
        span.request_id = request or (span.id if line.is_root else "")
        if record.template.severity_number != _INFO:
            span.severity_number = record.template.severity_number
            span.is_plain = False
        if parent:
            span.explicit_parent = parent
            span.is_plain = False
        if line.process is not None and (process := line.process(record.data)):  # type: ignore[arg-type]
            span.process = f"{self._stem}\0{process}"
            span.is_plain = False
        if record.trace_id:
            span.trace_id = record.trace_id
            span.outer_span_id = record.span_id
            span.is_plain = False
        return span

    def _whole(self, record: LogRecord, line: LineShape, told: Told, start: int) -> None:
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
        self._spans.append(span)

    def _fail(self, span: OpenSpan, record: LogRecord) -> None:
        span.failed = True
        attributes = span.attributes
        exception = record.exception
        message = attributes.pop("error.message", None)
        if exception is not None:
            span.add_event(exception_event(record.time_unix_nano, exception))
            attributes.setdefault("error.type", exception.type or "_OTHER")
            message = message or exception.message
        span.status_message = str(message or record.body)

    def _close(self, span: OpenSpan, end: int, *, incomplete: bool) -> None:
        self._services[span.resource.service_name].remove(span)
        self._open -= 1
        if span.stored:
            self._touch(span)
        finish(span, end, incomplete=incomplete)
        set_parent(span)
        span.name = (span.shape.name(span.attributes) or span.kind) if self.names_spans else ""
        self._spans.append(span)

    def _infer(self, span: OpenSpan) -> None:
        """Takes the one request that was open when the span began as its parent, if it still is: it contains the span."""
        parent = self._service.requests.get(span.process, {}).get(span.candidate)
        if parent is not None and parent.deadline >= span.opened:
            span.inferred = parent.id
            span.request_id = parent.request_id
            span.trace_id = parent.trace_id

    def _failure(self, record: LogRecord, line: LineShape | None, told: Told | None) -> Failure | None:
        shape = record.dialect.failure
        data = record.data
        error_type = shape.type_of(data) if data is not None else ""
        if not error_type and record.exception is not None:
            error_type = record.exception.type
        if shape.same == "process":
            group = f"{self._stem}\0{record.dialect.process_of(data)}" if data is not None and error_type else ""
        else:
            request = told[1] if told is not None else record.dialect.request_of(data) if data is not None else None
            group = f"{self._service.resource_name}\0{request}" if request else ""
        told_by = record.logger if shape.same == "process" else record.body[:128]
        role = (line.failure_role if line is not None else "") or told_by
        return self.failures.note(record, group, role, error_type)

    def _mark(self, record: LogRecord, line: LineShape | OpenSpan, request_id: str, entity: str | None) -> None:
        """Gives a record the ids of the span that it tells of."""
        resource = record.resource
        kind = line.span.kind if isinstance(line, LineShape) else line.kind
        record.trace_id = self.identifier.trace(resource.service_namespace, "", request_id)
        if entity:
            record.span_id = span_id(record.trace_id, resource.service_name, kind, entity)

    def _echo_key(self, record: LogRecord, line: LineShape, told: Told) -> str:
        process = line.process(record.data) if line.process is not None else ""  # type: ignore[arg-type]
        return f"{self._stem}{_SEPARATOR}{process}{_SEPARATOR}{line.span.kind}{_SEPARATOR}{line.echo_key(told[5])}"  # type: ignore[misc]

    def _expect_echo(self, line: LineShape, span: OpenSpan) -> None:
        process = span.process.rpartition("\0")[2]
        span.echo_key = (
            f"{self._stem}{_SEPARATOR}{process}{_SEPARATOR}{line.span.kind}{_SEPARATOR}{line.echo_key(span.attributes)}"  # type: ignore[misc]
        )
        self._service.expect_echo(span.echo_key, span.deadline)

    def _drop_echo(self, span: OpenSpan) -> None:
        """The span was told by an echo before: that telling is taken back, it has not been sent."""
        for held in self._service.open[span.kind].values():
            if held.is_echo and held.echo_key == span.echo_key:
                self._service.remove(held)
                self._open -= 1
                if held.stored:
                    self._touch(held)
                self._service.take_echo(span.echo_key, span.opened)
                return

    def _due(self, span: OpenSpan) -> None:
        self._touch(span)
        span.clock.due = min(span.clock.due, span.deadline)

    def _touch(self, span: OpenSpan) -> None:
        if not span.changed:
            span.changed = True
            self._changed.append(span)

    def _evict(self, time: int) -> None:
        """Closes the oldest open span as incomplete: the limit on open spans was reached."""
        oldest = self._service.oldest()
        if oldest is not None:
            self.dropped["open_span_limit"] += 1
            self._close(oldest, oldest.ended or time, incomplete=not oldest.ended)

    # -- time ----------------------------------------------------------------------------------------------

    def _sweep(self, clock: StreamClock) -> None:
        """Closes the log's spans whose time is over, in the order of their deadlines."""
        now = clock.now
        mine = [span for service in self._services.values() for span in service.all() if span.clock is clock]
        for span in sorted((span for span in mine if span.deadline < now), key=_by_deadline):
            self._close(span, span.ended or span.deadline, incomplete=not span.ended)
        clock.due = min((span.deadline for span in mine if span.deadline >= now), default=_NEVER) + 1

    def tick(self, now: int) -> list[Span]:
        """Time passes while the logs are silent and read to their ends; the spans that this closes."""
        spans = self._spans = []
        for clock in self._clocks.values():
            if clock.observed and now > clock.observed:
                clock.now = (clock.now or clock.observed) + now - clock.observed
                clock.observed = now
                if clock.now >= clock.due:
                    self._sweep(clock)
        return spans

    def close(self) -> list[Span]:
        """Closes all that is open: the input has ended."""
        spans = self._spans = []
        for span in sorted((span for service in self._services.values() for span in service.all()), key=_by_deadline):
            self._close(span, span.ended or span.clock.now, incomplete=not span.ended)
        return spans

    @property
    def now(self) -> int:
        """The furthest event time of all logs, 0 before the first line."""
        return max((clock.now for clock in self._clocks.values()), default=0)

    def open_counts(self) -> Counter[str]:
        """Open spans by kind."""
        return Counter(span.kind for service in self._services.values() for span in service.all())

    # -- what survives a kill ------------------------------------------------------------------------------

    def changes(self) -> Iterable[tuple[str, str, bytes | None]]:
        """(room, key, value) of what changed since the last call."""
        for key in self._gone:
            yield "spans", key, None
        self._gone.clear()
        for span in self._changed:
            span.changed = False
            if not span.is_gone:
                span.stored = True
                yield "spans", span.key, opened.dump(span)
            elif span.stored:
                span.stored = False
                yield "spans", span.key, None
        self._changed.clear()
        if self._begun != self._begun_stored:
            self._begun_stored = self._begun
            yield "clocks", _BEGUN, b"%d" % self._begun
        for name in self._dirty_clocks:
            clock = self._clocks[name]
            yield "clocks", name, b"%d" % (clock.now if clock.dated else 0)
        self._dirty_clocks.clear()
        for key, value in self.failures.changes().items():
            yield "failures", key, value
        for name, service in self._services.items():
            for key, value in service.echo_changes():
                yield "echoes", f"{name}\0{key}", value

    def restore(
        self, rooms: Mapping[str, Mapping[str, bytes]], shapes: ShapeFinder, resources: Mapping[str, Resource], now: int
    ) -> None:
        """Takes the entries that ``changes`` gave. A span whose definition or service is gone is left out and counted."""
        clocks = dict(rooms.get("clocks", {}))
        self._begun = self._begun_stored = int(clocks.pop(_BEGUN, b"0"))
        for name, value in clocks.items():
            self._clocks[name] = StreamClock(name, now=int(value), observed=now, dated=int(value) > 0)
        self.failures.restore(rooms.get("failures", {}))
        for key, value in rooms.get("echoes", {}).items():
            name, _, echo = key.partition("\0")
            self._services.setdefault(name, ServiceSpans(name)).restore_echo(echo, value)
        loaded: list[OpenSpan] = []
        for key, value in rooms.get("spans", {}).items():
            name = key.split("\0", 1)[0]
            data = opened.peek(value)
            shape, resource = shapes(data["dialect"], data["kind"]), resources.get(name)
            if shape is None or resource is None:
                self.dropped["definition_gone"] += 1
                self._gone.append(key)
                continue
            clock = self._clocks.setdefault(data["clock"], StreamClock(data["clock"], observed=now))
            loaded.append(opened.load(data, shape, resource, clock))
        for span in sorted(loaded, key=lambda span: span.order):
            service = self._services.setdefault(span.resource.service_name, ServiceSpans(span.resource.service_name))
            if span.ended:
                service.open[span.kind][span.id] = span
            else:
                service.add(span, may_be_parent=span.shape.kind == span.shape.parent_kind)
            self._open += 1
            span.clock.due = min(span.clock.due, span.deadline)
