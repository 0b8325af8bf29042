"""Lines of several applications through the shipped parsers and an assembler."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import tomli

from logagent.model import Failure, LogRecord, RawBatch, Resource, Span
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.parser import Parser
from logagent.parsing.redaction import Redactor
from logagent.shipped import parser_files
from logagent.spans.assembler import Assembler

if TYPE_CHECKING:
    from logagent.shapes import SpanShape

READ_AT = 1_800_000_000_000_000_000
BEGIN = 1_795_340_612_000
"""Milliseconds: when the stories of these tests begin."""
SECOND = 10**9
RESOURCE = Resource("backend", "autoforge", {"service.name": "backend"})
EXPLICIT = """
name = "explicit"
priority = 200
[match]
keys = ["step"]
[record]
time = { field = "at", format = "epoch_ms" }
severity = "level"
body = "step"
request = "request"
process = "worker"
trace_id = "trace"
span_id = "span"
[failure]
type = "error"
window = "60s"
[[span]]
kind = "request"
otlp_kind = "server"
name = "{name}"
id = "request"
[span.attributes]
name = "name"
[[span.line]]
message = "request begins"
role = "start"
[[span.line]]
message = "request ends"
role = "end"
[[span]]
kind = "step"
name = "{name}"
id = "id"
parent = "parent"
parent_kind = "agent"
duration = { field = "took", unit = "ms" }
timeout = "1m"
[span.attributes]
name = "name"
size = "size"
[[span.line]]
message = "begins"
role = "start"
[[span.line]]
message = "ends"
role = "end"
[[span.line]]
message = "fails"
role = "fail"
[[span.line]]
message = "adds"
role = "add"
"""


def _dialects() -> list[CompiledDialect]:
    texts = [*(file.read_text() for file in parser_files()), EXPLICIT]
    definitions = [ParserDefinition.model_validate(tomli.loads(text)) for text in texts]
    redactor = Redactor()
    return [CompiledDialect(definition, redactor, zone="UTC") for definition in definitions]


PARSER = Parser(_dialects())


class Story:
    """What an assembler makes of lines, told one after the other."""

    def __init__(self, *, max_open: int = 1000, parser: Parser = PARSER) -> None:
        self.parser = parser
        self.assembler = Assembler(max_open=max_open)
        self.spans: list[Span] = []
        self.failures: list[Failure] = []
        self.records: list[LogRecord] = []
        self.entries: dict[tuple[str, str], bytes] = {}

    def tell(
        self,
        *lines: bytes | dict[str, Any],
        source: str = "app.log",
        observed: int = READ_AT,
        resource: Resource = RESOURCE,
    ) -> list[Span]:
        """The spans that these lines, one batch, finish."""
        encoded = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
        records = self.parser.parse(RawBatch("app", source, encoded, source, None, observed), resource)
        spans, failures = self.assembler.feed(records)
        return self._keep(spans, failures, records)

    def _keep(self, spans: list[Span], failures: list[Failure], records: list[LogRecord]) -> list[Span]:
        self.assembler.identifier.identify(spans)
        self.spans += spans
        self.failures += failures
        self.records += records
        return spans

    def tick(self, now: int) -> list[Span]:
        return self._keep(self.assembler.tick(now), [], [])

    def close(self) -> list[Span]:
        return self._keep(self.assembler.close(), [], [])

    def finish(self) -> list[Span]:
        """All spans, with those that were still open."""
        self.close()
        return self.spans

    def restart(self, now: int = READ_AT) -> None:
        """A kill after a commit, and a new assembler with what the ledger has."""
        for room, key, value in self.assembler.changes():
            if value is None:
                self.entries.pop((room, key), None)
            else:
                self.entries[room, key] = value
        rooms: dict[str, dict[str, bytes]] = {}
        for (room, key), value in sorted(self.entries.items()):
            rooms.setdefault(room, {})[key] = value
        before = self.assembler
        self.assembler = Assembler(max_open=before.builder.max_open)
        self.assembler.restore(rooms, self._shape_of, {RESOURCE.service_name: RESOURCE}, now)

    def _shape_of(self, dialect: str, kind: str) -> SpanShape | None:
        return next((known.shapes.get(kind) for known in self.parser.dialects if known.name == dialect), None)


def at(seconds: float) -> int:
    """Nanoseconds since the epoch of a moment of the story."""
    return BEGIN * 1_000_000 + round(seconds * SECOND)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(BEGIN / 1000 + seconds, UTC).isoformat(timespec="microseconds")


def afn(
    seconds: float, logger: str, message: str, *, level: str = "INFO", process: int = 1, **extra: Any
) -> dict[str, Any]:
    """A line of AutoForgeNexus, told at a moment of the story."""
    moment = datetime.fromtimestamp(BEGIN / 1000 + seconds, UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}"
    return {
        "asctime": text, "name": f"autoforgenexus.{logger}", "levelname": level, "message": message, "process": process, **extra,
    }  # fmt: skip


def uuid(number: int) -> str:
    return f"813a2de0-b803-48d9-a2d1-{number:012d}"


class Request:
    """A request of AutoForgeNexus and its lines."""

    def __init__(self, number: int = 1, *, began: float = 0, process: int = 1, path: str = "/api/v1/prompts") -> None:
        self.id = uuid(number)
        self.began = began
        self.process = process
        self.context = {"request_id": self.id, "timestamp": iso(began), "method": "GET", "path": path}

    def start(self) -> dict[str, Any]:
        return afn(self.began, "observability", "Request started", process=self.process, context=self.context)

    def end(self, seconds: float, status: int = 200) -> dict[str, Any]:
        good = status < 400
        message = "Request completed successfully" if good else "Request completed with error"
        context = {**self.context, "status_code": status, "duration_ms": (seconds - self.began) * 1000}
        return afn(
            seconds,
            "observability",
            message,
            level="INFO" if good else "WARNING",
            process=self.process,
            context=context,
        )

    def fail(self, seconds: float, error: str = "TimeoutError", text: str = "") -> dict[str, Any]:
        context = {**self.context, "error": text, "error_type": error, "duration_ms": (seconds - self.began) * 1000}
        trace = f'Traceback (most recent call last):\n  File "a.py", line 1\n{error}: {text}'.rstrip(": ")
        return afn(
            seconds, "observability", "Request failed with exception", level="ERROR", process=self.process, context=context,
            exc_info=trace,
        )  # fmt: skip

    def metric(self, seconds: float, status: int = 200) -> dict[str, Any]:
        metric = {
            "method": "GET", "endpoint": self.context["path"], "status_code": status,
            "duration_ms": (seconds - self.began) * 1000,
        }  # fmt: skip
        return afn(seconds, "monitoring", "Request metric", process=self.process, metric=metric)


class Call:
    """An LLM call (or a query) of AutoForgeNexus and its lines."""

    def __init__(self, number: int = 100, *, began: float = 0.1, process: int = 1, kind: str = "llm") -> None:
        self.id = uuid(number)
        self.began = began
        self.process = process
        self.kind = kind
        own = {"call_id": self.id, "provider": "openai", "model": "gpt-4o"}
        if kind == "query":
            own = {"query_id": self.id, "operation": "SELECT", "table": "prompts"}
        self.context = {**own, "timestamp": iso(began)}
        self.names = ("llm", "LLM call") if kind == "llm" else ("database", "Database query")

    def _line(self, seconds: float, what: str, context: dict[str, Any], **more: Any) -> dict[str, Any]:
        return afn(seconds, self.names[0], f"{self.names[1]} {what}", process=self.process, context=context, **more)

    def start(self) -> dict[str, Any]:
        return self._line(self.began, "started", self.context)

    def end(self, seconds: float) -> dict[str, Any]:
        return self._line(seconds, "completed", {**self.context, "duration_ms": (seconds - self.began) * 1000})

    def fail(self, seconds: float, error: str = "TimeoutError", text: str = "") -> dict[str, Any]:
        context = {**self.context, "duration_ms": (seconds - self.began) * 1000, "error": text, "error_type": error}
        trace = f'Traceback (most recent call last):\n  File "a.py", line 1\n{error}: {text}'.rstrip(": ")
        return self._line(seconds, "failed", context, level="ERROR", exc_info=trace)

    def recorded(self, seconds: float, cost: float = 0.25) -> dict[str, Any]:
        context = {"call_id": self.id, "tokens_used": 17, "cost_usd": cost, "metadata": {"finish_reason": "stop"}}
        return afn(seconds, "llm", "LLM response recorded", process=self.process, context=context)

    def metric(self, seconds: float, cost: float = 0.5) -> dict[str, Any]:
        metric = {"provider": "openai", "model": "gpt-4o", "tokens_used": 9, "cost_usd": cost, "duration_ms": 5.0}
        return afn(seconds, "monitoring", "LLM metric", process=self.process, metric=metric)


def error_metric(seconds: float, error: str, process: int = 1) -> dict[str, Any]:
    metric = {"error_type": error, "error_message": "x", "stack_trace": None}
    return afn(seconds, "monitoring", "Error metric", level="ERROR", process=process, metric=metric)


def step(seconds: float, what: str, **fields: Any) -> dict[str, Any]:
    """A line of the application that names every id."""
    return {"at": BEGIN + round(seconds * 1000), "step": what, "level": "info", **fields}
