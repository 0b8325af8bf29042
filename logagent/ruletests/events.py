"""Inputs of a test → events in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from logagent.model import ExceptionInfo, Failure, LogRecord, Resource, Severity, Span
from logagent.settings.values import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.model import AttributeValue
    from logagent.ruletests.tables import Input, RuleTest

SECOND = 1_000_000_000
_OTLP_KINDS = {"request": 2, "llm": 3, "query": 3}
"""OpenTelemetry's numbers: SERVER is 2, CLIENT 3; all else is INTERNAL, 1."""
_ERROR = 2


@dataclass(frozen=True, slots=True)
class Lines:
    """Log lines, to be read by the parsers."""

    source: str
    lines: list[bytes]


Item = LogRecord | Failure | Span | Lines


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is read at a moment."""

    read_unix_nano: int
    item: Item


class Plain:
    """The dialect of events that no line told of: their fields are their attributes."""

    name = "test"

    def attributes(self, record: LogRecord) -> dict[str, Any]:
        """The fields as they were given."""
        return dict(record.data or {})


_DIALECT: Any = Plain()


def events_of(test: RuleTest) -> list[Event]:
    """All events of a test, in the order in which they are read."""
    start = round(test.start.timestamp()) * SECOND
    resource = Resource(test.service, attributes={"service.name": test.service})
    found = [event for position, row in enumerate(test.input) for event in _row(row, position, start, resource)]
    return sorted(found, key=lambda event: event.read_unix_nano)


def _row(row: Input, position: int, start: int, resource: Resource) -> Iterator[Event]:
    step = round((row.every or 0.0) * SECOND)
    late = round(row.late * SECOND)
    first = start + round(row.at * SECOND)
    for number in range(row.times):
        time = first + number * step
        for copy in range(row.count):
            turn = number * row.count + copy
            if row.lines:
                moment = datetime.fromtimestamp(time / SECOND, UTC).isoformat(timespec="microseconds")
                lines = [line.replace("{time}", moment).encode("utf-8", "surrogatepass") for line in row.lines]
                yield Event(time + late, Lines(row.source, lines))
            for kind, fields in row.events.items():
                given = {name: _turned(value, turn) for name, value in fields.items()}
                yield Event(time + late, _item(kind, time, f"{kind}-{position}-{turn}", given, resource))


def _turned(value: Any, turn: int) -> Any:
    """A list is gone through, one value an event."""
    return value[turn % len(value)] if isinstance(value, list) and value else value


def _item(kind: str, time: int, name: str, fields: dict[str, Any], resource: Resource) -> LogRecord | Failure | Span:
    if kind == "log":
        return _record(time, fields, resource)
    if kind == "error":
        return _failure(time, fields, resource)
    return _span(kind, time, name, fields, resource)


def _span(kind: str, end: int, name: str, fields: dict[str, Any], resource: Resource) -> Span:
    seconds = _seconds(fields.pop("duration", 0.0))
    failed = fields.pop("status", "ok") == "error" or fields.pop("error", False) is True
    incomplete = fields.pop("incomplete", False) is True
    attributes: dict[str, AttributeValue] = {key: value for key, value in fields.items() if key not in {"name", "id"}}
    if "endpoint" in attributes:
        attributes.setdefault("http.route", attributes.pop("endpoint"))
    return Span(
        kind,
        str(fields.get("id", name)),
        str(fields.get("name", kind)),
        _OTLP_KINDS.get(kind, 1),
        end - round(seconds * SECOND),
        end,
        attributes,
        resource,
        status=_ERROR if failed else 0,
        outcome="incomplete" if incomplete else "error" if failed else "ok",
        incomplete=incomplete,
    )


@cache
def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else parse_duration(value)


def _record(time: int, fields: dict[str, Any], resource: Resource) -> LogRecord:
    word = str(fields.pop("severity", fields.pop("level", "INFO")))
    number = next((severity.value for severity in Severity if severity.name == word.upper()), 0)
    kind = fields.pop("exception.type", "")
    message = fields.pop("exception.message", "")
    exception = ExceptionInfo(str(kind), str(message), "") if kind or message else None
    body = str(fields.pop("body", fields.pop("message", "")))
    logger = str(fields.pop("logger", "app"))
    return LogRecord(
        time, time, number, word, body, logger, fields, _DIALECT, resource, "test", "test", exception=exception
    )


def _failure(time: int, fields: dict[str, Any], resource: Resource) -> Failure:
    kind = str(fields.pop("error_type", fields.pop("type", "Error")))
    message = str(fields.pop("message", ""))
    logger = str(fields.pop("logger", "app"))
    given = {**fields, "severity": "ERROR", "logger": logger, "message": message}
    record = _record(time, {**given, "exception.type": kind, "exception.message": message}, resource)
    return Failure(time, kind, message, logger, record)


def offset_text(seconds: float) -> str:
    """Seconds as ``1h2m3s``."""
    whole, rest = divmod(seconds, 1)
    parts, left = [], int(whole)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    if left or rest or not parts:
        parts.append(f"{left + rest:g}s")
    return "".join(parts)
