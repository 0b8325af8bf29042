"""One trace in full, as the page draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.model import StatusCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.model import Span, SpanEvent
    from logagent.web.live import LiveView
    from logagent.web.traces import Trace

VALUE = 4000
"""Characters shown of one attribute."""
EVENTS = 200
"""Events shown of one span."""


def trace_detail(trace: Trace, live: LiveView) -> dict[str, object]:
    """Give a trace's summary, its spans in tree order (times in seconds from the trace's start) and its records."""
    origin = trace.start_unix_nano
    return {
        **trace.summary(),
        "origin": origin / 1e9,
        "length": max((span.end_unix_nano - origin for span in trace.spans), default=0) / 1e9,
        "hidden": trace.hidden,
        "tree": [_span(span, depth, origin) for depth, span in trace.tree()],
        "records": [row.as_json() for row in live.records_of(trace)],
    }


def _span(span: Span, depth: int, origin: int) -> dict[str, object]:
    return {
        "span": span.span_id.hex(),
        "id": span.id,
        "depth": depth,
        "kind": span.kind,
        "name": span.name,
        "service": span.resource.service_name,
        "start": (span.start_unix_nano - origin) / 1e9,
        "duration": (span.end_unix_nano - span.start_unix_nano) / 1e9,
        "incomplete": span.incomplete,
        "parent": span.parent_found.value,
        "failed": span.status == StatusCode.ERROR,
        "message": span.status_message[:VALUE],
        "attributes": _texts(span.attributes),
        "events": [_event(event, origin) for event in span.events[:EVENTS]],
        "hidden_events": span.dropped_events + max(len(span.events) - EVENTS, 0),
    }


def _event(event: SpanEvent, origin: int) -> dict[str, object]:
    return {
        "time": (event.time_unix_nano - origin) / 1e9,
        "name": event.name,
        "attributes": _texts(event.attributes),
    }


def _texts(attributes: Mapping[str, object]) -> dict[str, str]:
    return {key: _text(value)[:VALUE] for key, value in attributes.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return str(value)
