"""Echoes: lines that tell of a span again without its id, recognised by what both tellings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.model import AttributeValue, LogRecord
    from logagent.shapes import LineShape, Told
    from logagent.spans.builder import Builder
    from logagent.spans.open import OpenSpan

ECHO_HOLD_NANO: Final = 1_000_000_000
"""How long the echo of nothing waits for the line that tells of its span, before it is one of its own."""
_SEPARATOR = "\x1f"


def echo_key(builder: Builder, record: LogRecord, line: LineShape, told: Told) -> str:
    """What the line of an echo has in common with the span's own."""
    process = line.process(record.data) if line.process is not None else ""  # type: ignore[arg-type]
    return _key(builder, process, line, told[5])


def echo_name(time: int, key: str) -> str:
    """The id of an echo of nothing: it must not depend on where its log lies."""
    return f"{time}/{key.partition(_SEPARATOR)[2]}".replace("\0", "/").replace(_SEPARATOR, "/")


def expect_echo(builder: Builder, line: LineShape, span: OpenSpan) -> None:
    """A line tells of a span that an echo may tell of again."""
    span.echo_key = _key(builder, span.process.rpartition("\0")[2], line, span.attributes)
    builder.service.expect_echo(span.echo_key, span.deadline)


def drop_echo(builder: Builder, span: OpenSpan) -> None:
    """The span was told by an echo before: that telling is taken back, it has not been sent."""
    for held in builder.service.open[span.kind].values():
        if held.is_echo and held.echo_key == span.echo_key:
            builder.withdraw(held)
            builder.service.take_echo(span.echo_key, span.opened)
            return


def _key(builder: Builder, process: str, line: LineShape, attributes: Mapping[str, AttributeValue]) -> str:
    if line.echo_key is None:
        raise ValueError(f"{line.span.kind} spans are never echoed")
    return _SEPARATOR.join((builder.stem, process, line.span.kind, line.echo_key(attributes)))
