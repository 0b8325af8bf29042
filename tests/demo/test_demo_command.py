"""``logagent demo``: how long it runs, and what it says of alerts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from logagent.cli import demo
from logagent.cli.demo_text import AlertLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest


def alert(name: str = "Budget", state: str = "firing", **labels: str) -> dict[str, object]:
    return {"name": name, "state": state, "labels": labels, "summary": f"at {labels.get('threshold', '')}"}


def lines(log: AlertLog, *alerts: Mapping[str, object]) -> list[str]:
    return [line for _, line in log.news(alerts)]


def test_of_two_thresholds_crossed_at_once_only_the_highest_is_told() -> None:
    both = (
        alert(threshold="0.9", severity="warning", period="2026-11"),
        alert(threshold="1", severity="critical", period="2026-11"),
        alert(threshold="0.5", severity="warning", period="2026-11"),
    )
    log = AlertLog()
    assert lines(log, *both) == ["firing  Budget: at 1"]
    assert lines(log, *both) == []


def test_thresholds_crossed_one_after_the_other_are_each_told() -> None:
    half, most = alert(threshold="0.5"), alert(threshold="0.9")
    log = AlertLog()
    assert lines(log, half) == ["firing  Budget: at 0.5"]
    assert lines(log, half, most) == ["firing  Budget: at 0.9"]


def test_thresholds_of_different_groups_and_alerts_without_any_are_all_told() -> None:
    alerts = (
        alert(threshold="0.5", provider="a"), alert(threshold="0.9", provider="b"), alert("Slow", table="x"),
        alert("Slow", table="y"),
    )  # fmt: skip
    assert len(lines(AlertLog(), *alerts)) == 4


def test_the_end_of_several_thresholds_is_told_once() -> None:
    log = AlertLog()
    lines(log, alert(threshold="0.5"), alert(threshold="0.9"))
    assert lines(log) == ["resolved  Budget"]


class View:
    """Totals that are complete after some looks."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def totals(self) -> Mapping[str, object]:
        self._looks -= 1
        return {} if self._looks >= 0 else {"requests": 1, "llm_calls": 1, "queries": 1}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)

    def alerts(self) -> Sequence[Mapping[str, object]]:
        return []


async def test_a_short_duration_is_prolonged_until_each_kind_of_span_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LOOK_SECONDS", 0.0)
    view, stop = View(looks=5), asyncio.Event()
    await demo._end(0.0, view, stop)
    assert stop.is_set()
    assert view._looks < 0


async def test_what_never_comes_is_waited_for_no_longer_than_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(demo, "GRACE_SECONDS", 0.01)
    stop = asyncio.Event()
    await demo._end(0.0, View(looks=10**9), stop)
    assert stop.is_set()


def test_a_duration_of_a_moment_shows_requests_calls_and_queries_and_ends_well() -> None:
    command = [sys.executable, "-c", "from logagent.cli import main; main()", "demo", "--duration", "1s", "--port", "0"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    last = done.stdout.splitlines()[-1]
    assert " 0 requests" not in last
    assert " 0 LLM calls" not in last
    assert " 0 queries" not in last
    assert time.monotonic() - began < demo.GRACE_SECONDS + 60
