"""Lines as the AutoForgeNexus backend writes them, in any order that hypothesis likes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN_MS = 1_763_804_612_000
UUIDS = {
    kind: [f"{digit}{number}a2de0-b803-48d9-a2d1-3f336d14025{number}" for number in range(4)]
    for digit, kind in (("c81", "request"), ("d72", "llm"), ("e63", "query"))
}
LOGGERS = {"request": "observability", "llm": "llm", "query": "database"}
TRACEBACK = 'Traceback (most recent call last):\n  File "/app/a.py", line 3, in f\n    call()\n{type}: {message}'


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="microseconds")


def line(ms: int, logger: str, message: str, *, level: str = "INFO", process: int = 4536, **extra: Any) -> bytes:
    """One line of the application, written at a time in milliseconds since the epoch."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    data = {
        "asctime": f"{moment:%Y-%m-%d %H:%M:%S},{ms % 1000:03d}",
        "name": logger if "." in logger else f"autoforgenexus.{logger}",
        "levelname": level,
        "message": message,
        "process": process,
        **extra,
    }
    return json.dumps(data).encode()


def hour_of_lines() -> list[bytes]:
    """A line every ten seconds; from the 15th minute to the 35th every other one is an error."""
    lines = []
    for number in range(360):
        bad = 90 <= number < 210 and number % 2 == 0
        lines.append(line(BEGIN_MS + number * 10_000, "app", "hello", level="ERROR" if bad else "INFO"))
    return lines


def context_of(kind: str, number: int, ms: int) -> dict[str, Any]:
    """What the start line of a span says."""
    entity = UUIDS[kind][number]
    if kind == "request":
        path = f"/api/v1/prompts/{number % 2}"
        own: dict[str, Any] = {
            "request_id": entity,
            "method": "GET",
            "path": path,
            "headers": {"cookie": "a=b", "x-n": str(number)},
        }
    elif kind == "llm":
        own = {"call_id": entity, "provider": "openai", "model": f"gpt-4o{'-mini' * (number % 2)}", "user_id": None}
    else:
        own = {"query_id": entity, "operation": "SELECT", "table": ["prompts", "users"][number % 2]}
    return {**own, "timestamp": iso(ms)}


START = {"request": "Request started", "llm": "LLM call started", "query": "Database query started"}
END = {"request": "Request completed successfully", "llm": "LLM call completed", "query": "Database query completed"}
FAIL = {"request": "Request failed with exception", "llm": "LLM call failed", "query": "Database query failed"}


class Application:
    """Remembers when its spans began, as the real one does."""

    def __init__(self) -> None:
        self.began: dict[tuple[str, int], int] = {}

    def start(self, kind: str, number: int, ms: int, process: int) -> bytes:
        self.began[kind, number] = ms
        task = f"Task-{ms % 7}"
        return line(
            ms, LOGGERS[kind], START[kind], process=process, context=context_of(kind, number, ms), taskName=task
        )

    def _ending(self, kind: str, number: int, ms: int) -> dict[str, Any]:
        began = self.began.get((kind, number), ms - 7)
        return {**context_of(kind, number, began), "duration_ms": max(ms - began, 0) + 0.1 * number + 0.0007}

    def end(self, kind: str, number: int, ms: int, process: int) -> bytes:
        context = self._ending(kind, number, ms)
        if kind == "request":
            context |= {"status_code": [200, 404, 503, 200][number], "response_headers": {"n": number}}
        task = f"Task-{ms % 5}"
        level = "WARNING" if kind == "query" else "INFO"
        return line(ms, LOGGERS[kind], END[kind], level=level, process=process, context=context, taskName=task)

    def fail(self, kind: str, number: int, ms: int, process: int) -> bytes:
        error = ["TimeoutError", "ValueError"][number % 2]
        context = {**self._ending(kind, number, ms), "error": f"no {number} password=hunter2", "error_type": error}
        trace = TRACEBACK.format(type=error, message=context["error"])
        return line(ms, LOGGERS[kind], FAIL[kind], level="ERROR", process=process, context=context, exc_info=trace)

    def metric(self, kind: str, number: int, ms: int, process: int) -> bytes:
        duration = self._ending(kind, number, ms)["duration_ms"]
        if kind == "request":
            metric: dict[str, Any] = {
                "method": "GET", "endpoint": f"/api/v1/prompts/{number % 2}", "status_code": 200, "duration_ms": duration,
            }  # fmt: skip
            return line(ms, "monitoring", "Request metric", process=process, metric=metric)
        if kind == "llm":
            model = f"gpt-4o{'-mini' * (number % 2)}"
            metric = {"provider": "openai", "model": model, "tokens_used": 17, "cost_usd": 0.1, "duration_ms": duration}
            return line(ms, "monitoring", "LLM metric", process=process, metric=metric)
        error = ["DB_", ""][number // 2] + ["TimeoutError", "ValueError"][number % 2]
        metric = {"error_type": error, "error_message": f"no {number}", "environment": "test"}
        return line(ms, "monitoring", "Error metric", level="ERROR", process=process, metric=metric)

    def recorded(self, _: str, number: int, ms: int, process: int) -> bytes:
        context = {
            "call_id": UUIDS["llm"][number], "response_length": 5, "tokens_used": 100 + number,
            "cost_usd": 0.1 * (number + 1), "metadata": {"finish_reason": "stop", "temperature": 0.7, "x": ms % 3},
        }  # fmt: skip
        return line(ms, "llm", "LLM response recorded", process=process, context=context)

    def remark(self, kind: str, number: int, ms: int, process: int) -> bytes:
        context = {"request_id": UUIDS["request"][number], "why": kind, "step": ms % 11}
        return line(ms, "src.domain.events", f"Handler for {kind}", process=process, context=context)

    def nameless(self, kind: str, number: int, ms: int, process: int) -> bytes:
        """An end line that lost its span's id; some are equal."""
        data = json.loads(self.end(kind, number % 2, ms, process))
        data["context"][{"request": "request_id", "llm": "call_id", "query": "query_id"}[kind]] = [None, "-"][
            number % 2
        ]
        return json.dumps(data).encode()

    def odd(self, kind: str, number: int, ms: int, process: int) -> bytes:
        """What a mixed stream also holds, some of it broken."""
        started = self.start(kind, number, ms, process)
        return [
            b'INFO:     127.0.0.1:0 - "GET / HTTP/1.1" 200 OK',
            started[:-1] + b', "score": NaN, "far": 1e999, "big": 18446744073709551615}',
            started[: len(started) // 2],
            started.replace(b"{", b'{"note": "caf\xe9", ', 1),
        ][number]


_ACTIONS = ("start", "start", "end", "end", "fail", "metric", "recorded", "remark", "odd", "nameless")
_STEPS = (0, 0, 0, 1, 3, 40, 700, 1_100, 2_500, 6_000, 61_000, 901_000, -2, -1_500)

moves = st.tuples(
    st.sampled_from(_ACTIONS),
    st.sampled_from(["request", "llm", "query"]),
    st.integers(0, 3),
    st.sampled_from(_STEPS),
    st.sampled_from([4536, 4537]),
)


def written(moves_made: list[tuple[str, str, int, int, int]]) -> list[bytes]:
    """The lines of some moves."""
    application = Application()
    lines = []
    ms = BEGIN_MS
    for action, kind, number, step, process in moves_made:
        ms += step
        write: Callable[[str, int, int, int], bytes] = getattr(application, action)
        lines.append(write(kind, number, ms, process))
    return lines


_STORIES: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        ("start", "request"),
        ("start", "llm"),
        ("end", "llm"),
        ("end", "request"),
        ("metric", "llm"),
        ("remark", "request"),
    ),
    (
        ("start", "request"),
        ("start", "llm"),
        ("end", "llm"),
        ("recorded", "llm"),
        ("metric", "request"),
        ("end", "request"),
    ),
    (
        ("start", "request"),
        ("start", "query"),
        ("remark", "request"),
        ("end", "query"),
        ("end", "request"),
        ("odd", "llm"),
    ),
    (
        ("start", "request"),
        ("start", "llm"),
        ("fail", "llm"),
        ("metric", "query"),
        ("fail", "request"),
        ("metric", "query"),
    ),
    (
        ("metric", "request"),
        ("end", "request"),
        ("end", "llm"),
        ("metric", "llm"),
        ("recorded", "llm"),
        ("remark", "llm"),
    ),
)
"""What requests really do: each of these goes on in its order, while others go on between its lines."""


@st.composite
def _interleaved(draw: st.DrawFn) -> list[bytes]:
    stories = draw(st.lists(st.sampled_from(_STORIES), min_size=1, max_size=4))
    processes = draw(st.lists(st.sampled_from([4536, 4537]), min_size=4, max_size=4))
    turns = draw(st.permutations([number for number, story in enumerate(stories) for _ in story]))
    left = [list(story) for story in stories]
    made = []
    for number in turns:
        action, kind = left[number].pop(0)
        step = draw(st.sampled_from([0, 0, 1, 40, 900, 2_500]))
        made.append((action, kind, number, step, processes[number]))
    return written(made)


logs = st.lists(moves, min_size=1, max_size=60).map(written) | _interleaved()
