from __future__ import annotations

import gzip
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp_samples import OTHER_RESOURCE, RESOURCE, expected_attributes, expected_span, make_span, spans

from logagent.exporters import batches as batches_module
from logagent.exporters.batches import Batches, Group
from logagent.exporters.otlp_request import compressed_request_body, halves, request_body
from logagent.exporters.otlp_wire import KEYS_KEPT, SpanEncoder, varint
from logagent.model import ParentFound, Signal, Span, SpanEvent

ENCODER = SpanEncoder()


def decoded(span: Span, encoder: SpanEncoder = ENCODER) -> trace_pb2.Span:
    [message] = trace_pb2.ScopeSpans.FromString(encoder.encode(span)).spans
    return message


def canonical(message: trace_pb2.Span) -> bytes:
    """Bytes that are equal where the spans are, NaN included, whatever the order of the attributes."""
    ordered = trace_pb2.Span()
    ordered.CopyFrom(message)
    del ordered.attributes[:]
    ordered.attributes.extend(sorted(message.attributes, key=lambda attribute: attribute.key))
    return ordered.SerializeToString(deterministic=True)


def request_of(payload: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(payload)


def span_ids(payload: bytes) -> list[bytes]:
    return [
        span.span_id
        for resource in request_of(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@given(spans)
def test_a_span_reads_as_the_one_that_the_generated_messages_build(span: Span) -> None:
    assert canonical(decoded(span)) == canonical(expected_span(span))


@given(spans, st.data())
def test_a_span_with_marks_among_its_own_attributes_keeps_these(span: Span, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["logagent.kind", "logagent.id", "logagent.parent", "logagent.incomplete"]))
    span.attributes[name] = "its own"
    message = decoded(span)
    assert canonical(message) == canonical(expected_span(span))
    assert [a.value.string_value for a in message.attributes if a.key == name] == ["its own"]


@given(st.integers(0, 2**64 - 1))
def test_a_varint_reads_back(number: int) -> None:
    assert trace_pb2.Span.FromString(b"\x39" + number.to_bytes(8, "little")).start_time_unix_nano == number
    value = sum((byte & 127) << 7 * index for index, byte in enumerate(varint(number)))
    assert value == number


@pytest.mark.parametrize("value", [1, True, 1.0, "1", 0, False, 0.0, -0.0, "", -1, 2**63 - 1, 2**63, -(2**63) - 1])
def test_values_that_python_holds_for_equal_keep_their_types_under_one_key(value: object) -> None:
    encoder = SpanEncoder()
    for other in (True, 1, 1.0, 0, False, 0.0, "1"):
        encoder.encode(make_span(attributes={"key": other}))
    message = decoded(make_span(attributes={"key": value}), encoder)
    assert message.attributes[-1] == expected_attributes({"key": value})[0]
    if value == 0.0 and isinstance(value, float):
        assert math.copysign(1, message.attributes[-1].value.double_value) == math.copysign(1, value)


def test_marks_say_what_the_span_was_rebuilt_from() -> None:
    span = make_span(kind="llm", id="call-1", parent_found=ParentFound.INFERRED, incomplete=True)
    found = {attribute.key: attribute.value for attribute in decoded(span).attributes}
    assert found["logagent.kind"].string_value == "llm"
    assert found["logagent.id"].string_value == "call-1"
    assert found["logagent.parent"].string_value == "inferred"
    assert found["logagent.incomplete"].bool_value is True


def test_lone_surrogates_and_nul_anywhere_do_not_raise() -> None:
    bad = "a\ud800b\x00"
    span = make_span(
        kind=bad, id=bad, name=bad, status=2, status_message=bad, attributes={bad: bad, "list": [bad, 1]},
        events=[SpanEvent(-1, bad, {bad: bad})],
    )  # fmt: skip
    assert decoded(span).name == "a?b\x00"


def test_an_integer_of_ten_thousand_digits_does_not_raise() -> None:
    [*_, attribute] = decoded(make_span(attributes={"n": 10**10_000})).attributes
    assert attribute.value.string_value == hex(10**10_000)


@pytest.mark.parametrize("length", [0, 1, 60, 127, 128, 255, 256, 257, 16_383, 16_384, 2_097_152])
def test_texts_of_every_length_read_back(length: int) -> None:
    text = "x" * length
    span = make_span(name=text, id=text, status_message=text, attributes={"a": text, "b": [text], text: "c"})
    for _ in range(2):
        assert decoded(span) == expected_span(span)


def test_ids_that_are_not_set_leave_the_request_readable() -> None:
    assert decoded(make_span(trace_id=b"", span_id=b"")).trace_id == bytes(16)


def test_ever_new_keys_and_values_fill_no_cache() -> None:
    encoder = SpanEncoder()
    for number in range(3 * KEYS_KEPT):
        encoder.encode(make_span(attributes={f"key-{number}": "x" * number}, kind=f"kind-{number}"))
    assert len(encoder._attributes._keys) <= KEYS_KEPT
    assert len(encoder._marks) <= KEYS_KEPT
    assert len(encoder._attributes._key("same").strings) == 0


def test_a_request_groups_spans_by_resource_under_the_scope_logagent() -> None:
    batches = Batches("otlp", Signal.TRACES, compressed_request_body)
    for number, resource in enumerate([RESOURCE, OTHER_RESOURCE, RESOURCE]):
        batches.add(resource, "logagent", ENCODER.encode(make_span(number, resource=resource)))
    [draft] = batches.take()
    assert (draft.exporter, draft.signal, draft.count) == ("otlp", Signal.TRACES, 3)
    request = request_of(gzip.decompress(draft.pack()))
    first, second = request.resource_spans
    assert list(first.resource.attributes) == expected_attributes(dict(RESOURCE.attributes))
    assert [len(first.scope_spans[0].spans), len(second.scope_spans[0].spans)] == [2, 1]
    assert first.scope_spans[0].scope.name == "logagent"
    assert first.scope_spans[0].scope.version
    assert batches.take() == []


def test_packing_gives_the_same_bytes_each_time() -> None:
    groups = [Group(RESOURCE, "logagent", [ENCODER.encode(make_span())])]
    assert compressed_request_body(groups) == compressed_request_body(groups)


def test_items_are_bounded_in_spans_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "ITEMS_LIMIT", 10)
    monkeypatch.setattr(batches_module, "BYTES_LIMIT", 1_000)
    batches = Batches("otlp", Signal.TRACES, request_body)
    for size in [1] * 25 + [600, 600, 5_000, 1]:
        batches.add(RESOURCE, "", bytes(size))
    assert [draft.count for draft in batches.take()] == [10, 10, 6, 1, 1, 1]


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.booleans())
def test_halves_say_together_what_the_whole_said(resources: list[bool], packed: bool) -> None:  # noqa: FBT001 - drawn
    batches = Batches("otlp", Signal.TRACES, compressed_request_body if packed else request_body)
    for number, other in enumerate(resources):
        batches.add(OTHER_RESOURCE if other else RESOURCE, "", ENCODER.encode(make_span(number)))
    [draft] = batches.take()
    payload = draft.pack()
    unpack = gzip.decompress if packed else bytes
    parts = halves(payload)
    assert [count for count, _ in parts] == [len(resources) // 2, len(resources) - len(resources) // 2]
    assert [count for count, _ in parts] == [len(span_ids(unpack(part))) for _, part in parts]
    assert [i for _, part in parts for i in span_ids(unpack(part))] == span_ids(unpack(payload))
    first = request_of(unpack(parts[0][1])).resource_spans[0]
    assert first.scope_spans[0].scope.name == "logagent"


@pytest.mark.parametrize("payload", [b"\x1f\x8bnot gzip", b"not protobuf"])
def test_what_cannot_be_read_is_not_halved(payload: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        halves(payload)
