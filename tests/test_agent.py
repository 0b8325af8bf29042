"""The agent as a whole, in this process: what it shows, keeps, delivers and survives."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from agent_harness import LINES, RECORDS, Harness, ScriptedExporter, plain, query, settings_of, value_of

from logagent import agent as agent_module
from logagent.model import DeliveryOutcome, Outcome
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a small tmpfs")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def failing(harness: Harness, error: LedgerError) -> dict[str, bool]:
    """The agent's ledger refuses commits for as long as the returned switch is on."""
    ledger = harness.agent.committer.ledger
    write, switch = ledger.commit, {"on": True}

    async def commit(changes: Any) -> float:
        if switch["on"]:
            raise error
        return await write(changes)

    ledger.commit = commit  # type: ignore[method-assign]
    return switch


# -- what is shown -----------------------------------------------------------------------------------------


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
        switch = failing(harness, LedgerError("the disk is full"))
        harness.receiver.send(plain(5, first=25))
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        assert harness.processed(LINES) > 25
        assert harness.shown(LINES) == 25
        switch["on"] = False
        await harness.until_shown(LINES, 30)


async def test_a_kill_at_any_commit_takes_no_counter_back_and_loses_no_line(harness: Harness, tmp_path: Path) -> None:
    shown = 0.0
    for kill in range(4):
        harness.begin(plain(100))
        async with harness.running():
            assert await harness.scraped(LINES) >= shown
            while harness.receiver.emitted < 25 * (kill + 1) and harness.receiver.emitted < 90:
                await asyncio.sleep(0)
            shown = await harness.scraped(LINES)
            # What a kill leaves: the files as they are after some commit.
            shutil.copytree(harness.state, tmp_path / "killed", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        shutil.rmtree(harness.state)
        (tmp_path / "killed").rename(harness.state)
    harness.begin(plain(100))
    await harness.once()
    assert (harness.shown(LINES), harness.shown(RECORDS)) == (100, 100)


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


# -- a single pass -----------------------------------------------------------------------------------------


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


async def test_what_was_dropped_before_is_not_in_the_summary(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.begin(plain(5))
    monkeypatch.setattr(harness.agent.pipeline, "process", _raising)
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


# -- a ledger that fails -----------------------------------------------------------------------------------


async def test_while_the_ledger_cannot_be_written_reading_waits_and_health_says_so(tmp_path: Path) -> None:
    port = free_port()
    harness = Harness(tmp_path, settings_of(tmp_path, exporters={"prometheus": {"listen": f"127.0.0.1:{port}"}}))
    exporter = ScriptedExporter("spans")
    harness.exporters = [exporter]
    harness.begin()
    queries = [query(number, duration_ms=1.0) for number in range(200)]
    async with harness.running(), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        assert await statuses(session) == {"/readyz": 200, "/healthz": 200, "/metrics": 200}
        harness.receiver.send(queries[:20])
        await harness.until(lambda: len(exporter.delivered) == 20, "all is delivered")
        switch = failing(harness, LedgerError("the disk is full"))
        harness.receiver.send(queries[20:30])
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        harness.receiver.send(queries[30:])
        await asyncio.sleep(3 * agent_module.COMMIT_SECONDS)
        assert harness.receiver.emitted == 30
        assert await statuses(session) == {"/readyz": 503, "/healthz": 503, "/metrics": 503}
        async with session.get("/healthz") as answer:
            health = await answer.json()
        assert (health["status"], health["ledger"]["problem"]) == ("failed", "the disk is full")
        switch["on"] = False
        await harness.until(lambda: len(exporter.delivered) == 200, "all is delivered")
        assert len(set(exporter.delivered)) == 200
        assert await harness.scraped("db_queries_total") == 200
        assert await harness.scraped(LINES) == 200
        assert await statuses(session) == {"/readyz": 200, "/healthz": 200, "/metrics": 200}


async def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path, small_disk: Path) -> None:
    harness = Harness(tmp_path, settings_of(tmp_path, state={"dir": str(small_disk / "state")}))
    lines = [query(number, table=f"table{number}") for number in range(2000)]
    harness.begin(lines[:100])
    filler = small_disk / "filler"
    async with harness.running():
        await harness.until_shown(LINES, 100)
        with filler.open("wb") as file:
            file.write(bytes(free_bytes(small_disk)))
        harness.receiver.send(lines[100:])
        await harness.until(lambda: "disk" in harness.agent.committer.problem, "the disk is full")
        assert harness.shown(LINES) < 2000
        filler.unlink()
        await harness.until_shown(LINES, 2000)
    assert harness.shown("db_queries_total") == 2000
    harness.begin(lines)
    assert (await harness.once()).lines == 0


DAMAGES = {
    "overwritten": lambda path: path.write_bytes(os.urandom(200_000)),
    "overwritten in place": lambda path: overwrite(path),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "replaced": lambda path: (path.unlink(), path.write_bytes(b"garbage")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_ledger_that_becomes_corrupt_in_use_is_set_aside_and_no_counter_notices(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    harness = Harness(tmp_path)
    lines = [query(number, table=f"table{number % 7}") for number in range(60)]
    async with harness.running():
        harness.receiver.send(lines[:40])
        await harness.until_shown(LINES, 40)
        damage(harness.state / "ledger.sqlite3")
        harness.receiver.send(lines[40:])
        await harness.until_shown("logagent_ledger_set_aside_total", 1)
        await harness.until_shown(LINES, 60)
        assert harness.agent.report.ready()
        health: Any = harness.agent.report.health()
        assert health["ledger"]["set_aside"].startswith(str(harness.state / "ledger.corrupt-"))
        assert health["ledger"]["set_aside_reason"]
        assert "the ledger was corrupt and is set aside as" in caplog.text
    harness.begin(lines)
    assert (await harness.once()).lines == 0
    assert harness.shown("logagent_ledger_set_aside_total") == 0
    assert harness.shown("db_queries_total") == harness.shown(LINES) == 60


async def test_a_ledger_that_is_corrupt_at_the_start_is_set_aside_told_and_begun_anew(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.begin(plain(5))
    await harness.once()
    (harness.state / "ledger.sqlite3").write_bytes(b"garbage" * 1000)
    harness.begin(plain(5))
    summary = await harness.once()
    assert (summary.lines, summary.problems) == (5, [])
    assert harness.shown("logagent_ledger_set_aside_total") == 1
    assert harness.shown(LINES) == 5
    assert "a corrupt ledger was set aside as" in caplog.text
    health: Any = harness.agent.report.health()
    assert health["ledger"]["set_aside"].startswith(str(harness.state / "ledger.corrupt-"))


async def test_a_second_agent_on_the_same_directory_is_refused_by_the_first_ones_process_id(
    harness: Harness, tmp_path: Path
) -> None:
    async with harness.running():
        other = Harness(tmp_path)
        with pytest.raises(LedgerError, match=f"process {os.getpid()}") as caught:
            await other.once()
        assert caught.value.exit_code == 3


# -- delivery ----------------------------------------------------------------------------------------------


async def test_with_the_outbox_full_reading_waits_until_there_is_room(tmp_path: Path) -> None:
    harness = Harness(tmp_path, settings_of(tmp_path, limits={"outbox": "1MiB"}))
    exporter = ScriptedExporter("spans", outcome=DeliveryOutcome.RETRY)
    exporter.padding = 600_000
    harness.exporters = [exporter]
    harness.begin()
    lines = [query(number, duration_ms=1.0) for number in range(100)]
    async with harness.running():
        harness.receiver.send(lines[:10])
        await harness.until(lambda: harness.shown("logagent_outbox_bytes") > 600_000, "the first is committed")
        harness.receiver.send(lines[10:20])
        await harness.until(lambda: harness.shown("logagent_outbox_bytes") > 2**20, "the outbox is full")
        harness.receiver.send(lines[20:])
        await asyncio.sleep(3 * agent_module.COMMIT_SECONDS)
        assert harness.receiver.emitted == 20
        assert harness.shown(LINES) == 20
        exporter.outcome = DeliveryOutcome.DELIVERED
        await harness.until(lambda: len(exporter.delivered) == 100, "all is delivered")
        await harness.until_shown(LINES, 100)
    assert len(set(exporter.delivered)) == 100


async def test_an_exporter_that_is_down_keeps_no_other_waiting_nor_a_scrape(harness: Harness) -> None:
    hanging, well = ScriptedExporter("hanging"), ScriptedExporter("well")
    release = asyncio.Event()

    async def hang(item: Any) -> Any:
        await release.wait()
        return await ScriptedExporter.deliver(hanging, item)

    hanging.deliver = hang  # type: ignore[method-assign]
    harness.exporters = [hanging, well]
    harness.begin([query(number, duration_ms=1.0) for number in range(30)])
    async with harness.running():
        await harness.until(lambda: len(well.delivered) == 30, "the other delivers")
        assert await harness.scraped("db_queries_total") == 30
        assert hanging.delivered == []
        release.set()
        await harness.until(lambda: len(hanging.delivered) == 30, "all is delivered")


async def test_an_exporter_that_is_down_makes_the_agent_degraded_not_failed(harness: Harness) -> None:
    harness.exporters = [ScriptedExporter("down", outcome=DeliveryOutcome.RETRY)]
    harness.begin([query(1)])
    async with harness.running():
        await harness.until(lambda: not harness.agent.drains["down"].state.healthy, "an attempt fails")
        health: Any = harness.agent.report.health()
        assert health["status"] == "degraded"
        assert health["exporters"][0]["reason"] == "as the test says"
        assert harness.agent.report.ready()
        harness.exporters[0].outcome = DeliveryOutcome.DELIVERED


async def test_what_a_single_pass_could_not_deliver_is_told_and_delivered_by_the_next(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "ONCE_FLUSH_SECONDS", 0.1)
    exporter = ScriptedExporter("down", outcome=DeliveryOutcome.RETRY)
    harness.exporters = [exporter]
    harness.begin([query(1), query(2)])
    assert (await harness.once()).undelivered == 2
    exporter.outcome = DeliveryOutcome.DELIVERED
    harness.begin([query(1), query(2)])
    summary = await harness.once()
    assert (summary.undelivered, summary.lines, len(exporter.delivered)) == (0, 0, 2)


async def test_what_the_other_end_refuses_is_a_counted_loss(harness: Harness) -> None:
    harness.exporters = [ScriptedExporter("refused", outcome=DeliveryOutcome.REJECTED)]
    harness.begin([query(1), query(2)])
    summary = await harness.once()
    assert (summary.undelivered, summary.dropped) == (0, 2)
    assert harness.shown('logagent_dropped_total{reason="export_rejected"}') == 2
    assert harness.shown('logagent_exported_total{exporter="refused",signal="traces",outcome="rejected"}') == 2


async def test_what_waits_for_an_exporter_that_is_gone_stops_nobody_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(agent_module, "ONCE_FLUSH_SECONDS", 0.1)
    harness = Harness(tmp_path, settings_of(tmp_path, limits={"outbox": "1MiB"}))
    exporter = ScriptedExporter("gone", outcome=DeliveryOutcome.RETRY)
    exporter.padding = 2**20
    harness.exporters = [exporter]
    harness.begin([query(1)])
    assert (await harness.once()).undelivered == 1
    harness.exporters = []
    harness.begin([query(1), *plain(50)])
    summary = await harness.once()
    assert (summary.lines, summary.undelivered, summary.problems) == (50, 0, [])
    assert "1 spans or records wait for exporter gone, which is not configured" in caplog.text


# -- bugs --------------------------------------------------------------------------------------------------


async def test_an_internal_error_costs_one_batch_which_is_counted_and_the_agent_goes_on(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.begin()
    process = harness.agent.pipeline.process

    def broken(batch: Any, now: int) -> Outcome:
        if any(b"line 13" in each for each in batch.lines):
            raise ZeroDivisionError
        return process(batch, now)

    harness.agent.pipeline.process = broken  # type: ignore[method-assign]
    async with harness.running():
        harness.receiver.send(plain(40))
        await harness.until_shown(LINES, 40)
    assert harness.shown(RECORDS) == 30
    assert harness.shown('logagent_dropped_total{reason="internal_error"}') == 10
    assert "10 lines of script are lost" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    harness.begin(plain(40))
    assert (await harness.once()).lines == 0


async def test_a_bug_that_every_batch_meets_is_told_once_in_a_while_and_counted_each_time(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    harness.begin(plain(100))
    monkeypatch.setattr(harness.agent.pipeline, "process", _raising)
    summary = await harness.once()
    assert (summary.lines, summary.records, summary.dropped) == (100, 0, 100)
    assert caplog.text.count("Traceback") == 1


async def test_a_bug_as_time_passes_does_not_end_the_agent(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(harness.agent.pipeline, "tick", _raising)
    async with harness.running():
        await harness.until(lambda: harness.shown('logagent_dropped_total{reason="internal_error"}') > 2, "it ticks")
        harness.receiver.send(plain(5))
        await harness.until_shown(LINES, 5)


async def test_a_bug_in_the_page_does_not_end_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporters = {"prometheus": {"listen": f"127.0.0.1:{free_port()}", "textfile": "metrics.prom"}}
    harness = Harness(tmp_path, settings_of(tmp_path, exporters=exporters))
    monkeypatch.setattr(harness.agent.live, "add", _raising)
    async with harness.running():
        harness.receiver.send(plain(5))
        await harness.until_shown(LINES, 5)
        harness.receiver.send(plain(5, first=5))
        await harness.until_shown(LINES, 10)


async def test_a_receiver_that_dies_of_a_bug_ends_the_agent_with_its_error_after_a_commit(harness: Harness) -> None:
    harness.begin(plain(10))

    class LostError(Exception):
        pass

    read = harness.receiver.run

    async def die(emit: Any, **options: Any) -> None:
        await read(emit, once=True, stop=options["stop"])
        raise LostError

    harness.receiver.run = die  # type: ignore[method-assign,assignment]
    with pytest.raises(LostError):
        await harness.agent.run(asyncio.Event())
    assert harness.shown(LINES) == 10


# -- its own log -------------------------------------------------------------------------------------------


async def test_alerts_are_told_in_the_log_after_their_commit_and_once(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="logagent")
    async with harness.running():
        switch = failing(harness, LedgerError("the disk is full"))
        harness.receiver.send([query(1, table='ru"n\u202es'), query(2, table='ru"n\u202es')])
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        assert "alert firing" not in caplog.text
        switch["on"] = False
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
    harness: Harness, tmp_path: Path, caplog: pytest.LogCaptureFixture
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
        assert health["textfiles"] == [{"path": str(harness.textfile), "problem": f"{harness.textfile}: Is a directory"}]
        await asyncio.sleep(3 * agent_module.COMMIT_SECONDS)
        harness.textfile.rmdir()
        await harness.until_shown(LINES, 1)
        health = harness.agent.report.health()
        assert (health["status"], health["textfiles"][0]["problem"]) == ("ok", None)
    said = [record.getMessage() for record in caplog.records if "textfile" in record.getMessage()]
    assert said == [
        f"the textfile cannot be written: {harness.textfile}: Is a directory",
        f"the textfile {harness.textfile} can be written again",
    ]


# -- the end -----------------------------------------------------------------------------------------------


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


def statuses_of(_: object) -> None: ...


async def statuses(session: aiohttp.ClientSession) -> dict[str, int]:
    found = {}
    for path in ("/readyz", "/healthz", "/metrics"):
        async with session.get(path) as answer:
            await answer.read()
            found[path] = answer.status
    return found


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))


def free_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _raising(*_: object) -> Outcome:
    raise ZeroDivisionError
