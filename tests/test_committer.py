"""The commit: what is seen, shown and delivered is what the ledger has."""

from __future__ import annotations

import asyncio
import logging
import tracemalloc
from typing import TYPE_CHECKING

import orjson
import pytest
from agent_harness import DEADLINE_SECONDS, LINES, ScriptedExporter, plain, query, value_of
from pipeline_harness import NOW, batch_of, make_pipeline

from logagent import telemetry
from logagent.clock import ManualClock
from logagent.committer import Committer
from logagent.model import Changes, OutboxDraft, Outcome, Signal
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from logagent.pipeline import Pipeline


class Scene:
    """A committer over a real ledger; commits can be held up or made to fail."""

    def __init__(self, directory: Path, *, keep_outcomes: bool = True) -> None:
        self.directory = directory
        self.ledger = Ledger.open(directory, ManualClock(NOW))
        self.pipeline = make_pipeline()
        self.exporter = ScriptedExporter("scripted")
        self.seen: list[Outcome] = []
        self.failures: list[LedgerError] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.commits = 0
        self._write = self.ledger.commit
        self.ledger.commit = self._commit  # type: ignore[method-assign]
        self.committer = Committer(
            self.pipeline, self.ledger, {"scripted": self.exporter}, self.seen.extend, keep_outcomes=keep_outcomes
        )

    async def _commit(self, changes: Changes) -> float:
        self.commits += 1
        self.begun.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return await self._write(changes)

    def feed(self, lines: Sequence[bytes]) -> None:
        outcome = self.pipeline.process(batch_of(lines), NOW)
        self.committer.add(outcome, len(lines))

    def show(self) -> bytes:
        return self.pipeline.telemetry.store.render()

    async def lines_shown(self) -> float:
        return lines_in(await self.committer.commit(self.show))

    def lines_kept(self) -> float:
        return kept_lines(self.ledger)

    async def under_way(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.begun.wait()


def lines_in(exposition: bytes) -> float:
    return value_of(exposition.decode(), LINES)


def kept_lines(ledger: Ledger) -> float:
    """What a new agent over this ledger would count on from."""
    pipeline: Pipeline = make_pipeline()
    pipeline.restore(ledger.load, NOW)
    return lines_in(pipeline.telemetry.store.render())


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.gate.set()
    await scene.ledger.close()


def full_disk() -> LedgerError:
    return LedgerError("the disk is full", "free some space")


def corrupt() -> LedgerError:
    return LedgerError("the ledger is corrupt: as the test says", corrupt=True)


async def test_a_commit_shows_what_the_ledger_then_has(scene: Scene) -> None:
    scene.feed(plain(7))
    assert scene.lines_kept() == 0
    assert await scene.lines_shown() == 7 == scene.lines_kept()


async def test_what_is_read_while_a_commit_is_under_way_is_not_in_what_it_shows(scene: Scene) -> None:
    scene.feed(plain(3))
    scene.gate.clear()
    committing = asyncio.create_task(scene.lines_shown())
    await scene.under_way()
    scene.feed(plain(4, first=3))
    scene.gate.set()
    assert await committing == 3 == scene.lines_kept()
    assert await scene.lines_shown() == 7 == scene.lines_kept()


async def test_outcomes_are_seen_after_the_commit_that_holds_them_and_once(scene: Scene) -> None:
    scene.feed([query(1)])
    scene.gate.clear()
    committing = asyncio.create_task(scene.committer.commit())
    await scene.under_way()
    scene.feed([query(2)])
    assert scene.seen == []
    scene.gate.set()
    await committing
    assert [len(outcome.spans) for outcome in scene.seen] == [1]
    await scene.committer.commit()
    await scene.committer.commit()
    assert [len(outcome.spans) for outcome in scene.seen] == [1, 1]


async def test_where_nobody_looks_only_alerts_are_kept_for_after_the_commit(tmp_path: Path) -> None:
    scene = Scene(tmp_path, keep_outcomes=False)
    scene.feed(plain(2))
    scene.feed([query(1)])
    await scene.committer.commit()
    assert [(outcome.records, outcome.spans, len(outcome.alerts)) for outcome in scene.seen] == [([], [], 1)]
    await scene.ledger.close()


async def test_a_failed_commit_shows_nothing_and_the_next_writes_all_of_it_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="logagent")
    scene.failures = [full_disk(), full_disk()]
    scene.feed([query(1)])
    with pytest.raises(LedgerError, match="the disk is full"):
        await scene.committer.commit(scene.show)
    assert scene.committer.problem == "the disk is full"
    scene.feed([query(2)])
    with pytest.raises(LedgerError):
        await scene.committer.commit()
    assert (scene.lines_kept(), scene.seen, scene.ledger.outbox_state()) == (0, [], {})
    assert await scene.lines_shown() == 2 == scene.lines_kept()
    assert scene.committer.problem == ""
    assert len(scene.seen) == 2
    items = await scene.ledger.outbox("scripted")
    assert sum(item.count for item in items) == 2
    assert len({item.payload for item in items}) == 2
    failed = scene.pipeline.telemetry.family(telemetry.COMMITS_FAILED).find(())
    assert failed.value == 2
    assert [record.message for record in caplog.records] == [
        "the ledger cannot be written: the disk is full",
        "the ledger can be written again",
    ]


async def test_a_commit_whose_caller_goes_away_is_neither_lost_nor_doubled(scene: Scene) -> None:
    scene.feed([query(1)])
    scene.gate.clear()
    scrape = asyncio.create_task(scene.committer.commit(scene.show))
    await scene.under_way()
    scrape.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scrape
    following = asyncio.create_task(scene.lines_shown())
    scene.gate.set()
    assert await following == 1 == scene.lines_kept()
    assert scene.ledger.outbox_state()["scripted"].count == 1
    assert len(scene.seen) == 1


async def test_a_failed_commit_whose_caller_has_gone_away_is_tried_again(scene: Scene) -> None:
    scene.failures = [full_disk()]
    scene.feed([query(1)])
    scene.gate.clear()
    scrape = asyncio.create_task(scene.committer.commit())
    await scene.under_way()
    scrape.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scrape
    scene.gate.set()
    assert await scene.lines_shown() == 1 == scene.lines_kept()
    assert scene.ledger.outbox_state()["scripted"].count == 1


async def test_a_ledger_found_corrupt_is_replaced_by_one_with_everything_that_was_known(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.committer.adopt("series", {'s:["gone_total"]': b"5.0"})
    scene.feed(plain(3))
    await scene.committer.commit()
    scene.feed(plain(4, first=3))
    scene.failures = [corrupt()]
    assert await scene.lines_shown() == 7 == scene.lines_kept()
    assert scene.ledger.load("series")['s:["gone_total"]'] == b"5.0"
    assert scene.ledger.load("positions") != {}
    assert scene.ledger.set_aside is not None
    assert f"set aside as {scene.ledger.set_aside}" in caplog.text
    assert scene.pipeline.telemetry.family(telemetry.LEDGER_SET_ASIDE).find(()).value == 1


async def test_what_the_last_commit_deleted_does_not_come_back_with_a_new_ledger(scene: Scene) -> None:
    scene.committer.adopt("spans", {"one": b"1", "other": b"2"})
    scene.failures = [corrupt()]
    scene.pipeline.changes = lambda: [(("spans", "one"), None)]  # type: ignore[method-assign]
    await scene.committer.commit()
    assert scene.ledger.load("spans") == {"other": b"2"}


async def test_a_new_ledger_that_cannot_be_written_at_once_gets_everything_later(scene: Scene) -> None:
    scene.feed(plain(3))
    await scene.committer.commit()
    scene.feed(plain(4, first=3))
    scene.failures = [corrupt(), full_disk()]
    with pytest.raises(LedgerError, match="the disk is full"):
        await scene.committer.commit()
    scene.failures = [full_disk()]
    with pytest.raises(LedgerError, match="the disk is full"):
        await scene.committer.commit()
    assert await scene.lines_shown() == 7 == scene.lines_kept()


async def test_a_corrupt_ledger_that_cannot_be_moved_yet_is_moved_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.feed(plain(3))
    await scene.committer.commit()
    with monkeypatch.context() as patch:
        patch.setattr("logagent.state.ledger.set_aside", _raising(full_disk()))
        scene.failures = [corrupt()]
        scene.feed(plain(1, first=3))
        for _ in range(2):
            with pytest.raises(LedgerError, match="the disk is full"):
                await scene.committer.commit()
    assert await scene.lines_shown() == 4 == scene.lines_kept()
    assert scene.ledger.set_aside is not None


async def test_corruption_that_only_an_exporter_meets_is_mended_by_the_next_commit(scene: Scene) -> None:
    scene.feed([query(1)])
    await scene.committer.commit()
    with scene.ledger._file.transaction() as connection:
        connection.execute("UPDATE outbox SET signal = 'no signal'")
    with pytest.raises(LedgerError) as caught:
        await scene.ledger.outbox("scripted")
    assert caught.value.corrupt
    await scene.committer.commit()
    assert scene.ledger.set_aside is not None
    assert await scene.ledger.outbox("scripted") == []
    assert scene.lines_kept() == 1


async def test_what_the_ledger_lost_is_counted_once_and_kept(scene: Scene) -> None:
    scene.feed([query(1)])
    await scene.committer.commit()
    scene.failures = [corrupt()]
    scene.exporter.take = lambda: [OutboxDraft("scripted", Signal.TRACES, 3, _raising(ValueError()))]  # type: ignore[method-assign]
    scene.feed(plain(1))
    await scene.committer.commit()
    scene.exporter.take = list  # type: ignore[method-assign]
    for _ in range(3):
        shown = (await scene.committer.commit(scene.show)).decode()
        assert value_of(shown, 'logagent_dropped_total{reason="ledger_replaced"}') == 1
        assert value_of(shown, 'logagent_dropped_total{reason="unencodable"}') == 3
    again = make_pipeline()
    again.restore(scene.ledger.load, NOW)
    assert value_of(again.telemetry.store.render().decode(), "logagent_dropped_total") == 4


async def test_an_exporter_that_raises_over_an_outcome_loses_only_its_own_share_which_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(tmp_path)
    broken = ScriptedExporter("broken")
    broken.add = _raising(KeyError("a bug"))  # type: ignore[method-assign]
    scene.committer._exporters = {"broken": broken, "scripted": scene.exporter}
    for number in range(3):
        scene.feed([query(number)])
    await scene.committer.commit()
    assert scene.ledger.outbox_state()["scripted"].count == 3
    assert "broken" not in scene.ledger.outbox_state()
    dropped = scene.pipeline.telemetry.family(telemetry.DROPPED).find(("unencodable",))
    assert dropped.value >= 3
    assert caplog.text.count("Traceback") == 1
    await scene.ledger.close()


async def test_with_nothing_changed_nothing_is_written(scene: Scene) -> None:
    scene.feed(plain(1))
    await scene.committer.commit()
    commits = scene.commits
    await scene.committer.commit()
    assert scene.commits == commits


def _raising(error: Exception) -> Callable[..., None]:
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


async def test_small_entries_are_remembered_in_little_memory(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    many = 1_000
    monkeypatch.setattr(
        scene.pipeline, "changes", lambda: [(("series", f"s:{number}"), orjson.dumps(number)) for number in range(many)]
    )
    tracemalloc.start()
    try:
        await scene.committer.commit()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < many * 1_024
