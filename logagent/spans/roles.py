"""What a line does to the span that it tells of: one method a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.model import LogRecord, ParentFound, Severity, SpanKind
from logagent.shapes import ROLES, LineShape, Role, Told
from logagent.spans.builder import complete, fail
from logagent.spans.echoes import ECHO_HOLD_NANO, drop_echo, echo_key, echo_name, expect_echo
from logagent.spans.finish import judge_status, line_event
from logagent.spans.nameless import free_id, with_id
from logagent.spans.scopes import Tell, mark, request_of, with_scopes

if TYPE_CHECKING:
    from logagent.spans.builder import Builder
    from logagent.spans.ids import Identifier
    from logagent.spans.open import OpenSpan

_INFO = int(Severity.INFO)
_SERVER = int(SpanKind.SERVER)
_NO_PARENT, _SHARED = ParentFound.NONE, ParentFound.SHARED


class Roles:
    """Applies lines to the spans of a builder."""

    def __init__(self, builder: Builder, identifier: Identifier) -> None:
        self.marks_records = False
        """Whether lines that accompany a span are given its ids."""
        self._builder = builder
        self._identifier = identifier

    def by_place(self) -> list[Tell]:
        """The methods by ``LineShape.place``: for lines whose ids are unique everywhere, then for those with scopes."""
        of = {
            Role.START: self._start,
            Role.END: self._end,
            Role.FAIL: self._end_any,
            Role.ADD: self._add,
            Role.ECHO: self._echo,
            Role.EVENT: self._event,
        }
        plain = [of[role] for role in ROLES]
        return plain + [with_scopes(tell) for tell in plain]

    def _start(self, record: LogRecord, line: LineShape, told: Told) -> None:
        entity = told[0]
        if entity is None:
            self.accompany(record)
            return
        builder = self._builder
        service = builder.service
        kind = line.span.kind
        time = record.time_unix_nano
        known = service.open[kind].get(entity)
        if known is not None:
            if time <= known.deadline:
                known.attributes.update(told[5])
                builder.touch(known)
                return
            builder.time_out(known)
        if hash((service.name, kind, entity)) in builder.ended.where and builder.ended.covers(
            service.name, kind, entity, time, time if told[3] is None else told[3]
        ):
            builder.dropped["late_start"] += 1
            return
        span = builder.new(record, line, told, time)
        span.deadline = deadline = time + line.span.timeout_nano
        service.add(span, may_be_parent=line.is_root)
        clock = builder.clock
        clock.due = min(clock.due, deadline)
        if line.is_simple:
            return
        span.is_plain = False
        if line.span.infer and not span.request_id and span.process:
            candidates = service.requests.get(span.process)
            if candidates is not None and len(candidates) == 1:
                span.candidate = next(iter(candidates))
        if line.echo_key is not None:
            expect_echo(builder, line, span)

    def _end(self, record: LogRecord, line: LineShape, told: Told) -> None:  # noqa: C901, PLR0912, PLR0915 - the usual cases, without a call
        """Nearly all spans end here: those that two lines tell, or one, and nothing else is to be said of."""
        entity, request, parent, start, duration, attributes = told
        if not line.is_simple or entity is None or record.trace_id:
            self._end_any(record, line, told)
            return
        builder = self._builder
        service = builder.service
        kind = line.span.kind
        opened = service.open[kind]
        span = opened.get(entity)
        time = record.time_unix_nano
        if span is None:
            if builder.ended.note(service.name, kind, entity, time):
                if start is None:
                    start = time - duration if duration is not None else time
                builder.whole(record, line, told, start)
            elif not self._has_ended(record, line, told):
                self._whole(record, line, told)
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
        builder.open -= 1
        if span.stored:
            builder.touch(span)
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
        span.name = (line.span.name(known) or span.kind) if builder.names_spans else ""
        builder.finished.append(span)
        builder.ended.add(service.name, kind, entity, time)

    def _whole(self, record: LogRecord, line: LineShape, told: Told) -> None:
        builder = self._builder
        builder.ended.add(builder.service.name, line.span.kind, told[0] or "", record.time_unix_nano)
        builder.whole(record, line, told, _start_of(record, told))

    def _end_any(  # noqa: C901, PLR0912 - every case that there is, in one order
        self, record: LogRecord, line: LineShape, told: Told
    ) -> None:
        builder = self._builder
        service = builder.service
        shape = line.span
        time = record.time_unix_nano
        failing = line.role is Role.FAIL
        span: OpenSpan | None = None
        if told[0] is not None:
            span = service.open[shape.kind].get(told[0])
        elif told[1] and failing:
            span = service.only(told[1], shape)
        if span is None and told[0] is None:
            named = with_id(builder, record, line, told)
            if named is None:
                self.accompany(record)
                return
            told = named
        if span is not None and (span.ended or time > span.deadline):
            if span.ended:
                span.attributes.update(told[5])
                builder.touch(span)
                return
            told = span.id, *told[1:]
            builder.close(span, span.deadline, incomplete=True)
            span = None
        if span is not None:
            complete(span, told)
        elif self._has_ended(record, line, told):
            return
        else:
            waits = line.echo_key is not None or shape.grace_nano
            if not (failing or waits or record.trace_id or shape.scopes):
                self._whole(record, line, told)
                return
            span = builder.new(record, line, told, _start_of(record, told))
            if line.echo_key is not None:
                expect_echo(builder, line, span)
                drop_echo(builder, span)
        if span.candidate:
            builder.infer(span)
        if failing:
            fail(span, record)
        else:
            span.severity_number = max(span.severity_number, record.template.severity_number)
        builder.ended.add(service.name, shape.kind, span.id, time)
        end = span.start_unix_nano + told[4] if told[4] is not None else time
        if shape.grace_nano and not failing:
            span.ended = max(end, span.start_unix_nano)
            span.deadline = time + shape.grace_nano
            service.leave(span)
            builder.hold(span)
        else:
            builder.close(span, end, incomplete=False)

    def _has_ended(self, record: LogRecord, line: LineShape, told: Told) -> bool:
        """Whether an end line tells of a span that has ended before; it is counted then."""
        builder = self._builder
        name, kind, entity = builder.service.name, line.span.kind, told[0] or ""
        if not builder.ended.knows(name, kind, entity):
            return False
        begun = None if told[3] is None and told[4] is None else _start_of(record, told)
        if not builder.ended.covers(name, kind, entity, record.time_unix_nano, begun):
            return False
        builder.dropped["repeated_end"] += 1
        return True

    def _add(self, record: LogRecord, line: LineShape, told: Told) -> None:
        builder = self._builder
        span = builder.service.open[line.span.kind].get(told[0]) if told[0] is not None else None
        if span is None or record.time_unix_nano > span.deadline:
            self.accompany(record)
            return
        span.attributes.update(told[5])
        if span.ended:
            builder.close(span, span.ended, incomplete=False)
        else:
            builder.touch(span)

    def _echo(self, record: LogRecord, line: LineShape, told: Told) -> None:
        if line.echo_key is None:
            return
        builder = self._builder
        key = echo_key(builder, record, line, told)
        time = record.time_unix_nano
        if builder.service.take_echo(key, time):
            return
        entity = free_id(builder, line.span.kind, echo_name(time, key))
        start = time - told[4] if told[4] is not None else time
        span = builder.new(record, line, (entity, told[1] or entity, None, None, None, told[5]), start)
        span.is_echo = True
        span.echo_key = key
        span.ended = time
        span.deadline = time + ECHO_HOLD_NANO
        builder.hold(span)

    def _event(self, record: LogRecord, line: LineShape, told: Told) -> None:  # noqa: ARG002 - a role's signature
        self._attach(record, told[1])

    def accompany(self, record: LogRecord) -> None:
        """A line that no definition mentions, or that tells of no span, is an event of its request's innermost one."""
        self._attach(record, request_of(record))

    def _attach(self, record: LogRecord, request_id: str | None) -> None:
        span = self._builder.service.innermost(request_id) if request_id else None
        if span is None:
            return
        span.add_event(line_event(record))
        if self.marks_records and not record.trace_id:
            mark(record, self._identifier, span.kind, span.request_id, span.id)
        self._builder.touch(span)


def _start_of(record: LogRecord, told: Told) -> int:
    """When the span began that an end line tells of, as far as it says."""
    start, duration = told[3], told[4]
    if start is not None:
        return start
    return record.time_unix_nano - duration if duration is not None else record.time_unix_nano
