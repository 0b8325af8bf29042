"""What the agent delivers where one end is down, and what a bug costs."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from agent_harness import LINES, RECORDS, Harness, ScriptedExporter, broken, free_port, plain, query, settings_of

from logagent import agent as agent_module
from logagent.exporters.otlp import OtlpExporter
from logagent.model import Delivery, DeliveryOutcome, Outcome
from logagent.state.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logagent.model import OutboxItem

pytestmark = pytest.mark.usefixtures("in_a_hurry")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


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


@asynccontextmanager
async def hanging_receiver() -> AsyncIterator[tuple[str, asyncio.Event, list[bytes]]]:
    """Takes requests and never answers; the event says that one has come, the list has their heads."""
    came, over, heads = asyncio.Event(), asyncio.Event(), list[bytes]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        came.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", came, heads
    finally:
        over.set()
        server.close()


async def test_a_graceful_stop_gives_up_a_delivery_that_hangs_and_the_next_start_makes_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="logagent")
    monkeypatch.setattr(agent_module, "FLUSH_SECONDS", 0.2)
    async with hanging_receiver() as (endpoint, came, heads):
        exporter: Any = OtlpExporter("otlp", endpoint=endpoint, timeout_seconds=3600.0)
        harness.exporters = [exporter]
        harness.begin([query(1), query(2)])
        stop = asyncio.Event()
        running = asyncio.create_task(harness.agent.run(stop))
        async with asyncio.timeout(10):
            await came.wait()
            stop.set()
            summary = await running
        assert (summary.undelivered, summary.problems, len(heads)) == (2, [], 1)
    assert "2 spans or records wait in the ledger to be delivered then" in caplog.text
    well = ScriptedExporter("otlp")
    well.deliver = _delivered_to(attempts := [])  # type: ignore[method-assign]
    harness.exporters = [well]
    harness.begin([query(1), query(2)])
    assert (await harness.once()).undelivered == 0
    assert [item.count for item in attempts] == [2]


def test_a_graceful_stop_takes_five_seconds_at_most_for_deliveries() -> None:
    assert agent_module.FLUSH_SECONDS == 5.0


def _delivered_to(attempts: list[OutboxItem]) -> Any:
    async def deliver(item: OutboxItem) -> Delivery:
        attempts.append(item)
        return Delivery(DeliveryOutcome.DELIVERED)

    return deliver


@pytest.mark.parametrize("outcome", [DeliveryOutcome.DELIVERED, DeliveryOutcome.REJECTED])
async def test_a_kill_right_after_a_settlement_costs_the_count_of_it_nothing(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: DeliveryOutcome
) -> None:
    exported = f'logagent_exported_total{{exporter="spans",signal="traces",outcome="{outcome.value}"}}'
    harness.exporters = [ScriptedExporter("spans", outcome=outcome)]
    harness.begin()
    async with harness.running():
        ledger, committer = harness.agent.committer.ledger, harness.agent.committer
        for number in range(3):
            harness.receiver.send([query(number)])
            await harness.until(lambda goal=number + 1: harness.exporters[0].attempts == goal, "it is delivered")
            await harness.until(lambda: not ledger.outbox_state()["spans"].items, "it is settled")
        commit = committer.commit
        monkeypatch.setattr(agent_module, "COMMIT_SECONDS", 3600.0)
        await commit()
        written = asyncio.Event()
        for name in ("settle", "reject"):
            monkeypatch.setattr(ledger, name, _telling(getattr(ledger, name), written))
        harness.receiver.send([query(3)])
        await harness.until(lambda: harness.receiver.emitted == 4, "it is read")
        await commit()
        harness.agent.drains["spans"].wake()
        await written.wait()
        # What a kill leaves, before anything else is committed.
        shutil.copytree(harness.state, tmp_path / "killed", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    shutil.rmtree(harness.state)
    (tmp_path / "killed").rename(harness.state)
    harness.begin()
    await harness.once()
    assert harness.exporters[0].attempts == 4
    assert harness.shown(exported) == 4
    dropped = 4 if outcome is DeliveryOutcome.REJECTED else 0
    assert harness.shown('logagent_dropped_total{reason="export_rejected"}') == dropped


def _telling(write: Any, written: asyncio.Event) -> Any:
    async def call(*arguments: Any) -> None:
        await write(*arguments)
        written.set()

    return call


async def test_a_settlement_that_fails_is_counted_when_it_is_made_and_once(harness: Harness) -> None:
    exported = 'logagent_exported_total{exporter="spans",signal="traces",outcome="delivered"}'
    harness.exporters = [ScriptedExporter("spans")]
    harness.begin()
    async with harness.running():
        ledger = harness.agent.committer.ledger
        settle, refusing, refused = ledger.settle, [True], asyncio.Event()

        async def fail(*arguments: Any) -> None:
            if refusing:
                refused.set()
                raise LedgerError("the disk is full")
            await settle(*arguments)

        ledger.settle = fail  # type: ignore[method-assign]
        harness.receiver.send([query(1), query(2)])
        await refused.wait()
        assert await harness.scraped(exported) == 0
        refusing.clear()
        await harness.until(lambda: not ledger.outbox_state()["spans"].items, "it is settled")
        assert await harness.scraped(exported) == 2
    assert harness.exporters[0].attempts == 1
    harness.begin()
    await harness.once()
    assert harness.shown(exported) == 2


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
    monkeypatch.setattr(harness.agent.pipeline, "process", broken)
    summary = await harness.once()
    assert (summary.lines, summary.records, summary.dropped) == (100, 0, 100)
    assert caplog.text.count("Traceback") == 1


async def test_a_bug_as_time_passes_does_not_end_the_agent(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(harness.agent.pipeline, "tick", broken)
    async with harness.running():
        await harness.until(lambda: harness.shown('logagent_dropped_total{reason="internal_error"}') > 2, "it ticks")
        harness.receiver.send(plain(5))
        await harness.until_shown(LINES, 5)


async def test_a_bug_in_the_page_does_not_end_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporters = {"prometheus": {"listen": f"127.0.0.1:{free_port()}", "textfile": "metrics.prom"}}
    harness = Harness(tmp_path, settings_of(tmp_path, exporters=exporters))
    monkeypatch.setattr(harness.agent.live, "add", broken)
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
