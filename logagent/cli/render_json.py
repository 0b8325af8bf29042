"""Records and spans as JSON, one object a line, with keys that stay. What is missing is ``null``, never 0.

Control characters and marks that reorder text are written as escapes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from logagent.cli.terminal_text import inert_json
from logagent.cli.times import Moments
from logagent.fields import severity_name

if TYPE_CHECKING:
    from logagent.model import LogRecord, Span

_MOMENTS = Moments(None, full=True)


def record_json(record: LogRecord) -> str:
    """One record as ``{"type": "record", ...}``."""
    exception = record.exception
    return _dump(
        {
            "type": "record",
            "time": _MOMENTS(record.time_unix_nano),
            "time_unix_nano": record.time_unix_nano,
            "severity": severity_name(record.severity_number) if record.severity_number else None,
            "severity_number": record.severity_number or None,
            "severity_text": record.severity_text or None,
            "logger": record.logger or None,
            "body": record.body,
            "service": record.resource.service_name,
            "source": record.source,
            "parser": record.dialect.name,
            "trace_id": record.trace_id.hex() or None,
            "span_id": record.span_id.hex() or None,
            "exception": None
            if exception is None
            else {"type": exception.type, "message": exception.message, "stacktrace": exception.stacktrace},
            "cut_bytes": record.cut_bytes or None,
            "attributes": record.dialect.attributes(record),
        }
    )


def span_json(span: Span) -> str:
    """One span as ``{"type": "span", ...}``; its ids are hex."""
    return _dump(
        {
            "type": "span",
            "kind": span.kind,
            "id": span.id,
            "name": span.name,
            "start": _MOMENTS(span.start_unix_nano),
            "end": _MOMENTS(span.end_unix_nano),
            "start_unix_nano": span.start_unix_nano,
            "end_unix_nano": span.end_unix_nano,
            "duration_seconds": (span.end_unix_nano - span.start_unix_nano) / 1e9,
            "outcome": span.outcome,
            "status": "error" if span.status else "ok",
            "status_message": span.status_message or None,
            "incomplete": span.incomplete,
            "severity": severity_name(span.severity_number),
            "service": span.resource.service_name,
            "request_id": span.request_id or None,
            "parent": span.parent_found.value,
            "parent_kind": span.parent_kind or None,
            "parent_id": span.parent_id or None,
            "trace_id": span.trace_id.hex() or None,
            "span_id": span.span_id.hex() or None,
            "parent_span_id": span.parent_span_id.hex() or None,
            "attributes": span.attributes,
            "events": [
                {"time_unix_nano": event.time_unix_nano, "name": event.name, "attributes": event.attributes}
                for event in span.events
            ],
        }
    )


def _dump(value: dict[str, Any]) -> str:
    try:
        return inert_json(orjson.dumps(value).decode())
    except (TypeError, ValueError):
        return json.dumps(value, default=str)
