from __future__ import annotations

from typing import Any

import tomli

from logagent.alerting import AlertEngine, RuleReader
from logagent.model import Alert, ExceptionInfo, Failure, LogRecord, Resource, Span

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_793_577_600 * SECOND
"""2026-11-02 00:00 UTC, a Monday."""
RESOURCE = Resource("shop", "acme")

SLOW = """
[[alert]]
name = "SlowQuery"
kind = "event"
from = "query"
where = "duration > 1s"
by = ["db.collection.name"]
value = "duration"
severity = "warning"
labels = { team = "storage" }
summary = "{{ count }} slow on {{ labels.db_collection_name }}, worst {{ value | duration }}"
description = "{{ db.query.text | truncate(20) }} in {{ trace_id }}"
runbook_url = "https://runbooks.example.org/slow"
resolve_after = "30m"
repeat = "10m"
max_groups = 3
"""

MONTHLY = """
[[budget]]
name = "Monthly"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 100
period = "month"
thresholds = [0.5, { at = 0.9, severity = "critical" }, 1.0]
summary = "{{ spent | usd }} of {{ limit | usd }} in {{ period }}, {{ unpriced }} unpriced"
"""


class PlainDialect:
    name = "json"

    def attributes(self, record: LogRecord) -> dict[str, Any]:
        return {key: "[REDACTED]" if key == "note" else value for key, value in (record.data or {}).items()}


def reader(text: str, file: str = "rules.toml") -> RuleReader:
    rules = RuleReader()
    rules.read(file, tomli.loads(text))
    return rules


def engine(text: str, **options: Any) -> AlertEngine:
    rules = reader(text)
    assert rules.problems == []
    return AlertEngine(rules.rules, **options)


def problems(text: str) -> list[str]:
    return [str(problem) for problem in reader(text).problems]


def query(end: int, seconds: float = 2.0, table: str | None = "users", **attributes: Any) -> Span:
    named = {"db.collection.name": table} if table is not None else {}
    return span("query", end, seconds, {**named, **{name.replace("__", "."): one for name, one in attributes.items()}})


def call(end: int, cost: object, user: str = "") -> Span:
    attributes: dict[str, Any] = {} if cost is None else {"gen_ai.usage.cost": cost}
    return span("llm", end, 1.0, {**attributes, "user.id": user} if user else attributes)


def span(kind: str, end: int, seconds: float, attributes: dict[str, Any]) -> Span:
    start = end - round(seconds * SECOND)
    return Span(
        kind, f"{kind}-{end}", kind, 3, start, end, attributes, RESOURCE, trace_id=max(end, 0).to_bytes(16, "big")
    )


def record(time: int, body: str = "hello", **data: Any) -> LogRecord:
    return LogRecord(time, time, 17, "ERROR", body, "app", data, PlainDialect(), RESOURCE, "app", "app.log")


def failure(time: int, error_type: str = "ValueError", **data: Any) -> Failure:
    told = record(time, "failed", **data)
    told.exception = ExceptionInfo(error_type, "no", "")
    told.trace_id = b"t" * 16
    return Failure(time, error_type, "no", "app", told)


def told(alerts: list[Alert]) -> list[tuple[str, str, float]]:
    return [(alert.state.value, alert.reason, alert.value) for alert in alerts]
