"""An open span becomes a finished one: status, outcome, events, parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.model import ExceptionInfo, LogRecord, ParentFound, Severity, Span, SpanEvent, SpanKind, StatusCode

if TYPE_CHECKING:
    from logagent.spans.open import OpenSpan

STATUS_CODE = "http.response.status_code"
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_SERVER = int(SpanKind.SERVER)


def exception_event(time: int, exception: ExceptionInfo) -> SpanEvent:
    """OpenTelemetry's ``exception`` event; the names are stable semantic conventions."""
    attributes = {
        "exception.type": exception.type,
        "exception.message": exception.message,
        "exception.stacktrace": exception.stacktrace,
    }
    return SpanEvent(time, "exception", {name: value for name, value in attributes.items() if value})


def line_event(record: LogRecord) -> SpanEvent:
    """An event for a line that accompanies a span."""
    if record.exception is not None:
        return exception_event(record.time_unix_nano, record.exception)
    attributes = record.dialect.unclaimed(record)
    if record.severity_text:
        attributes["log.severity"] = record.severity_text
    return SpanEvent(record.time_unix_nano, record.body, attributes)


def finish(span: OpenSpan, end: int, *, incomplete: bool) -> None:
    """Gives an open span its end, outcome and status; ids are added where something needs them."""
    span.end_unix_nano = max(span.start_unix_nano, end)
    if incomplete:
        span.incomplete = True
        span.outcome = "incomplete"
    elif span.failed:
        fail(span, span.status_message)
    elif span.otlp_kind == _SERVER:
        judge_status(span)


def fail(span: Span, message: str) -> None:
    """Ends a span with an error."""
    span.outcome = "failed"
    span.status = StatusCode.ERROR
    span.status_message = message
    span.severity_number = max(span.severity_number, Severity.ERROR)
    span.attributes.setdefault("error.type", "_OTHER")


def judge_status(span: Span) -> None:
    """Server spans: 5xx is an error of the span; 4xx is the client's and leaves the status unset (HTTP conventions)."""
    status = span.attributes.get(STATUS_CODE)
    if isinstance(status, int) and status >= _CLIENT_ERROR:
        span.outcome = "error"
        if status >= _SERVER_ERROR:
            span.status = StatusCode.ERROR
            span.attributes.setdefault("error.type", str(status))


def set_parent(span: OpenSpan) -> None:
    """Explicit id first, then the shared request id, then the one request that is possible."""
    shape = span.shape
    span.parent_kind = span.parent_id = ""
    span.parent_found = ParentFound.NONE
    if span.outer_span_id:
        span.parent_span_id = span.outer_span_id
        span.parent_found = ParentFound.EXPLICIT
    elif span.explicit_parent:
        _hang(span, shape.parent_kind, span.explicit_parent, ParentFound.EXPLICIT)
    elif shape.kind == shape.parent_kind:
        return
    elif span.inferred:
        _hang(span, shape.parent_kind, span.inferred, ParentFound.INFERRED)
    elif span.request_id:
        _hang(span, shape.parent_kind, span.request_id, ParentFound.SHARED)


def _hang(span: Span, kind: str, entity: str, how: ParentFound) -> None:
    span.parent_kind = kind
    span.parent_id = entity
    span.parent_found = how
