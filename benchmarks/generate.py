"""A deterministic log of an LLM application as python-json-logger writes it, and the truth about it.

The same arguments and seed give the same bytes, on any machine: the draws' order is part of the format.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)
ROUTES = (
    ("POST", "/api/v1/prompts", 45, True),
    ("POST", "/api/v1/chat/completions", 25, True),
    ("GET", "/api/v1/prompts", 15, False),
    ("GET", "/api/v1/runs", 8, False),
    ("PUT", "/api/v1/prompts/versions", 4, True),
    ("DELETE", "/api/v1/runs", 3, False),
)
"""Method, path, weight, whether it calls a language model."""
MODELS = (
    ("openai", "gpt-4o", 2.5, 10.0),
    ("openai", "gpt-4o-mini", 0.15, 0.6),
    ("anthropic", "claude-3-5-sonnet", 3.0, 15.0),
    ("anthropic", "claude-3-5-haiku", 0.8, 4.0),
    ("gemini", "gemini-1.5-pro", 1.25, 5.0),
)
"""Provider, model, dollars for a million input and output tokens."""
TABLES = ("prompts", "prompt_versions", "runs", "users", "api_keys")
USERS = tuple(f"user-{number:05d}" for number in range(400))
USER_AGENTS = (
    "python-httpx/0.27.2",
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/132.0",
    "axios/1.7.7",
)
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/srv/autoforge/app/services/llm.py", line %d, in complete\n'
    '    return await self._client.post(payload, timeout=self.timeout)\n  File "/srv/autoforge/.venv/lib/python3.11/'
    'site-packages/httpx/_client.py", line 1574, in send\n    raise exc\n%s'
)
EXCEPTIONS = (
    "httpx.ReadTimeout: provider did not answer within 30.0s",
    "openai.RateLimitError: Error code: 429",
    "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) server closed the connection unexpectedly",
    "ValueError: could not parse model output as JSON",
)
FAILING_SHARE = 0.10
SLOW_QUERY_MS = 500
ONE_SECOND_MS = 1000
_WEIGHTS = [weight for _, _, weight, _ in ROUTES]
_ADDRESSES = 200
_FIRST_STARTS_MS = 500
_PAUSE_MS = 8
"""Mean pause between a request and the next that takes its place."""
_STREAMING_SHARE = 0.5
_FAILED_STATUSES = (500, 502, 429)
_CREATED, _OK = 201, 200
_PROCESS = 4211
_DIRTY_PREFIX = "WARNING: unstructured line from a C library "
_DIRTY_CHARACTERS = 40

Effect = Callable[["Truth"], None]
"""What a line adds to the truth."""


@dataclass(slots=True, frozen=True)
class Event:
    """A line, when it is written, and what it adds to the truth."""

    time_ms: float
    line: str
    effect: Effect | None = None


def generate(count: int, path: Path, *, seed: int = 7, concurrency: int = 50, dirty: float = 0.0) -> Truth:
    """Write ``count`` lines to ``path`` and give the truth about them.

    ``concurrency`` requests are under way at any time. ``dirty`` is the share of lines replaced by text that is not
    JSON; these add nothing to the truth but themselves. The last requests are cut off by the end of the file.
    """
    truth = Truth()
    with path.open("w", buffering=1 << 20, encoding="utf-8", newline="\n") as file:
        for line, effect in _Application(seed).lines(count, concurrency, dirty):
            file.write(line)
            file.write("\n")
            truth.lines += 1
            truth.bytes += len(line) + 1
            if effect is not None:
                effect(truth)
    return truth


class _Application:
    """The application that writes the log: its requests, all drawn from one source of chance."""

    def __init__(self, seed: int) -> None:
        self._chance = chance = random.Random(seed)
        self._addresses = [
            f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}" for _ in range(_ADDRESSES)
        ]
        self._pending: list[tuple[float, int, Event, bool]] = []
        self._number = 0

    def lines(self, count: int, concurrency: int, dirty: float) -> Iterator[tuple[str, Effect | None]]:
        """Give lines in the order of their times, each with what it adds to the truth."""
        chance = self._chance
        for _ in range(concurrency):
            self._begin(chance.uniform(0, _FIRST_STARTS_MS))
        for _ in range(count):
            time_ms, _, event, is_last = heapq.heappop(self._pending)
            if dirty and chance.random() < dirty:
                yield _DIRTY_PREFIX + event.line[:_DIRTY_CHARACTERS], None
            else:
                yield event.line, event.effect
            if is_last:
                self._begin(time_ms + chance.expovariate(1 / _PAUSE_MS))

    def _begin(self, time_ms: float) -> None:
        events = _Request(self._chance, self._addresses, time_ms).events()
        for index, event in enumerate(events, 1):
            heapq.heappush(self._pending, (event.time_ms, self._number, event, index == len(events)))
            self._number += 1


class _Request:
    """One request, from its first line to its last."""

    def __init__(self, chance: random.Random, addresses: list[str], time_ms: float) -> None:
        self._chance = chance
        self._began_ms = self._now_ms = time_ms
        self._events: list[Event] = []
        self._method, self._path, _, self._calls = chance.choices(ROUTES, _WEIGHTS)[0]
        self._id = self._uuid()
        self._user = {"user_id": chance.choice(USERS)}
        self._address = chance.choice(addresses)
        self._fails = chance.random() < FAILING_SHARE

    def events(self) -> list[Event]:
        """Draw the request's lines, in order."""
        chance = self._chance
        self._start()
        self._query("SELECT", chance.choice(TABLES))
        if self._calls:
            self._call()
        else:
            self._query("SELECT", chance.choice(TABLES))
        if self._fails:
            self._fail()
        else:
            self._query("INSERT" if self._method == "POST" else "UPDATE", chance.choice(TABLES[:3]))
        self._end()
        return self._events

    def _start(self) -> None:
        context = {
            "method": self._method,
            "path": self._path,
            **self._user,
            "client_ip": self._address,
            "user_agent": self._chance.choice(USER_AGENTS),
            "content_length": self._chance.randrange(120, 9000),
        }
        self._log("autoforge.middleware", "Request started", context)

    def _query(self, operation: str, table: str) -> None:
        duration = round(self._chance.lognormvariate(2.3, 1.3), 3)
        self._now_ms += duration + self._chance.uniform(0.2, 3)
        is_slow = duration > SLOW_QUERY_MS
        context = {
            "query_id": self._uuid(),
            "operation": operation,
            "table": table,
            "duration_ms": duration,
            "rows": self._chance.randrange(0, 200),
            **self._user,
            "statement": f"{operation} {table} WHERE tenant_id = $1 AND deleted_at IS NULL",
        }
        key = f"{operation}|{table}"

        def effect(truth: Truth) -> None:
            truth.db_dur_count[key] += 1
            truth.db_dur_sum[key] = truth.db_dur_sum.get(key, 0.0) + duration
            if is_slow:
                truth.db_slow_total[table] += 1

        self._log("autoforge.db", "Query executed", context, effect, level="WARNING" if is_slow else "INFO")

    def _call(self) -> None:
        chance = self._chance
        provider, model, input_price, output_price = chance.choice(MODELS)
        call = {"call_id": self._uuid(), "provider": provider, "model": model}
        self._now_ms += chance.uniform(0.5, 4)
        input_tokens = chance.randrange(80, 6000)
        context = {
            **call,
            "prompt_tokens_estimate": input_tokens + chance.randrange(-9, 9),
            "temperature": 0.7,
            "max_tokens": 2048,
            "stream": chance.random() < _STREAMING_SHARE,
            "attempt": 1,
            **self._user,
        }
        self._log("autoforge.llm", "LLM call started", context)
        duration = round(chance.lognormvariate(6.8, 0.7), 3)
        self._now_ms += duration
        if self._fails:
            return
        output_tokens = chance.randrange(10, 2000)
        cost = round(input_tokens * input_price / 1e6 + output_tokens * output_price / 1e6, 6)
        context = {
            **call,
            "duration_ms": duration,
            "prompt_tokens": input_tokens,
            "completion_tokens": output_tokens,
            "cost": cost,
            "finish_reason": "stop",
            **self._user,
        }
        key = f"{provider}|{model}"

        def effect(truth: Truth) -> None:
            truth.llm_tokens_total[f"{key}|prompt"] += input_tokens
            truth.llm_tokens_total[f"{key}|completion"] += output_tokens
            truth.llm_cost_total[key] = truth.llm_cost_total.get(key, 0.0) + cost
            truth.llm_dur_count[key] += 1

        self._log("autoforge.llm", "LLM call completed", context, effect)

    def _fail(self) -> None:
        chance = self._chance
        self._now_ms += chance.uniform(0.1, 2)
        logger = "autoforge.llm" if self._calls else "autoforge.db"
        traceback = TRACEBACK % (chance.randrange(20, 400), chance.choice(EXCEPTIONS))

        def effect(truth: Truth) -> None:
            truth.errors_total[logger] += 1

        message = "LLM call failed" if self._calls else "Query failed"
        context = {"error_type": "upstream", **self._user}
        self._log(logger, message, context, effect, level="ERROR", traceback=traceback)

    def _end(self) -> None:
        chance = self._chance
        self._now_ms += chance.uniform(0.1, 2)
        status = chance.choice(_FAILED_STATUSES) if self._fails else _CREATED if self._method == "POST" else _OK
        duration = round(self._now_ms - self._began_ms, 3)
        context = {
            "method": self._method,
            "path": self._path,
            "status_code": status,
            "duration_ms": duration,
            **self._user,
            "client_ip": self._address,
            "response_bytes": chance.randrange(100, 40000),
        }
        key = f"{self._method}|{self._path}"

        def effect(truth: Truth) -> None:
            truth.http_requests_total[f"{key}|{status}"] += 1
            truth.http_dur_count[key] += 1
            truth.http_dur_sum[key] = truth.http_dur_sum.get(key, 0.0) + duration
            if duration <= ONE_SECOND_MS:
                truth.http_dur_le_1000[key] += 1

        self._log("autoforge.middleware", "Request completed", context, effect)

    def _log(  # noqa: PLR0913 - the parts of a log line
        self,
        logger: str,
        message: str,
        context: dict[str, Any],
        effect: Effect | None = None,
        *,
        level: str = "INFO",
        traceback: str = "",
    ) -> None:
        moment = BEGIN + timedelta(milliseconds=self._now_ms)
        record: dict[str, Any] = {
            "asctime": f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}",
            "name": logger,
            "levelname": level,
            "message": message,
            "module": logger.rsplit(".", 1)[-1],
            "process": _PROCESS,
            "context": {"request_id": self._id, "timestamp": moment.isoformat(timespec="microseconds"), **context},
        }
        if traceback:
            record["exc_info"] = traceback
        self._events.append(Event(self._now_ms, json.dumps(record), effect))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def main() -> None:
    """Write a log and, beside it, its truth."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("count", type=int, help="number of lines")
    parser.add_argument("path", type=Path, help="the log; its truth is PATH.truth.json")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=50, help="requests under way at any time")
    parser.add_argument("--dirty", type=float, default=0.0, help="share of lines that are not JSON")
    given = parser.parse_args()
    truth = generate(given.count, given.path, seed=given.seed, concurrency=given.concurrency, dirty=given.dirty)
    truth.write(given.path.with_name(f"{given.path.name}.truth.json"))
    print(f"{truth.lines} lines, {truth.bytes} bytes")


if __name__ == "__main__":
    main()
