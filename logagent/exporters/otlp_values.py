"""What OTLP's two encodings, protobuf and JSON, agree on about values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from logagent.model import AttributeValue, SpanEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.model import Scalar, Span

SCOPE_NAME: Final = "logagent"
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1
UINT32_MAX: Final = 2**32 - 1


def integer_text(value: int) -> str:
    """Give an integer's decimal digits, or its hexadecimal form where Python refuses to write so many.

    The decimal form is what OpenTelemetry prescribes for an integer that does not fit into 64 bits
    (specification, "Mapping Arbitrary Data to OTLP AnyValue").
    """
    try:
        return str(int(value))
    except ValueError:
        return hex(value)


def nanoseconds(value: int) -> int:
    """Give the time as OTLP's fixed64 can carry it."""
    return min(max(value, 0), UINT64_MAX)


def marks(kind: str, parent: str, *, incomplete: bool) -> dict[str, AttributeValue]:
    """Give the attributes that all spans of one kind, way to the parent and completeness carry."""
    attributes: dict[str, AttributeValue] = {"logagent.kind": kind, "logagent.parent": parent}
    if incomplete:
        attributes["logagent.incomplete"] = True
    return attributes


MARK_NAMES: Final = frozenset({"logagent.id", *marks("", "", incomplete=True)})


def marked_attributes(span: Span) -> dict[str, AttributeValue]:
    """Give a span's attributes and those that say what it was rebuilt from; its own values win."""
    own = marks(span.kind, span.parent_found.value, incomplete=span.incomplete)
    return {**own, "logagent.id": span.id, **span.attributes}


def valid_text(text: str) -> str:
    """Give the text with each lone surrogate, which UTF-8 cannot carry, replaced by ``?``."""
    return text.encode("utf-8", "replace").decode()


def valid_attributes(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """Give the attributes with valid text only."""
    return {
        valid_text(name): [_valid(element) for element in value] if isinstance(value, list) else _valid(value)
        for name, value in attributes.items()
    }


def encodable_span(span: Span) -> Span:
    """Give a copy of the span with valid text and with times that OTLP can carry."""
    return replace(
        span,
        kind=valid_text(span.kind),
        id=valid_text(span.id),
        name=valid_text(span.name),
        start_unix_nano=nanoseconds(span.start_unix_nano),
        end_unix_nano=nanoseconds(span.end_unix_nano),
        attributes=valid_attributes(span.attributes),
        status_message=valid_text(span.status_message),
        events=[
            SpanEvent(nanoseconds(event.time_unix_nano), valid_text(event.name), valid_attributes(event.attributes))
            for event in span.events
        ],
    )


def _valid(value: Scalar) -> Scalar:
    return valid_text(value) if isinstance(value, str) else value
