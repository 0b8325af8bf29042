"""The agent as a whole, in this process: what it shows, sums up, tells and leaves behind."""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from agent_harness import LINES, RECORDS, Harness, ScriptedExporter, broken, free_port, plain, query, settings_of

from logagent import agent as agent_module
from logagent.model import Outcome
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


async def test_a_scrape_shows_what_was_read_because_it_commits_first(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "COMMIT_SECONDS", 3600.0)
    async with harness.running():
        harness.receiver.send(plain(25))
        await harness.until(lambda: harness.receiver.emitted == 25, "all is read")
        kept = harness.agent.committer.ledger.load("telemetry")
        assert not any(LINES in key for key in kept)
        assert await harness.scraped(LINES) == 25
        kept = harness.agent.committer.ledger.load("telemetry")
        assert any(LINES in key for key in kept)


async def test_the_textfile_is_what_was_committed(harness: Harness) -> None:
    async with harness.running():
        harness.receiver.send(plain(25))
        await harness.until_shown(LINES, 25)
        switch = harness.refuse_commits("the disk is full")
        harness.receiver.send(plain(5, first=25))
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        assert harness.processed(LINES) > 25
        assert harness.shown(LINES) == 25
        switch.clear()
        await harness.until_shown(LINES, 30)


async def test_a_kill_at_any_commit_takes_no_counter_back_and_loses_no_line(harness: Harness, tmp_path: Path) -> None:
    shown = 0.0
    for kill in range(4):
        harness.begin(plain(100))
        async with harness.running():
            assert await harness.scraped(LINES) >= shown
            await harness.until(lambda goal=25 * kill: harness.receiver.emitted > goal, "it reads")
            shown = await harness.scraped(LINES)
            # What a kill leaves: the files as they are after some commit.
            shutil.copytree(harness.state, tmp_path / "killed", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        shutil.rmtree(harness.state)
        (tmp_path / "killed").rename(harness.state)
    harness.begin(plain(100))
    await harness.once()
    assert (harness.shown(LINES), harness.shown(RECORDS)) == (100, 100)


async def test_with_nothing_to_commit_the_textfile_is_only_written_now_and_then(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "TEXTFILE_SECONDS", 3600.0)
    async with harness.running():
        harness.receiver.send(plain(5))
        await harness.until_shown(LINES, 5)
        written = harness.textfile.stat().st_mtime_ns
        await asyncio.sleep(5 * agent_module.COMMIT_SECONDS)
        assert harness.textfile.stat().st_mtime_ns == written
        harness.receiver.send(plain(5, first=5))
        await harness.until_shown(LINES, 10)
        monkeypatch.setattr(agent_module, "TEXTFILE_SECONDS", 0.0)
        harness.receiver.send(plain(5, first=10))
        await harness.until_shown(LINES, 15)
        written = harness.textfile.stat().st_mtime_ns
        await harness.until(lambda: harness.textfile.stat().st_mtime_ns > written, "it is written anew")


async def test_every_address_serves_and_all_are_closed_at_the_end(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    exporters = {f"p{port}": {"type": "prometheus", "listen": f"127.0.0.1:{port}"} for port in ports}
    harness = Harness(tmp_path, settings_of(tmp_path, exporters=exporters))
    async with harness.running(), aiohttp.ClientSession() as session:
        for port in ports:
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == 200
                assert 'logagent_config_reloads_total{outcome="success"} 1' in await answer.text()
    async with aiohttp.ClientSession() as session:
        for port in ports:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"http://127.0.0.1:{port}/metrics")


async def test_counters_without_labels_are_there_from_the_start(harness: Harness) -> None:
    await harness.once()
    lines = harness.textfile.read_text().splitlines()
    assert "logagent_ledger_set_aside_total 0.0" in lines
    assert "logagent_commits_failed_total 0.0" in lines


async def test_a_single_pass_sums_up_what_it_did(harness: Harness) -> None:
    harness.begin([*plain(12), query(1), query(2, duration_ms=3.0), b"\0\0"])
    summary = await harness.once()
    assert (summary.lines, summary.records, summary.spans, summary.alerts) == (15, 15, 2, 1)
    assert (summary.dropped, summary.undelivered, summary.problems) == (0, 0, [])
    assert summary.seconds > 0


async def test_a_single_pass_goes_on_where_the_ledger_left_it(harness: Harness) -> None:
    harness.begin(plain(12))
    await harness.once()
    harness.begin(plain(20))
    summary = await harness.once()
    assert (harness.receiver.restored, summary.lines) == (12, 8)
    assert harness.shown(LINES) == 20


async def test_what_was_dropped_before_is_not_in_the_summary(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.begin(plain(5))
    monkeypatch.setattr(harness.agent.pipeline, "process", broken)
    assert (await harness.once()).dropped == 5
    harness.begin(plain(6))
    assert (await harness.once()).dropped == 0
    assert harness.shown("logagent_dropped_total") == 5


async def test_a_single_pass_whose_ledger_cannot_be_written_gives_up_and_loses_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "ONCE_FLUSH_SECONDS", 0.3)
    monkeypatch.setattr(agent_module, "COMMIT_SECONDS", 0.01)
    harness.begin(plain(1000))
    harness.receiver._size = 1

    async def refuse(_: object) -> float:
        raise LedgerError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", lambda _self, changes: refuse(changes))
        summary = await harness.once()
    assert summary.problems == ["reading has waited for 0 s: the disk is full", "the disk is full"]
    assert summary.lines < 1000
    harness.begin(plain(1000))
    assert (await harness.once()).lines == 1000
    assert harness.shown(LINES) == 1000


async def test_a_single_pass_that_is_interrupted_leaves_open_spans_open(harness: Harness) -> None:
    stop = asyncio.Event()
    harness.begin(plain(1000))
    harness.receiver._size = 1
    closed: list[int] = []
    harness.agent.pipeline.close = lambda now: closed.append(now) or Outcome()  # type: ignore[func-returns-value,method-assign]
    running = asyncio.create_task(harness.agent.run(stop, once=True))
    await harness.until(lambda: harness.receiver.emitted > 3, "it reads")
    stop.set()
    summary = await running
    assert 3 < summary.lines < 1000
    assert closed == []
    assert harness.shown(LINES) == summary.lines


async def test_alerts_are_told_in_the_log_after_their_commit_and_once(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="logagent")
    async with harness.running():
        switch = harness.refuse_commits("the disk is full")
        harness.receiver.send([query(1, table='ru"n\u202es'), query(2, table='ru"n\u202es')])
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        assert "alert firing" not in caplog.text
        switch.clear()
        await harness.until_shown(LINES, 2)
        await harness.until(lambda: "alert firing" in caplog.text, "the alert is told")
        harness.receiver.send([query(3_600_000, duration_ms=1.0)])
        await harness.until(lambda: "alert resolved" in caplog.text, "its end is told")
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("alert ")]
    assert len(said) == 2
    assert said[0].startswith("alert firing: SlowQuery{")
    assert 'severity="warning"' in said[0]
    assert 'table="ru\\"n\\u202es"' in said[0]
    assert "}: Slow query: SELECT" in said[0]
    assert said[1].startswith("alert resolved: SlowQuery{")


async def test_a_textfile_that_cannot_be_written_is_told_once_and_degrades_health_until_it_can(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="logagent")
    async with harness.running():
        harness.receiver.send(plain(1))
        await harness.until_shown(LINES, 1)
        harness.textfile.unlink()
        harness.textfile.mkdir()
        await harness.until(lambda: harness.agent.textfiles[0].problem, "it cannot be written")
        health: Any = harness.agent.report.health()
        assert health["status"] == "degraded"
        assert health["textfiles"] == [
            {"path": str(harness.textfile), "problem": f"{harness.textfile}: Is a directory"}
        ]
        await asyncio.sleep(3 * agent_module.COMMIT_SECONDS)
        harness.textfile.rmdir()
        await harness.until_shown(LINES, 1)
        health = harness.agent.report.health()
        assert (health["status"], health["textfiles"][0]["problem"]) == ("ok", None)
    said = [record.getMessage() for record in caplog.records if record.name.endswith(".textfile")]
    assert said == [
        f"the textfile cannot be written: {harness.textfile}: Is a directory",
        f"the textfile {harness.textfile} can be written again",
    ]


async def test_a_graceful_stop_commits_and_delivers_what_was_read(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "COMMIT_SECONDS", 3600.0)
    exporter = ScriptedExporter("spans")
    harness.exporters = [exporter]
    harness.begin([query(number, duration_ms=1.0) for number in range(30)])
    async with harness.running():
        await harness.until(lambda: harness.receiver.emitted == 30, "all is read")
        assert exporter.delivered == []
    assert len(exporter.delivered) == 30
    assert harness.shown(LINES) == 30
    exported = 'logagent_exported_total{exporter="spans",signal="traces",outcome="delivered"}'
    assert harness.shown(exported) == 30
    harness.begin()
    await harness.once()
    assert harness.shown(exported) == 30


async def test_the_agent_is_not_ready_before_it_reads_nor_after_it_stops(harness: Harness) -> None:
    assert not harness.agent.report.ready()
    async with harness.running():
        assert harness.agent.report.ready()
    assert not harness.agent.report.ready()
