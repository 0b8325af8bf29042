"""Ids against values computed by other means from the contract's text."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.model import Resource, Span
from logagent.spans.ids import Identifier, span_id, trace_id, uuid_bytes

UUID = "813a2de0-b803-48d9-a2d1-3f336d140252"
RESOURCE = Resource("backend", "autoforge")


def make_span(kind: str, entity: str, **changes: object) -> Span:
    made = Span(kind, entity, "", 2, 1, 2, {}, RESOURCE)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_the_trace_id_of_a_uuid_is_the_uuid_itself() -> None:
    assert trace_id("autoforge", "", UUID) == uuid.UUID(UUID).bytes
    assert trace_id("other", "", UUID.upper()) == uuid.UUID(UUID).bytes
    assert trace_id("", "", UUID.replace("-", "")) == uuid.UUID(UUID).bytes


def test_the_trace_id_of_any_other_id_is_a_hash_over_namespace_and_id() -> None:
    assert trace_id("autoforge", "", "req-1") == hashlib.sha256(b"autoforge\0req-1\0").digest()[:16]
    # sha256sum of the same bytes
    assert trace_id("autoforge", "", "req-1").hex() == "97cb9e626b2d76706aafdeb730edf018"
    assert trace_id("", "", "caf\u00e9") == hashlib.sha256(b"\0caf\xc3\xa9\0").digest()[:16]


def test_a_scope_goes_into_the_hash_even_of_a_uuid() -> None:
    assert trace_id("ns", "backend", "7") == hashlib.sha256(b"ns\0backend\x007\0").digest()[:16]
    assert trace_id("ns", "backend", UUID) == hashlib.sha256(f"ns\0backend\0{UUID}\0".encode()).digest()[:16]


def test_the_span_id_is_a_hash_over_the_raw_trace_id_service_kind_and_id() -> None:
    raw = uuid.UUID(UUID).bytes
    expected = hashlib.sha256(raw + b"\0backend\0request\0" + UUID.encode() + b"\0").digest()[:8]
    assert span_id(raw, "backend", "request", UUID) == expected
    assert expected.hex() == "99d2d224e89926c2"


@pytest.mark.parametrize(
    "text",
    ["", "x", "0" * 32, "00000000-0000-0000-0000-000000000000", UUID[:-1], UUID + "0", UUID.replace("-", "_"), "g" * 32,
     "813a2de0b-803-48d9-a2d1-3f336d140252", "{" + UUID[1:-1] + "}", "81 3a2de0b80348d9a2d13f336d14025", "\u0660" * 32],
)  # fmt: skip
def test_other_texts_and_the_nil_uuid_are_no_uuids(text: str) -> None:
    assert uuid_bytes(text) == b""


@given(st.uuids(allow_nil=False))
def test_every_uuid_is_its_bytes(value: uuid.UUID) -> None:
    assert uuid_bytes(str(value)) == uuid_bytes(value.hex) == value.bytes


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_ids_of_any_text_have_their_size(namespace: str, text: str) -> None:
    assert len(trace_id(namespace, "", text)) == 16
    assert len(span_id(b"\1" * 16, namespace, "request", text)) == 8


def test_a_child_is_in_the_trace_of_its_request_and_names_the_span_id_of_its_parent() -> None:
    request = make_span("request", UUID, request_id=UUID)
    child = make_span("llm", "call-1", request_id=UUID, parent_kind="request", parent_id=UUID)
    orphan = make_span("llm", "call-1")
    Identifier().identify([child, request, orphan])
    assert child.trace_id == request.trace_id == uuid.UUID(UUID).bytes
    assert child.parent_span_id == request.span_id
    assert request.parent_span_id == b""
    assert orphan.trace_id == hashlib.sha256(b"autoforge\0call-1\0").digest()[:16]
    assert orphan.span_id != child.span_id


def test_a_trace_id_that_the_line_gave_stays() -> None:
    span = make_span("request", UUID, request_id=UUID, trace_id=b"\7" * 16, parent_span_id=b"\5" * 8)
    Identifier().identify([span])
    assert (span.trace_id, span.parent_span_id) == (b"\7" * 16, b"\5" * 8)
    assert span.span_id == span_id(b"\7" * 16, "backend", "request", UUID)


def test_ids_do_not_depend_on_what_was_identified_before() -> None:
    used = Identifier()
    for number in range(40_000):
        used.trace("autoforge", "", f"other-{number}")
    first, second = make_span("llm", "c", request_id="r"), make_span("llm", "c", request_id="r")
    used.identify([first])
    Identifier().identify([second])
    assert (first.trace_id, first.span_id) == (second.trace_id, second.span_id)
