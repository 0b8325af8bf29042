"""What is wrong with a parser definition whose keys and types are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent import expr
from logagent.errors import Problem
from logagent.parsing.compile import duration_nano
from logagent.parsing.timestamps import UNITS
from logagent.suggestions import did_you_mean
from logagent.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.parsing.definition import ParserDefinition, Time

_CONDITION = 'a condition such as event == "done" and status >= 500'
_FORMATS = ("auto", "iso8601", *(f"epoch_{unit}" for unit in UNITS))


def semantic_problems(file: str, definition: ParserDefinition) -> list[Problem]:
    """Everything that would keep a definition from being compiled: conditions, durations, the time's format and zone."""
    found = [*_time(definition.record.time), *_conditions(definition), *_durations(definition)]
    return [Problem(file, *parts) for parts in found]


_Parts = tuple[str, str, str]


def _time(time: Time | None) -> Iterator[_Parts]:
    if time is None:
        return
    if time.format not in _FORMATS and "%" not in time.format:
        hint = did_you_mean(time.format, _FORMATS) or f"one of {', '.join(_FORMATS)}, or a strptime pattern"
        yield "record.time.format", f"unknown time format {time.format!r}", hint
    try:
        zone_of(time.zone)
    except ValueError as error:
        yield "record.time.zone", str(error), "local, UTC, +02:00 or a name such as Europe/Berlin"


def _conditions(definition: ParserDefinition) -> Iterator[_Parts]:
    places = {"match.where": definition.match.where}
    for number, span in enumerate(definition.span):
        places |= {f"span[{number}].line[{at}].where": line.where for at, line in enumerate(span.line)}
    for place, text in places.items():
        try:
            if text:
                expr.parse(text)
        except expr.ExpressionError as error:
            yield place, f"column {error.column}: {error.message}", error.hint or _CONDITION


def _durations(definition: ParserDefinition) -> Iterator[_Parts]:
    places = {"failure.window": definition.failure.window}
    for number, span in enumerate(definition.span):
        places |= {f"span[{number}].timeout": span.timeout, f"span[{number}].grace": span.grace}
    for place, text in places.items():
        try:
            duration_nano(text)
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            yield place, message, hint
