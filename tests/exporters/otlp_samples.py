"""Spans and records as hypothesis draws them, and what OTLP's generated messages make of them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from logagent.exporters.otlp_values import marked_attributes
from logagent.model import LogRecord, Outcome, ParentFound, Resource, Span, SpanEvent

RESOURCE = Resource("shop", "acme", {"service.name": "shop", "service.namespace": "acme", "replicas": 3})
OTHER_RESOURCE = Resource("billing", "", {"service.name": "billing"})

any_text = st.builds(
    str.__mul__, st.text(st.characters(exclude_categories=()), max_size=12), st.sampled_from([1, 1, 20, 60])
)
# JSON has one NaN only.
floats = st.floats(allow_nan=False) | st.just(math.nan)
scalars = st.one_of(any_text, st.booleans(), st.integers(), st.integers(0, 2**70), floats)
attributes = st.dictionaries(any_text, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=6)
times = st.integers(-(2**70), 2**70) | st.integers(0, 2**64 - 1)

events = st.builds(SpanEvent, times, any_text, attributes)
spans = st.builds(
    Span,
    kind=any_text,
    id=any_text,
    name=any_text,
    otlp_kind=st.integers(1, 5),
    start_unix_nano=times,
    end_unix_nano=times,
    attributes=attributes,
    resource=st.just(RESOURCE),
    parent_found=st.sampled_from(ParentFound),
    status=st.sampled_from([0, 2]),
    status_message=any_text,
    incomplete=st.booleans(),
    events=st.lists(events, max_size=2),
    dropped_events=st.integers(0, 2**32 - 1),
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_span_id=st.just(b"") | st.binary(min_size=8, max_size=8),
)


class PlainDialect:
    """Gives the decoded line as it is."""

    name = "plain"

    def attributes(self, record: LogRecord) -> dict[str, Any]:
        return dict(record.data or {})


def make_span(number: int = 0, **changes: object) -> Span:
    defaults: dict[str, object] = {
        "kind": "request",
        "id": f"id-{number}",
        "name": "GET /prompts/{id}",
        "otlp_kind": 2,
        "start_unix_nano": 1_790_000_000_000_000_000 + number,
        "end_unix_nano": 1_790_000_001_000_000_000 + number,
        "attributes": {"http.request.method": "GET", "http.response.status_code": 200},
        "resource": RESOURCE,
        "trace_id": (number + 1).to_bytes(16, "big"),
        "span_id": (number + 1).to_bytes(8, "big"),
    }
    return Span(**{**defaults, **changes})


def make_record(number: int = 0, **changes: object) -> LogRecord:
    defaults: dict[str, object] = {
        "time_unix_nano": 1_790_000_000_000_000_000 + number,
        "observed_time_unix_nano": 1_790_000_002_000_000_000,
        "severity_number": 9,
        "severity_text": "INFO",
        "body": f"line {number}",
        "logger": "app.api",
        "data": {"user": "u1"},
        "dialect": PlainDialect(),
        "resource": RESOURCE,
        "receiver": "app",
        "source": "/var/log/app.log",
    }
    return LogRecord(**{**defaults, **changes})


def outcome_of(count: int) -> Outcome:
    return Outcome(spans=[make_span(number) for number in range(count)])


def expected_text(text: str) -> str:
    return "".join("?" if "\ud800" <= char <= "\udfff" else char for char in text)


def expected_span(span: Span) -> trace_pb2.Span:
    message = trace_pb2.Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=expected_text(span.name),
        kind=span.otlp_kind,
        start_time_unix_nano=expected_time(span.start_unix_nano),
        end_time_unix_nano=expected_time(span.end_unix_nano),
        attributes=expected_attributes(marked_attributes(span)),
        dropped_events_count=span.dropped_events,
    )
    for event in span.events:
        message.events.add(
            time_unix_nano=expected_time(event.time_unix_nano),
            name=expected_text(event.name),
            attributes=expected_attributes(event.attributes),
        )
    if span.status or span.status_message:
        message.status.code = span.status
        message.status.message = expected_text(span.status_message)
    return message


def expected_time(time_unix_nano: int) -> int:
    return max(0, min(time_unix_nano, 2**64 - 1))


def expected_attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=expected_text(key), value=expected_value(value)) for key, value in valid_keys(values).items()]


def valid_keys(values: dict[str, Any]) -> dict[str, Any]:
    """Two keys that differ only in lone surrogates become one."""
    if all(expected_text(key) == key for key in values):
        return values
    return {expected_text(key): value for key, value in values.items()}


def expected_value(value: object) -> AnyValue:
    match value:
        case str():
            return AnyValue(string_value=expected_text(value))
        case bool():
            return AnyValue(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        case int():
            return AnyValue(string_value=str(value))
        case float():
            return AnyValue(double_value=value)
        case _:
            message = AnyValue()
            message.array_value.SetInParent()
            for element in value:
                message.array_value.values.append(expected_value(element))
            return message
