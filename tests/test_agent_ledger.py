"""The agent over a ledger that cannot be written, or that is corrupt."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from agent_harness import LINES, Harness, ScriptedExporter, free_port, plain, query, settings_of

from logagent import agent as agent_module
from logagent.clock import ManualClock
from logagent.model import Changes
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


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
        switch = harness.refuse_commits("the disk is full")
        harness.receiver.send(queries[20:30])
        await harness.until(lambda: harness.agent.committer.problem, "a commit fails")
        harness.receiver.send(queries[30:])
        await asyncio.sleep(3 * agent_module.COMMIT_SECONDS)
        assert harness.receiver.emitted == 30
        assert await statuses(session) == {"/readyz": 503, "/healthz": 503, "/metrics": 503}
        async with session.get("/healthz") as answer:
            health = await answer.json()
        assert (health["status"], health["ledger"]["problem"]) == ("failed", "the disk is full")
        switch.clear()
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


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))


DAMAGES = {
    "overwritten": lambda path: path.write_bytes(os.urandom(200_000)),
    "overwritten in place": overwrite,
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


def delete_files(state: Path) -> None:
    for path in state.iterdir():
        path.unlink()


@pytest.mark.parametrize("delete", [delete_files, shutil.rmtree])
async def test_a_ledger_whose_files_are_deleted_in_use_is_written_anew_and_the_log_says_so(
    tmp_path: Path, delete: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    harness = Harness(tmp_path)
    lines = [query(number, table=f"table{number % 7}") for number in range(60)]
    async with harness.running():
        harness.receiver.send(lines[:40])
        await harness.until_shown(LINES, 40)
        delete(harness.state)
        harness.receiver.send(lines[40:])
        await harness.until_shown(LINES, 60)
        health: Any = harness.agent.report.health()
        assert health["ledger"]["set_aside"] is None
        assert "was removed or replaced while in use" in health["ledger"]["set_aside_reason"]
        await harness.until_shown("logagent_ledger_set_aside_total", 1)
        with pytest.raises(LedgerError, match=f"process {os.getpid()}"):
            await Harness(tmp_path).once()
    assert "the ledger is gone and is begun anew from memory: ledger.sqlite3 was removed" in caplog.text
    assert "None" not in caplog.text
    harness.begin(lines)
    assert (await harness.once()).lines == 0
    assert harness.shown("db_queries_total") == harness.shown(LINES) == 60


async def test_a_ledger_that_is_deleted_after_another_was_set_aside_is_not_told_as_that_one(harness: Harness) -> None:
    async with harness.running():
        harness.receiver.send(plain(10))
        await harness.until_shown(LINES, 10)
        (harness.state / "ledger.sqlite3").write_bytes(b"garbage" * 1000)
        harness.receiver.send(plain(10, first=10))
        await harness.until_shown("logagent_ledger_set_aside_total", 1)
        delete_files(harness.state)
        harness.receiver.send(plain(10, first=20))
        await harness.until_shown("logagent_ledger_set_aside_total", 2)
        health: Any = harness.agent.report.health()
        assert health["ledger"]["set_aside"] is None
    harness.begin(plain(30))
    assert (await harness.once()).lines == 0


@pytest.mark.parametrize("in_the_log", [b"", b"\x37\x7f\x06\x82" + bytes(4000)])
async def test_a_ledger_that_went_back_is_told_and_what_came_since_is_counted_once(
    harness: Harness, tmp_path: Path, caplog: pytest.LogCaptureFixture, in_the_log: bytes
) -> None:
    async with harness.running():
        for number in range(6):
            harness.receiver.send(plain(10, first=10 * number))
            await harness.until_shown(LINES, 10 * number + 10)
        shutil.copytree(harness.state, tmp_path / "killed", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    shutil.rmtree(harness.state)
    (tmp_path / "killed").rename(harness.state)
    log = harness.state / "ledger.sqlite3-wal"
    log.unlink()
    if in_the_log:
        log.write_bytes(in_the_log)
    harness.begin(plain(60))
    assert (await harness.once()).lines > 0
    assert harness.shown(LINES) == 60
    assert harness.shown("logagent_ledger_rolled_back_total") == 1
    assert "the ledger lacks its last" in caplog.text
    health: Any = harness.agent.report.health()
    assert health["ledger"]["rolled_back_commits"] >= 1
    harness.begin(plain(60))
    assert (await harness.once()).lines == 0
    assert harness.shown("logagent_ledger_rolled_back_total") == 0


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


@pytest.mark.parametrize(
    "room", ["positions", "series", "telemetry", "spans", "clocks", "failures", "echoes", "alerts"]
)
@pytest.mark.parametrize("value", [b"\xff\x00", b"[]"])
async def test_an_entry_of_the_ledger_that_makes_no_sense_does_not_keep_the_agent_from_starting(
    harness: Harness, room: str, value: bytes
) -> None:
    harness.begin([*plain(5), query(1)])
    await harness.once()
    ledger = Ledger.open(harness.state, ManualClock())
    known: dict[tuple[str, str], bytes | None] = {(room, key): value for key in ledger.load(room)}
    await ledger.commit(Changes({**known, (room, "app\0odd"): value}))
    await ledger.close()
    harness.begin([*plain(5), query(1), *plain(5)])
    summary = await harness.once()
    assert summary.problems == []
    assert summary.lines >= 5
    assert harness.shown(LINES) >= 5


async def test_a_second_agent_on_the_same_directory_is_refused_by_the_first_ones_process_id(
    harness: Harness, tmp_path: Path
) -> None:
    async with harness.running():
        other = Harness(tmp_path)
        with pytest.raises(LedgerError, match=f"process {os.getpid()}") as caught:
            await other.once()
        assert caught.value.exit_code == 3


async def statuses(session: aiohttp.ClientSession) -> dict[str, int]:
    found = {}
    for path in ("/readyz", "/healthz", "/metrics"):
        async with session.get(path) as answer:
            await answer.read()
            found[path] = answer.status
    return found


def free_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize
