"""A made-up agent with spans, records, alerts and budgets, for the server's and the page's tests."""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from logagent.model import (
    ExceptionInfo,
    LogRecord,
    Outcome,
    ParentFound,
    Resource,
    Severity,
    Span,
    SpanEvent,
    SpanKind,
    StatusCode,
)
from logagent.web.live import LiveView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESOURCE = Resource("autoforgenexus-backend", "autoforge")
ENDPOINTS = (
    "POST /api/v1/prompts",
    "POST /api/v1/chat/completions",
    "GET /api/v1/prompts/{id}",
    "POST /api/v1/evaluate",
)
MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-3-5-sonnet"),
    ("gcp.gemini", "gemini-1.5-pro"),
)
QUERIES = ("SELECT prompts", "INSERT prompts", "SELECT users", "UPDATE evaluations")
SCRIPT = "<script>document.title='broken'</script><img src=x onerror=alert(1)>"


class PlainDialect:
    name = "plain"

    def attributes(self, record: LogRecord) -> dict[str, Any]:
        return dict(record.data or {})


def identify(spans: list[Span]) -> None:
    def digest(*parts: str) -> bytes:
        return hashlib.sha256("\0".join(parts).encode()).digest()

    for span in spans:
        span.trace_id = span.trace_id or digest(span.request_id or span.id)[:16]
        span.span_id = digest(span.kind, span.id)[:8]
        span.parent_span_id = digest(span.parent_kind, span.parent_id)[:8] if span.parent_id else b""


def make_span(kind: str = "request", name: str = "GET /", **changes: Any) -> Span:
    start = changes.pop("start", 1_000_000_000)
    seconds = changes.pop("seconds", 0.1)
    values: dict[str, Any] = {
        "kind": kind,
        "id": str(uuid.uuid4()),
        "name": name,
        "otlp_kind": SpanKind.SERVER if kind == "request" else SpanKind.CLIENT,
        "start_unix_nano": start,
        "end_unix_nano": start + round(seconds * 1e9),
        "attributes": {},
        "resource": RESOURCE,
    }
    return Span(**(values | changes))


def make_record(body: str = "hello", **changes: Any) -> LogRecord:
    values: dict[str, Any] = {
        "time_unix_nano": 1_000_000_000,
        "observed_time_unix_nano": 1_000_000_000,
        "severity_number": Severity.INFO,
        "severity_text": "INFO",
        "body": body,
        "logger": "app",
        "data": None,
        "dialect": PlainDialect(),
        "resource": RESOURCE,
        "receiver": "app",
        "source": "app.log",
    }
    return LogRecord(**(values | changes))


@dataclass
class FakeAgent:
    """An agent view whose answers a test can set."""

    live: LiveView = field(default_factory=lambda: LiveView(identify))
    status: str = "ok"
    is_ready: bool = True
    accepts: list[str] = field(default_factory=list)
    alert_rows: list[dict[str, object]] = field(default_factory=list)
    budget_rows: list[dict[str, object]] = field(default_factory=list)
    slo_rows: list[dict[str, object]] = field(default_factory=list)
    total_row: dict[str, object] = field(default_factory=dict)
    receivers: list[dict[str, object]] = field(default_factory=list)

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        self.accepts.append(accept)
        return b"up 1\n", "text/plain; version=0.0.4; charset=utf-8"

    def health(self) -> Mapping[str, object]:
        return {
            "status": self.status,
            "version": "0.1.0",
            "uptime_seconds": 3725.0,
            "receivers": self.receivers,
            "exporters": [{"name": "otlp", "items": 0, "bytes": 0, "oldest_seconds": None}],
            "ledger": {"path": "ledger.sqlite"},
        }

    def ready(self) -> bool:
        return self.is_ready

    def alerts(self) -> Sequence[Mapping[str, object]]:
        return self.alert_rows

    def budgets(self) -> Sequence[Mapping[str, object]]:
        return self.budget_rows

    def slos(self) -> Sequence[Mapping[str, object]]:
        return self.slo_rows

    def totals(self) -> Mapping[str, object]:
        return self.total_row


def request_story(chance: random.Random, start: int) -> Outcome:
    """One request with its queries, LLM calls and log lines."""
    identity = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    endpoint = chance.choice(ENDPOINTS)
    at = start + chance.randrange(2_000_000, 9_000_000)
    children = []
    calls = {"POST /api/v1/evaluate": 3, "GET /api/v1/prompts/{id}": 0}.get(endpoint, 1)
    base: dict[str, Any] = {"request_id": identity, "parent_kind": "request", "parent_id": identity}
    base["parent_found"] = ParentFound.INFERRED
    for _ in range(chance.randrange(1, 4)):
        seconds = min(chance.lognormvariate(-4, 1.2), 2.4)
        name = chance.choice(QUERIES)
        children.append(
            make_span(
                "query", name, start=at, seconds=seconds, attributes={"db.query.text": f"{name} WHERE id = ?"}, **base
            )
        )
        at += round(seconds * 1e9) + 3_000_000
    last = at
    failed = False
    for _ in range(calls):
        provider, model = chance.choice(MODELS)
        seconds = chance.lognormvariate(-0.4, 0.6)
        failed = chance.random() < 0.06
        tokens = {
            "gen_ai.usage.input_tokens": chance.randrange(200, 4000),
            "gen_ai.usage.output_tokens": chance.randrange(20, 900),
        }
        attributes: dict[str, Any] = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
        if not failed:
            attributes |= {**tokens, "gen_ai.usage.cost": round(chance.lognormvariate(-6, 0.8), 6)}
        event = SpanEvent(
            at + 40_000_000, "exception", {"exception.type": "RateLimitError", "exception.message": "Error code: 429"}
        )
        children.append(
            make_span(
                "llm",
                f"chat {model}",
                start=at,
                seconds=seconds,
                attributes=attributes,
                status=StatusCode.ERROR if failed else StatusCode.UNSET,
                status_message="RateLimitError" if failed else "",
                events=[event] if failed else [],
                **base,
            )
        )
        last = max(last, at + round(seconds * 1e9))
    root = make_span(
        "request",
        endpoint,
        id=identity,
        request_id=identity,
        start=start,
        seconds=(last - start) / 1e9 + 0.004,
        status=StatusCode.ERROR if failed else StatusCode.UNSET,
        attributes={
            "http.response.status_code": 500 if failed else 200,
            "http.route": endpoint.split()[1],
            "user.id": "user_7",
        },
        events=[SpanEvent(start + 1_500_000, "log", {"body": f"cache miss {SCRIPT}", "severity": "INFO"})],
    )
    records = [
        make_record("Request started", time_unix_nano=start, logger="autoforgenexus.observability"),
        make_record(
            f'INFO: "{endpoint} HTTP/1.1" {SCRIPT if chance.random() < 0.02 else 200}',
            time_unix_nano=last,
            severity_number=0,
            severity_text="",
            logger="",
        ),
    ]
    if failed:
        error = ExceptionInfo(
            "RateLimitError",
            "Error code: 429",
            'Traceback (most recent call last):\n  File "app.py", line 7\nRateLimitError: Error code: 429',
        )
        records.append(
            make_record(
                "LLM call failed",
                time_unix_nano=last,
                severity_number=Severity.ERROR,
                severity_text="ERROR",
                logger="autoforgenexus.llm",
                exception=error,
            )
        )
    elif chance.random() < 0.1:
        records.append(
            make_record(
                "Slow database query detected",
                time_unix_nano=last,
                severity_number=Severity.WARN,
                severity_text="WARNING",
                logger="autoforgenexus.database",
            )
        )
    return Outcome(records=records, spans=[*children, root])


def busy_agent(now: int, requests: int = 300) -> FakeAgent:
    """An agent that has seen some minutes of traffic."""
    chance = random.Random(7)
    agent = FakeAgent()
    for number in range(requests):
        agent.live.add(request_story(chance, now - (requests - number) * 400_000_000))
    agent.receivers = [{"name": "app", "lag_bytes": 0, "lag_seconds": 0.2, "open_files": 1}]
    agent.total_row = {
        "lines": 6120,
        "requests": requests,
        "llm_calls": 371,
        "queries": 604,
        "errors": 17,
        "cost_usd": 1.2345,
        "dropped": 0,
        "alerts_firing": 2,
    }
    agent.alert_rows = [
        {
            "name": "LLMBudget",
            "state": "firing",
            "labels": {"threshold": "50%"},
            "summary": "Spent 50 % of the monthly LLM budget",
            "value": 0.52,
            "starts_unix_nano": now - 95_000_000_000,
        },
        {
            "name": "SlowQuery",
            "state": "firing",
            "labels": {"operation": "SELECT", "table": "prompts"},
            "summary": "SELECT prompts took 1.42 s (over 1 s)",
            "value": 1.42,
            "starts_unix_nano": now - 15_000_000_000,
        },
    ]
    agent.budget_rows = [
        {
            "name": "llm-monthly",
            "group": "",
            "spent_usd": 1.2345,
            "limit_usd": 2.0,
            "period": "month",
            "projected_usd": 3.1,
            "resets_unix_nano": now + 9 * 86_400_000_000_000,
        },
    ]
    agent.slo_rows = [
        {
            "name": "api-availability",
            "group": "eu",
            "objective": 99.9,
            "period": "30d",
            "valid": 20_000,
            "good": 19_995,
            "bad": 5,
            "sli": 0.99975,
            "budget_left": 0.75,
            "burn_rates": {"1h": 14.5, "3d": 0.3, "30d": None},
            "firing": ["1h"],
        },
    ]
    return agent
