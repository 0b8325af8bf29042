from __future__ import annotations

import base64
import math
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_samples import (
    OTHER_RESOURCE,
    RESOURCE,
    attributes,
    expected_attributes,
    expected_span,
    expected_text,
    make_record,
    make_span,
    spans,
)

from logagent.exporters.batches import Group
from logagent.exporters.otlp_json import logs_line, record_json, span_json, traces_line
from logagent.model import ExceptionInfo, Span

IDS = {"traceId", "spanId", "parentSpanId"}


def with_base64_ids(value: Any) -> Any:
    """Protobuf's own JSON has ids in base64; all else is the same."""
    if isinstance(value, list):
        return [with_base64_ids(element) for element in value]
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(element)).decode() if key in IDS else with_base64_ids(element)
            for key, element in value.items()
        }
    return value


def traces(line: bytes) -> ExportTraceServiceRequest:
    return json_format.ParseDict(with_base64_ids(orjson.loads(line)), ExportTraceServiceRequest())


def logs(line: bytes) -> ExportLogsServiceRequest:
    return json_format.ParseDict(with_base64_ids(orjson.loads(line)), ExportLogsServiceRequest())


def by_key(message: Any) -> bytes:
    """Bytes that are equal where the messages are, NaN included, whatever the order of the attributes."""
    ordered = type(message).FromString(message.SerializeToString())
    del ordered.attributes[:]
    ordered.attributes.extend(sorted(message.attributes, key=lambda attribute: attribute.key))
    return ordered.SerializeToString(deterministic=True)


@given(spans)
def test_a_span_reads_as_the_one_that_the_generated_messages_build(span: Span) -> None:
    line = traces_line([Group(RESOURCE, "logagent", [span_json(span)])])
    [found] = traces(line).resource_spans[0].scope_spans[0].spans
    assert by_key(found) == by_key(expected_span(span))
    assert line.count(b"\n") == 1


def test_ids_are_lower_case_hexadecimal_and_wide_integers_strings() -> None:
    span = make_span(
        trace_id=b"\xab" * 16, span_id=b"\xcd" * 8, parent_span_id=b"\xef" * 8, attributes={"n": 2**60, "w": 2**70}
    )
    found = orjson.loads(span_json(span))
    assert (found["traceId"], found["spanId"], found["parentSpanId"]) == ("ab" * 16, "cd" * 8, "ef" * 8)
    assert found["kind"] == 2
    assert found["startTimeUnixNano"] == "1790000000000000000"
    values = {attribute["key"]: attribute["value"] for attribute in found["attributes"]}
    assert values["n"] == {"intValue": str(2**60)}
    assert values["w"] == {"stringValue": str(2**70)}


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_lacks_are_words(value: float, text: str) -> None:
    [*_, attribute] = orjson.loads(span_json(make_span(attributes={"x": value})))["attributes"]
    assert attribute["value"] == {"doubleValue": text}


def test_spans_stand_under_their_resource_and_scope() -> None:
    groups = [
        Group(resource, "logagent", [span_json(make_span(n))] * 2)
        for n, resource in enumerate([RESOURCE, OTHER_RESOURCE])
    ]
    first, second = traces(traces_line(groups)).resource_spans
    assert list(first.resource.attributes) == expected_attributes(dict(RESOURCE.attributes))
    assert list(second.resource.attributes) == expected_attributes(dict(OTHER_RESOURCE.attributes))
    assert first.scope_spans[0].scope.name == "logagent"
    assert len(first.scope_spans[0].spans) == 2


def test_a_record_is_opentelemetrys_log_record_under_its_logger() -> None:
    record = make_record(
        trace_id=b"\xab" * 16,
        span_id=b"\xcd" * 8,
        exception=ExceptionInfo("ValueError", "bad", "Traceback ..."),
        cut_bytes=17,
    )
    [of_resource] = logs(logs_line([Group(RESOURCE, "app.api", [record_json(record)])])).resource_logs
    [of_scope] = of_resource.scope_logs
    assert of_scope.scope.name == "app.api"
    [found] = of_scope.log_records
    assert found.time_unix_nano == record.time_unix_nano
    assert found.observed_time_unix_nano == record.observed_time_unix_nano
    assert (found.severity_number, found.severity_text) == (9, "INFO")
    assert found.body.string_value == "line 0"
    assert (found.trace_id, found.span_id) == (record.trace_id, record.span_id)
    assert list(found.attributes) == expected_attributes(
        {
            "user": "u1",
            "exception.type": "ValueError",
            "exception.message": "bad",
            "exception.stacktrace": "Traceback ...",
            "log.file.path": "/var/log/app.log",
            "logagent.cut_bytes": 17,
        }
    )


def test_a_record_without_file_logger_ids_and_severity_has_none_of_them() -> None:
    record = make_record(source="stdin", logger="", severity_number=0, severity_text="", data=None)
    [found] = logs(logs_line([Group(RESOURCE, "", [record_json(record)])])).resource_logs[0].scope_logs[0].log_records
    assert not found.attributes
    assert (found.trace_id, found.span_id, found.severity_number, found.severity_text) == (b"", b"", 0, "")


@given(attributes)
def test_a_records_attributes_read_as_the_generated_messages_build_them(values: dict[str, Any]) -> None:
    record = make_record(data=values, source="stdin", body="\ud800\x00", severity_text="\udfff", logger="\udc00")
    [scope] = logs(logs_line([Group(RESOURCE, record.logger, [record_json(record)])])).resource_logs[0].scope_logs
    [found] = scope.log_records
    assert scope.scope.name == "?"
    assert (found.body.string_value, found.severity_text) == ("?\x00", "?")
    found.attributes.sort(key=lambda attribute: attribute.key)
    assert [a.SerializeToString() for a in found.attributes] == [
        a.SerializeToString() for a in sorted(expected_attributes(values), key=lambda attribute: attribute.key)
    ]
    assert expected_text(record.body) == "?\x00"
