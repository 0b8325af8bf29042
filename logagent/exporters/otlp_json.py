"""OTLP's JSON encoding of spans and log records, as the OTLP file exporter specification uses it.

It is protobuf's JSON mapping with two exceptions of OTLP's (specification, "JSON Protobuf Encoding"): ids are
hexadecimal, enumerations are numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from logagent import __version__
from logagent.exporters.otlp_values import (
    INT64_MAX,
    INT64_MIN,
    SCOPE_NAME,
    encodable_span,
    integer_text,
    marked_attributes,
    nanoseconds,
    valid_attributes,
    valid_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.exporters.batches import Group
    from logagent.model import AttributeValue, LogRecord, Resource, Span

Json = dict[str, Any]


def span_json(span: Span) -> bytes:
    """Give one identified span; never raises."""
    try:
        return orjson.dumps(_span(span))
    except TypeError:
        return orjson.dumps(_span(encodable_span(span)))


def record_json(record: LogRecord) -> bytes:
    """Give one log record with its redacted attributes; its logger is the scope that it belongs under."""
    attributes = _record_attributes(record)
    try:
        return orjson.dumps(_record(record, record.body, record.severity_text, attributes))
    except TypeError:
        body, severity_text = valid_text(record.body), valid_text(record.severity_text)
        return orjson.dumps(_record(record, body, severity_text, valid_attributes(attributes)))


def traces_line(groups: list[Group]) -> bytes:
    """Give one ``ExportTraceServiceRequest`` and the newline that ends it."""
    parts = [_resource_part(group, b"scopeSpans", b"spans", SCOPE_NAME, __version__) for group in groups]
    return b'{"resourceSpans":[' + b",".join(parts) + b"]}\n"


def logs_line(groups: list[Group]) -> bytes:
    """Give one ``ExportLogsServiceRequest`` and the newline that ends it; the scope is the logger's name."""
    parts = [_resource_part(group, b"scopeLogs", b"logRecords", group.scope, "") for group in groups]
    return b'{"resourceLogs":[' + b",".join(parts) + b"]}\n"


def _resource_part(group: Group, scopes: bytes, items: bytes, name: str, version: str) -> bytes:
    scope = {key: valid_text(text) for key, text in (("name", name), ("version", version)) if text}
    return b'{"resource":%b,"%b":[{"scope":%b,"%b":[%b]}]}' % (
        _resource(group.resource),
        scopes,
        orjson.dumps(scope),
        items,
        b",".join(group.fragments),
    )


def _resource(resource: Resource) -> bytes:
    return orjson.dumps({"attributes": _attributes(valid_attributes(resource.attributes))})


def _span(span: Span) -> Json:
    encoded: Json = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "name": span.name,
        "kind": int(span.otlp_kind),
        "startTimeUnixNano": str(nanoseconds(span.start_unix_nano)),
        "endTimeUnixNano": str(nanoseconds(span.end_unix_nano)),
        "attributes": _attributes(marked_attributes(span)),
    }
    if span.parent_span_id:
        encoded["parentSpanId"] = span.parent_span_id.hex()
    if span.events:
        encoded["events"] = [
            {
                "timeUnixNano": str(nanoseconds(event.time_unix_nano)),
                "name": event.name,
                "attributes": _attributes(event.attributes),
            }
            for event in span.events
        ]
    if span.dropped_events:
        encoded["droppedEventsCount"] = span.dropped_events
    if span.status or span.status_message:
        encoded["status"] = {"code": int(span.status), "message": span.status_message}
    return encoded


def _record(record: LogRecord, body: str, severity_text: str, attributes: Mapping[str, AttributeValue]) -> Json:
    encoded: Json = {
        "timeUnixNano": str(nanoseconds(record.time_unix_nano)),
        "observedTimeUnixNano": str(nanoseconds(record.observed_time_unix_nano)),
        "severityNumber": int(record.severity_number),
        "body": {"stringValue": body},
        "attributes": _attributes(attributes),
    }
    if severity_text:
        encoded["severityText"] = severity_text
    if record.trace_id:
        encoded["traceId"] = record.trace_id.hex()
    if record.span_id:
        encoded["spanId"] = record.span_id.hex()
    return encoded


def _record_attributes(record: LogRecord) -> dict[str, AttributeValue]:
    attributes = dict(record.dialect.attributes(record))
    exception = record.exception
    if exception is not None:
        parts = (("type", exception.type), ("message", exception.message), ("stacktrace", exception.stacktrace))
        attributes |= {f"exception.{part}": text for part, text in parts if text}
    if "/" in record.source:
        attributes["log.file.path"] = record.source
    if record.cut_bytes:
        attributes["logagent.cut_bytes"] = record.cut_bytes
    return attributes


def _attributes(attributes: Mapping[str, AttributeValue]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> Json:
    """Give one AnyValue; of what OTLP has no type for, its ``str()``."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        text = integer_text(value)
        return {"intValue": text} if INT64_MIN <= value <= INT64_MAX else {"stringValue": text}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _NOT_FINITE.get(value, "NaN")}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(element) for element in value]}}
    return {} if value is None else {"stringValue": valid_text(str(value))}


_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
