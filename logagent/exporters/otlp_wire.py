"""OTLP's protobuf encoding of spans by hand: several times cheaper than building messages.

Field numbers are those of opentelemetry-proto's ``trace.proto``, ``common.proto`` and
``resource.proto``; its generated messages are the oracle in the tests. A field's tag is
``number << 3 | wire type``. What stands before a value (tag, lengths, key) depends only on the
key and the value's length, so these heads are kept and values never are: an id that comes
once costs what a repeated value does, and fills no cache.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from logagent.exporters.otlp_values import (
    INT64_MAX,
    INT64_MIN,
    MARK_NAMES,
    UINT64_MAX,
    encodable_span,
    integer_text,
    marked_attributes,
    marks,
    valid_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from logagent.model import AttributeValue, Resource, Span, SpanEvent

KEYS_KEPT: Final = 1024
HEADS_KEPT: Final = 256
"""Heads of longer strings, in bytes, are made anew each time."""

_ONE_BYTE: Final = 1 << 7
_TWO_BYTES: Final = 1 << 14
_VARINTS: Final = (
    *(bytes((number,)) for number in range(_ONE_BYTE)),
    *(bytes((number & 127 | 128, number >> 7)) for number in range(_ONE_BYTE, _TWO_BYTES)),
)
_double: Final = struct.Struct("<d").pack
_event_time: Final = struct.Struct("<BQ").pack
_root: Final = struct.Struct("<2s16s2s8sBQBQBB").pack
_child: Final = struct.Struct("<2s16s2s8s2s8sBQBQBB").pack
"""What of a span has a fixed size: trace id, span id, parent's span id, start, end and kind, each after its tag."""


def varint(number: int) -> bytes:
    """Give protobuf's base-128 encoding of an unsigned integer."""
    if number < _TWO_BYTES:
        return _VARINTS[number]
    encoded = bytearray()
    while number >= _ONE_BYTE:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def block(tag: bytes, data: bytes) -> bytes:
    """Give a length-delimited field: a string, bytes or a message."""
    return tag + varint(len(data)) + data


def any_value(value: object) -> bytes:
    """Give the fields of one AnyValue; of what OTLP has no type for, its ``str()``."""
    if isinstance(value, str):
        return block(b"\x0a", value.encode())
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        fits = INT64_MIN <= value <= INT64_MAX
        return b"\x18" + varint(value & UINT64_MAX) if fits else block(b"\x0a", integer_text(value).encode())
    if isinstance(value, float):
        return b"\x21" + _double(value)
    if isinstance(value, list):
        return block(b"\x2a", b"".join([block(b"\x0a", any_value(element)) for element in value]))
    return b"" if value is None else block(b"\x0a", str(value).encode("utf-8", "replace"))


class _Key:
    """What stands before a value of one key, by the value's type and length."""

    __slots__ = ("_name", "_tag", "double", "integers", "strings")

    def __init__(self, tag: bytes, name: str) -> None:
        self._tag = tag
        self._name = block(b"\x0a", name.encode())
        self.double = self._head(b"\x12\x09\x21", 8)
        self.integers = [self._head(b"\x12" + varint(1 + length) + b"\x18", length) for length in range(3)]
        """By the length of the varint, which is 1 or 2: a larger integer is rare enough for ``other``."""
        self.strings: dict[int, bytes] = {}

    def string(self, length: int) -> bytes:
        """Give the head of a string of so many bytes."""
        head = self.strings.get(length)
        if head is not None:
            return head
        inner = b"\x0a" + varint(length)
        head = self._head(b"\x12" + varint(len(inner) + length) + inner, length)
        if length <= HEADS_KEPT:
            self.strings[length] = head
        return head

    def other(self, value: object) -> bytes:
        """Give the whole field of a value of any type."""
        encoded = any_value(value)
        return self._head(b"\x12" + varint(len(encoded)), len(encoded)) + encoded

    def _head(self, before_value: bytes, length: int) -> bytes:
        return self._tag + varint(len(self._name) + len(before_value) + length) + self._name + before_value


class AttributeEncoder:
    """Encodes attributes as repeated KeyValue fields under one tag. Raises UnicodeEncodeError for a lone surrogate."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._keys: dict[str, _Key] = {}

    def encode(self, attributes: Mapping[str, AttributeValue]) -> bytes:
        """Give the attributes, one after the other."""
        parts: list[bytes] = []
        self.append(attributes, parts.append)
        return b"".join(parts)

    def append(self, attributes: Mapping[str, Any], add: Callable[[bytes], None]) -> None:
        """Hand the pieces of the encoded attributes to ``add``, in order."""
        keys = self._keys
        for name, value in attributes.items():
            try:
                key = keys[name]
            except KeyError:
                key = self._key(name)
            value_type = type(value)
            if value_type is str:
                data = value.encode()
                length = len(data)
                try:
                    add(key.strings[length])
                except KeyError:
                    add(key.string(length))
                add(data)
            elif value_type is int and 0 <= value < _TWO_BYTES:
                data = _VARINTS[value]
                add(key.integers[len(data)])
                add(data)
            elif value_type is float:
                add(key.double)
                add(_double(value))
            else:
                add(key.other(value))

    def _key(self, name: str) -> _Key:
        key = _Key(self._tag, name)
        if len(self._keys) >= KEYS_KEPT:
            self._keys.clear()
        self._keys[name] = key
        return key


class SpanEncoder:
    """Encodes identified spans as ``ScopeSpans.spans`` fields, ready to be joined."""

    def __init__(self) -> None:
        self._attributes = AttributeEncoder(b"\x4a")
        self._event_attributes = AttributeEncoder(b"\x1a")
        self._id = _Key(b"\x4a", "logagent.id")
        self._marks: dict[tuple[str, str, bool], bytes] = {}

    def encode(self, span: Span) -> bytes:
        """Give one span's field. An id is cut or padded to its size, a time clamped to 64 bits; never raises."""
        try:
            return self._encode(span)
        except (UnicodeEncodeError, struct.error):
            return self._encode(encodable_span(span))

    def _encode(self, span: Span) -> bytes:
        name = span.name.encode()
        parts = [_fixed(span), b"\x2a", varint(len(name)), name]
        add = parts.append
        attributes = span.attributes
        if attributes.keys().isdisjoint(MARK_NAMES):
            # ``_value_`` is where Enum documents to keep what ``value`` takes ten times as long to fetch.
            key = (span.kind, span.parent_found._value_, span.incomplete)
            span_id = span.id.encode()
            try:
                add(self._marks[key])
            except KeyError:
                add(self._mark(*key))
            add(self._id.string(len(span_id)))
            add(span_id)
        else:
            attributes = marked_attributes(span)
        self._attributes.append(attributes, add)
        if span.events:
            parts.extend([block(b"\x5a", self._event(event)) for event in span.events])
        if span.dropped_events:
            add(b"\x60" + varint(span.dropped_events))
        if span.status or span.status_message:
            add(_status(span))
        body = b"".join(parts)
        return b"\x12" + varint(len(body)) + body

    def _mark(self, kind: str, parent: str, incomplete: bool) -> bytes:  # noqa: FBT001 - the parts of a key
        encoded = self._attributes.encode(marks(kind, parent, incomplete=incomplete))
        if len(self._marks) >= KEYS_KEPT:
            self._marks.clear()
        self._marks[kind, parent, incomplete] = encoded
        return encoded

    def _event(self, event: SpanEvent) -> bytes:
        head = _event_time(0x09, event.time_unix_nano) + block(b"\x12", event.name.encode())
        return head + self._event_attributes.encode(event.attributes)


def _fixed(span: Span) -> bytes:
    if span.parent_span_id:
        return _child(
            b"\x0a\x10", span.trace_id, b"\x12\x08", span.span_id, b"\x22\x08", span.parent_span_id,
            0x39, span.start_unix_nano, 0x41, span.end_unix_nano, 0x30, span.otlp_kind,
        )  # fmt: skip
    return _root(
        b"\x0a\x10", span.trace_id, b"\x12\x08", span.span_id,
        0x39, span.start_unix_nano, 0x41, span.end_unix_nano, 0x30, span.otlp_kind,
    )  # fmt: skip


def _status(span: Span) -> bytes:
    message = block(b"\x12", span.status_message.encode()) if span.status_message else b""
    return block(b"\x7a", message + b"\x18" + varint(span.status))


def resource_spans(resource: Resource, scope: bytes, spans: Iterable[bytes]) -> bytes:
    """Give one ``ExportTraceServiceRequest.resource_spans`` field of an encoded scope and encoded spans."""
    attributes = AttributeEncoder(b"\x0a").encode(valid_attributes(resource.attributes))
    return block(b"\x0a", block(b"\x0a", attributes) + block(b"\x12", b"".join([scope, *spans])))


def instrumentation_scope(name: str, version: str) -> bytes:
    """Give one ``ScopeSpans.scope`` field."""
    return block(b"\x0a", block(b"\x0a", name.encode()) + block(b"\x12", version.encode()))
