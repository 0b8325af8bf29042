r"""Ids that are unique only within a service or a process.

While spans are put together such an id is ``\0process\0id`` (no process: unique in its service), so that the same id
of two processes is two. It is taken apart when the span leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from logagent.model import LogRecord
from logagent.shapes import LineShape, Scope, Told
from logagent.spans.ids import span_id, trace_id

if TYPE_CHECKING:
    from logagent.model import Dialect
    from logagent.spans.ids import Identifier
    from logagent.spans.open import OpenSpan

_MARK = "\0"

Tell = Callable[[LogRecord, LineShape, Told], None]
"""What a line of some role does."""


def request_of(record: LogRecord) -> str | None:
    """Id of the request that any line names, within its scope."""
    data = record.data
    if data is None:
        return None
    dialect: Any = record.template.dialect
    request: str | None = dialect.request_of(data)
    if request is None:
        return None
    scope: Scope = dialect.request_scope
    return request if scope is Scope.GLOBAL else _within(scope, _process_of(dialect, data), request)


def scoped(record: LogRecord, line: LineShape, told: Told) -> Told:
    """What a line tells, its ids within their scopes."""
    scopes = line.span.scopes
    if scopes is None:
        return told
    entity, request, parent, start, duration, attributes = told
    process = _process_of(record.dialect, record.data or {})
    return (
        _within(scopes.own, process, entity),
        _within(scopes.request, process, request),
        _within(scopes.parent, process, parent),
        start,
        duration,
        attributes,
    )


def _process_of(dialect: Dialect, data: dict[str, Any]) -> str:
    return dialect.process_of(data).replace(_MARK, "")


def _within(scope: Scope, process: str, context_id: str | None) -> str | None:
    if not context_id or scope is Scope.GLOBAL:
        return context_id
    return f"{_MARK}{process if scope is Scope.PROCESS else ''}{_MARK}{context_id}"


def split(service: str, scoped_id: str) -> tuple[str, str, str]:
    r"""Scope, process and plain id; the scope is empty, ``service`` or ``service\0process``."""
    if not scoped_id.startswith(_MARK):
        return "", "", scoped_id
    process, _, plain = scoped_id[1:].partition(_MARK)
    return (f"{service}\0{process}" if process else service), process, plain


def with_scopes(tell: Tell) -> Tell:
    """The function, for lines whose ids have scopes."""
    return lambda record, line, told: tell(record, line, scoped(record, line, told))


def take_off(span: OpenSpan) -> None:
    """Gives a span that leaves its plain ids, its scope, and the span ids that do not follow from these."""
    resource = span.resource
    service = resource.service_name
    span.scoped_id = span.id
    own_scope, own_process, span.id = split(service, span.id)
    request_scope, _, span.request_id = split(service, span.request_id)
    _, parent_process, span.parent_id = split(service, span.parent_id)
    span.scope = request_scope if span.request_id else own_scope
    in_trace = "" if span.trace_id else span.scope
    own_process = _not_in(in_trace, service, own_process)
    parent_process = _not_in(in_trace, service, parent_process)
    if not (own_process or parent_process):
        return
    context_id = span.request_id or span.id
    trace = span.trace_id = span.trace_id or trace_id(resource.service_namespace, span.scope, context_id)
    if own_process:
        span.span_id = span_id(trace, service, span.kind, span.id, own_process)
    if parent_process and not span.parent_span_id:
        span.parent_span_id = span_id(trace, service, span.parent_kind, span.parent_id, parent_process)


def _not_in(scope: str, service: str, process: str) -> str:
    """The process, where a trace id of this scope does not tell it from others."""
    return process if process and scope != f"{service}\0{process}" else ""


def mark(record: LogRecord, identifier: Identifier, kind: str, request_id: str, entity: str | None) -> None:
    """Gives a record the ids of the span that it tells of, or of its trace alone."""
    resource = record.resource
    service = resource.service_name
    scope, _, request = split(service, request_id)
    record.trace_id = identifier.trace(resource.service_namespace, scope, request)
    if entity:
        _, process, plain = split(service, entity)
        record.span_id = span_id(record.trace_id, service, kind, plain, _not_in(scope, service, process))
