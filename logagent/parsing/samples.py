"""Runs the ``[[sample]]`` blocks of parser definitions: lines, with the records and spans that they must become.

A sample says of each record or span only what it wants to see: ``body``, ``severity``, ``logger``, ``time``, ``parser`` of
a record, ``kind``, ``id``, ``request``, ``parent``, ``start``, ``duration_seconds`` of a span; any other key is an attribute.
A span that its definition takes out of one line is seen here as that line tells it: the lines of a span are put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from logagent.model import LogRecord, RawBatch, Resource, Severity
from logagent.parsing.parser import Parser
from logagent.shapes import LineShape, Role
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logagent.parsing.definition import ParserDefinition
    from logagent.parsing.dialect import CompiledDialect

_KEYS = ("lines", "records", "spans")
_RECORD = ("body", "severity", "logger", "time", "parser")
_SPAN = ("kind", "id", "request", "parent", "start", "duration_seconds")
_ENDS = frozenset({Role.END, Role.FAIL})
_OBSERVED = 1_800_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a sample did not become what it should."""

    parser: str
    sample: int
    """Its number, from 1."""
    place: str
    """``records[0].severity`` and the like."""
    expected: object
    found: object

    def __str__(self) -> str:
        """One line for a person."""
        where = f"{self.parser}: sample {self.sample}: {self.place}"
        return f"{where}: expected {_shown(self.expected)}, found {_shown(self.found)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)


@dataclass(slots=True)
class _SampleSpan:
    kind: str
    start: int
    end: int | None = None
    parts: dict[str, object] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> object:
        if name == "start":
            return _moment(self.start)
        if name == "duration_seconds":
            return None if self.end is None else (self.end - self.start) / 1e9
        return self.parts.get(name) if name in _SPAN else self.attributes.get(name)


def run_samples(definition: ParserDefinition, dialects: Sequence[CompiledDialect]) -> list[Difference]:
    """Everything in which a definition's samples differ from what the dialects, all in use, make of them."""
    parser = Parser(dialects)
    found: list[Difference] = []
    for number, sample in enumerate(definition.sample, 1):
        found += [Difference(definition.name, number, *parts) for parts in _run(sample, parser)]
    return found


_Parts = tuple[str, object, object]


def _run(sample: Mapping[str, object], parser: Parser) -> list[_Parts]:
    unknown = [key for key in sample if key not in _KEYS]
    if unknown:
        return [(key, did_you_mean(key, _KEYS) or f"one of {', '.join(_KEYS)}", key) for key in unknown]
    lines = sample.get("lines")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return [("lines", "a list of texts", lines)]
    encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
    batch = RawBatch("sample", "sample", encoded, "sample", None, _OBSERVED)
    records = parser.parse(batch, Resource("sample"))
    differences: list[_Parts] = []
    if "records" in sample:
        differences += _compare("records", sample["records"], [_RecordView(record) for record in records])
    if "spans" in sample:
        differences += _compare("spans", sample["spans"], _spans(records))
    return differences


def _compare(place: str, expected: object, found: Sequence[_SampleSpan | _RecordView]) -> list[_Parts]:
    if not isinstance(expected, list) or not all(isinstance(item, dict) for item in expected):
        return [(place, "a list of tables", expected)]
    if len(expected) != len(found):
        return [(place, len(expected), len(found))]
    return [
        (f"{place}[{index}].{name}", value, item.value(name))
        for index, (wanted, item) in enumerate(zip(expected, found, strict=True))
        for name, value in wanted.items()
        if item.value(name) != value
    ]


class _RecordView:
    """A record by the names that samples use."""

    def __init__(self, record: LogRecord) -> None:
        self._parts = {
            "body": record.body,
            "severity": _severity_name(record.severity_number),
            "logger": record.logger,
            "time": _moment(record.time_unix_nano) if record.time_unix_nano else None,
            "parser": record.dialect.name,
        }
        self._attributes = record.dialect.attributes(record)

    def value(self, name: str) -> object:
        return self._parts[name] if name in _RECORD else self._attributes.get(name)


def _severity_name(number: int) -> str:
    return max((severity for severity in Severity if severity <= number), default=Severity.UNSET).name


def _moment(nanos: int) -> str:
    """ISO 8601 in UTC, as precise as the time is."""
    seconds, fraction = divmod(nanos, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    return f"{text}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"


def _spans(records: Sequence[LogRecord]) -> list[_SampleSpan]:
    """The spans that the lines tell of, in the order in which they are first told."""
    spans: dict[tuple[str, str], _SampleSpan] = {}
    for record in records:
        line: LineShape | None = record.line
        if line is None or record.data is None:
            continue
        entity, request, parent, start, duration, attributes = line.told(record.data, record.object or record.data)
        if entity is None:
            continue
        time = record.time_unix_nano
        began = start if start is not None else time - (duration or 0)
        span = spans.setdefault((line.span.kind, entity), _SampleSpan(line.span.kind, began))
        span.attributes.update(attributes)
        told = {"kind": line.span.kind, "id": entity, "request": request, "parent": parent}
        span.parts.update({name: value for name, value in told.items() if value is not None})
        if line.role in _ENDS:
            span.end = span.start + duration if duration is not None else time
    return list(spans.values())
