from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from logagent.demo import providers
from logagent.demo.application import Options, serve
from logagent.demo.dialect import DialectFormatter, close_log, open_log
from logagent.demo.providers import OperationalError, Providers, RateLimitError
from logagent.demo.traffic import VISITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENVELOPE = ["asctime", "name", "levelname", "message", "pathname", "lineno", "funcName", "process", "thread"]
REQUEST = ["request_id", "timestamp", "method", "path", "query_params", "headers", "client_ip", "user_agent"]
LLM = ["call_id", "provider", "model", "user_id", "session_id", "timestamp", "prompt_length"]
QUERY = ["query_id", "operation", "table", "user_id", "timestamp"]
ENDED = [*REQUEST, "status_code", "duration_ms", "response_headers"]
FAILED = ["duration_ms", "error", "error_type"]
HTTP_METRIC = ["timestamp", "type", "method", "endpoint", "status_code", "duration_ms", "environment"]
LLM_METRIC = ["timestamp", "type", "provider", "model", "tokens_used", "cost_usd", "duration_ms", "environment"]
KEYS = {
    "Request started": REQUEST,
    "Request completed successfully": ENDED,
    "Request completed with error": ENDED,
    "Request failed with exception": [*REQUEST, *FAILED],
    "LLM call started": LLM,
    "LLM call completed": [*LLM, "duration_ms"],
    "LLM call failed": [*LLM, *FAILED],
    "LLM response recorded": ["call_id", "response_length", "tokens_used", "cost_usd", "metadata"],
    "Database query started": QUERY,
    "Database query completed": [*QUERY, "duration_ms"],
    "Slow database query detected": [*QUERY, "duration_ms"],
    "Database query failed": [*QUERY, *FAILED],
    "Request metric": HTTP_METRIC,
    "LLM metric": LLM_METRIC,
    "Error metric": ["timestamp", "type", "error_type", "error_message", "stack_trace", "environment"],
}
WITH_TRACEBACK = {"Request failed with exception", "LLM call failed", "Database query failed"}


def lines_of(directory: Path) -> list[str]:
    files = sorted(directory.glob("app.log*"), key=lambda path: path.name, reverse=True)
    return [line for file in files for line in file.read_text().splitlines()]


def objects_of(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(directory) if line.startswith("{")]


async def run_until(directory: Path, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Run the application on a fast clock until its log holds enough; gives the log's objects."""
    stop = asyncio.Event()
    given = Options(directory / "app.log", pace=0.02, think_seconds=0.01)
    running = asyncio.create_task(serve(given, stop))
    async with asyncio.timeout(30):
        while not running.done() and not enough(objects_of(directory)):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.05)
    stop.set()
    assert await running > 0
    return objects_of(directory)


def messages(objects: list[dict[str, Any]]) -> set[str]:
    return {line["message"] for line in objects}


async def test_every_line_has_the_keys_of_the_dialect_in_their_order(tmp_path: Path) -> None:
    objects = await run_until(tmp_path, lambda lines: len(lines) > 300)
    for line in objects:
        extra = "metric" if line["message"].endswith(" metric") else "context"
        trace = ["exc_info"] if line["message"] in WITH_TRACEBACK else []
        assert list(line) == [*ENVELOPE, *trace, extra]
        assert list(line[extra]) == KEYS[line["message"]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", line["asctime"])


async def test_the_traffic_reaches_every_endpoint_at_once(tmp_path: Path) -> None:
    objects = await run_until(
        tmp_path, lambda lines: sum(line["message"] == "Request metric" for line in lines) > len(VISITS)
    )
    seen = {
        re.sub(r"/\d+$", "/{id}", line["context"]["path"]) for line in objects if line["message"] == "Request started"
    }
    assert {visit.path for visit in VISITS} <= seen


async def test_a_start_and_its_end_share_an_id_and_a_timestamp(tmp_path: Path) -> None:
    objects = await run_until(tmp_path, lambda lines: len(lines) > 100)
    started = {
        line["context"]["request_id"]: line["context"] for line in objects if line["message"] == "Request started"
    }
    ended = [line["context"] for line in objects if line["message"] == "Request completed successfully"]
    assert ended
    for context in ended:
        assert context["timestamp"] == started[context["request_id"]]["timestamp"]
        assert str(UUID(context["request_id"])) == context["request_id"]


async def test_secrets_of_a_request_are_not_logged(tmp_path: Path) -> None:
    objects = await run_until(tmp_path, lambda lines: len(lines) > 50)
    headers = [line["context"]["headers"] for line in objects if line["message"] == "Request started"]
    assert {header["authorization"] for header in headers} == {"[REDACTED]"}


async def test_a_streamed_answer_is_logged_as_completed_before_its_call_begins(tmp_path: Path) -> None:
    objects = await run_until(tmp_path, lambda lines: "Request metric" in messages(lines) and len(lines) > 60)
    paths = [(line["message"], line.get("context", {}).get("path")) for line in objects]
    end = paths.index(("Request completed successfully", "/api/v1/stream"))
    assert objects[end + 1]["message"] == "LLM call started"


async def test_an_evaluation_makes_three_calls_at_once(tmp_path: Path) -> None:
    objects = await run_until(tmp_path, lambda lines: len(lines) > 80)
    names = " ".join(line["message"] for line in objects)
    assert "LLM call started LLM call started LLM call started" in names


async def test_a_failing_provider_is_told_by_call_metric_and_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "RATE_LIMITED", 1.0)
    objects = await run_until(tmp_path, lambda lines: "Request failed with exception" in messages(lines))
    failed = [line for line in objects if line["levelname"] == "ERROR"]
    assert {line["message"] for line in failed} == {"LLM call failed", "Error metric", "Request failed with exception"}
    assert {line["metric"]["error_type"] for line in failed if "metric" in line} == {
        "LLM_RateLimitError",
        "RateLimitError",
    }
    assert all("Traceback (most recent call last)" in line["exc_info"] for line in failed if "exc_info" in line)
    text = "\n".join(lines_of(tmp_path))
    assert 'HTTP/1.1" 500 Internal Server Error' in text
    assert "\nTraceback (most recent call last):" in text


async def test_the_log_is_renamed_and_begun_anew_without_losing_a_line(tmp_path: Path) -> None:
    handler = open_log(tmp_path / "app.log", rotate_bytes=2000)
    logger = logging.getLogger("autoforgenexus.observability")
    for number in range(12):
        logger.info("Request started", extra={"context": {"request_id": str(number)}})
    close_log(handler)
    assert (tmp_path / "app.log.1").exists()
    assert [line["context"]["request_id"] for line in objects_of(tmp_path)] == [str(number) for number in range(12)]


def test_text_that_is_not_ascii_is_escaped_as_the_dialect_does() -> None:
    record = logging.LogRecord("autoforgenexus.llm", logging.INFO, "f.py", 1, "改善", None, None)
    assert "\\u6539\\u5584" in DialectFormatter().format(record)


@pytest.fixture
def quiet_log(tmp_path: Path) -> Any:
    handler = open_log(tmp_path / "app.log")
    yield
    close_log(handler)


@pytest.mark.usefixtures("quiet_log")
async def test_a_query_can_be_slow_or_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "LOCKED", 1.0)
    with pytest.raises(OperationalError):
        await Providers(Random(1), 0.001).query("SELECT", "users", None)
    monkeypatch.setattr(providers, "LOCKED", 0.0)
    monkeypatch.setattr(providers, "SLOW", 1.0)
    await Providers(Random(1), 0.001).query("SELECT", "users", None)
    ends = [
        line["message"] for line in objects_of(tmp_path) if line["message"].startswith(("Slow", "Database query f"))
    ]
    assert ends == ["Database query failed", "Slow database query detected"]


@pytest.mark.usefixtures("quiet_log")
async def test_the_same_seed_gives_the_same_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "RATE_LIMITED", 0.2)

    async def story() -> list[str]:
        fakes, told = Providers(Random(4), 0.0), []
        for _ in range(30):
            model = fakes.any_model()
            try:
                told.append(model.name + await fakes.complete(model, "prompt", None, None))
            except RateLimitError as error:
                told.append(str(error))
        return told

    assert await story() == await story()


async def test_it_ends_when_the_one_that_started_it_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "logagent.demo.application", "--log", str(log), "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    async with asyncio.timeout(30):
        while not (log.exists() and "Uvicorn running" in log.read_text()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        process.stdin.close()
        _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
