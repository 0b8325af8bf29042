from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
import tomllib
import urllib.request
from typing import TYPE_CHECKING

import psutil
import pytest

from logagent.cli import demo_show
from logagent.cli.demo_show import Show
from logagent.cli.demo_text import AlertLog, introduction, missing, status_line
from logagent.demo.stage import HOST, Workers, free_port, write_configuration
from logagent.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TOTALS: dict[str, object] = {
    "lines": 1234,
    "requests": 50,
    "llm_calls": 40,
    "queries": 90,
    "errors": 2,
    "cost_usd": 0.1234,
}
ALERT: dict[str, object] = {
    "name": "Budget",
    "state": "firing",
    "labels": {"at": "50%"},
    "summary": "half is \x1b[31mspent",
}


class FakeView:
    """As much of an agent as is shown."""

    def __init__(self, totals: Mapping[str, object], alerts: Sequence[Mapping[str, object]] = ()) -> None:
        self._totals, self.rows = totals, alerts

    def totals(self) -> Mapping[str, object]:
        return self._totals

    def alerts(self) -> Sequence[Mapping[str, object]]:
        return self.rows


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_configuration_is_valid_and_reads_only_the_workers_logs(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, 9464)
    settings = load_settings(path, {})
    assert list(settings.receivers) == ["app"]
    assert settings.exporters["prometheus"].address == (HOST, 9464)
    (budget,) = tomllib.loads((tmp_path / "rules" / "demo.toml").read_text())["budget"]
    assert budget["thresholds"] == [0.5, 0.9, {"at": 1.0, "severity": "critical"}]
    assert budget["summary"].startswith("{{ share | percent }} of")


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
    assert free_port(0) != 0


async def test_workers_write_a_log_each_and_all_end(tmp_path: Path) -> None:
    write_configuration(tmp_path, 9464)
    workers = Workers(tmp_path, 2)
    await workers.start()
    identities = [process.pid for process in workers._processes]
    async with asyncio.timeout(30):
        while not all(workers.log(n).exists() and "Request started" in workers.log(n).read_text() for n in (1, 2)):  # noqa: ASYNC110 - other processes write them
            await asyncio.sleep(0.05)
    await workers.stop()
    assert not any(psutil.pid_exists(identity) for identity in identities)


def test_the_status_says_what_was_found_and_a_dash_where_nothing_is_known() -> None:
    line = status_line(75, TOTALS, 1)
    assert line == "01:15  1,234 lines · 50 requests · 40 LLM calls · 90 queries · 2 errors · $0.1234 · 1 alert firing"
    assert "0 requests" not in status_line(0, {}, 0)


def test_what_was_not_found_is_named() -> None:
    assert missing(TOTALS) == []
    assert missing({"requests": 3, "llm_calls": 0}) == ["LLM calls", "queries"]


def test_the_introduction_names_page_metrics_and_three_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["logagent"])
    text = introduction("http://127.0.0.1:9464", tmp_path)
    assert "  page      http://127.0.0.1:9464/" in text
    assert sum(line.startswith(("  logagent ", "  curl ")) for line in text) == 3


def test_an_alert_is_told_when_it_changes_and_when_it_is_gone() -> None:
    log = AlertLog()
    assert log.news([ALERT]) == [("firing", r"firing  Budget: half is \x1b[31mspent")]
    assert log.news([ALERT]) == []
    assert log.news([]) == [("resolved", "resolved  Budget")]


async def test_in_a_pipe_alerts_and_status_are_plain_lines() -> None:
    stream, stop = io.StringIO(), asyncio.Event()
    show = Show(FakeView(TOTALS, [ALERT]), stream)  # type: ignore[arg-type]
    stop.set()
    await show.run(stop)
    show.finish()
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("✗ firing  Budget: half is")
    assert lines[1].startswith("00:00  1,234 lines")
    assert "\x1b" not in stream.getvalue()


async def test_on_a_terminal_the_status_is_written_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_show, "EVERY_SECONDS_ON_TERMINAL", 0.01)
    monkeypatch.setenv("COLUMNS", "40")
    stream, stop = Terminal(), asyncio.Event()
    show = Show(FakeView(TOTALS), stream)  # type: ignore[arg-type]
    asyncio.get_running_loop().call_later(0.1, stop.set)
    await show.run(stop)
    show.finish()
    statuses = stream.getvalue().removesuffix("\n").split("\r\x1b[2K")[1:]
    assert len(statuses) > 1
    assert all(len(status) <= 39 and "\n" not in status for status in statuses)


@pytest.mark.parametrize("end", ["duration", "terminate"])
def test_the_whole_demonstration_finds_everything_and_leaves_nothing_behind(tmp_path: Path, end: str) -> None:
    pytest.importorskip("logagent.agent")
    arguments = ["demo", "--port", str(free_port(0)), "--duration", "12s" if end == "duration" else "10m"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from logagent.cli import main; main()", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if " lines · " in line:
            break
    address = next(line.split()[1] for line in read if line.startswith("  metrics"))
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert b"demo_http_requests_total" in answer.read()
    children = psutil.Process(process.pid).children(recursive=True)
    if end == "terminate":
        process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert not any(child.is_running() for child in children)
