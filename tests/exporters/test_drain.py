from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from logagent.clock import ManualClock, SystemClock
from logagent.errors import LogagentError
from logagent.exporters.drain import Drain, DrainState, ExportResult
from logagent.model import Changes, Delivery, DeliveryOutcome, OutboxDraft, OutboxItem, Signal
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from logagent.model import Outcome

DELIVERED = Delivery(DeliveryOutcome.DELIVERED)
RETRY = Delivery(DeliveryOutcome.RETRY, "503 Service Unavailable")
REJECTED = Delivery(DeliveryOutcome.REJECTED, "400 Bad Request")
SPLIT = Delivery(DeliveryOutcome.SPLIT, "413 Content Too Large")


class FakeExporter:
    """Answers as it is told, and well afterwards."""

    name = "otlp"

    def __init__(self, *answers: Delivery | Exception) -> None:
        self.answers = deque(answers)
        self.attempts: list[bytes] = []

    def add(self, outcome: Outcome) -> None:
        """Not used here."""

    def take(self) -> list[OutboxDraft]:
        return []

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Not used here."""

    async def deliver(self, item: OutboxItem) -> Delivery:
        self.attempts.append(item.payload)
        answer = self.answers.popleft() if self.answers else DELIVERED
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Not used here."""


class SplittingExporter(FakeExporter):
    """Takes no more than ``limit`` at once, and splits at the middle."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    async def deliver(self, item: OutboxItem) -> Delivery:
        self.attempts.append(item.payload)
        return SPLIT if item.count > self.limit else DELIVERED

    def split(self, item: OutboxItem) -> list[tuple[int, bytes]]:
        half = item.count // 2
        return [(half, item.payload[:half]), (item.count - half, item.payload[half:])]


class FakeOutbox:
    """The ledger's side of the protocol, as a list; fails as often as it is told."""

    def __init__(self, *payloads: bytes, exporter: str = "otlp") -> None:
        self.items = [
            OutboxItem(number, exporter, Signal.TRACES, len(payload), payload, 0)
            for number, payload in enumerate(payloads, 1)
        ]
        self.rejected: list[tuple[bytes, str]] = []
        self.failures = 0
        self.room = True

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise LogagentError("the disk is full")

    async def outbox(self, exporter: str, *, after: int = 0, limit: int = 16) -> list[OutboxItem]:
        return [item for item in self.items if item.exporter == exporter and item.id > after][:limit]

    async def settle(self, ids: Sequence[int], entries: Mapping[tuple[str, str], bytes | None]) -> None:  # noqa: ARG002 - the ledger's
        self._fail()
        self.items = [item for item in self.items if item.id not in ids]

    async def reject(self, item_id: int, reason: str, entries: Mapping[tuple[str, str], bytes | None]) -> None:  # noqa: ARG002 - the ledger's
        self._fail()
        self.rejected += [(item.payload, reason) for item in self.items if item.id == item_id]
        self.items = [item for item in self.items if item.id != item_id]

    async def split(self, item_id: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        self._fail()
        [place] = [place for place, item in enumerate(self.items) if item.id == item_id]
        if self.room:
            self.items[place : place + 1] = [
                OutboxItem(item_id * 100 + number, "otlp", Signal.TRACES, count, payload, 0)
                for number, (count, payload) in enumerate(parts)
            ]
        return self.room


class Bench:
    """A drain loop with a clock and a sleep of its own: sleeping moves the clock, and is noted."""

    def __init__(self, exporter: FakeExporter, outbox: FakeOutbox) -> None:
        self.clock = ManualClock(1_000)
        self.sleeps: list[float] = []
        self.results: list[tuple[str, int, str]] = []
        self.exporter = exporter
        self.outbox = outbox
        self.drain = Drain(
            exporter,
            outbox,
            self.clock,
            random=Highest(),
            account=uncounted,
            on_result=self._note,
            sleep=self._sleep,
        )

    def _note(self, result: ExportResult) -> None:
        assert (result.exporter, result.signal) == ("otlp", Signal.TRACES)
        self.results.append((result.outcome.value, result.count, result.reason))

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def uncounted(_results: Sequence[ExportResult]) -> AsyncIterator[dict[tuple[str, str], bytes | None]]:
    yield {}


class Highest(Random):
    """Chance that always gives the upper end."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - the signature is Random's
        return b


async def test_items_are_delivered_in_order_and_leave_the_outbox() -> None:
    bench = Bench(FakeExporter(), FakeOutbox(b"a", b"bb", b"ccc"))
    assert await bench.drain.flush(10)
    assert bench.exporter.attempts == [b"a", b"bb", b"ccc"]
    assert bench.outbox.items == []
    assert bench.results == [("delivered", 1, ""), ("delivered", 2, ""), ("delivered", 3, "")]
    assert bench.sleeps == []
    assert bench.drain.state == DrainState()


async def test_a_failed_attempt_is_repeated_with_the_same_item_after_growing_pauses() -> None:
    bench = Bench(FakeExporter(*[RETRY] * 8), FakeOutbox(b"a", b"b"))
    assert await bench.drain.flush(1000)
    assert bench.exporter.attempts == [b"a"] * 9 + [b"b"]
    assert bench.sleeps == [1, 2, 4, 8, 16, 32, 60, 60]
    assert bench.results == [("retry", 1, "503 Service Unavailable")] * 8 + [("delivered", 1, "")] * 2


async def test_the_pause_is_drawn_from_nothing_up_to_its_limit() -> None:
    bench = Bench(FakeExporter(*[RETRY] * 2000), FakeOutbox(b"a"))
    bench.drain._random = Random(7)
    assert await bench.drain.flush(1e9)
    assert all(0 <= pause <= 60 for pause in bench.sleeps)
    assert min(bench.sleeps[10:]) < 1
    assert 25 < sum(bench.sleeps) / len(bench.sleeps) < 35


@pytest.mark.parametrize(
    ("asked", "slept"), [(17.0, 17), (0.0, 1), (1e9, 3600), (float("inf"), 3600), (float("nan"), 1), (-5.0, 1)]
)
async def test_the_other_end_says_when_to_come_back_within_reason(asked: float, slept: float) -> None:
    answer = Delivery(DeliveryOutcome.RETRY, "429", retry_after_seconds=asked)
    bench = Bench(FakeExporter(answer), FakeOutbox(b"a"))
    assert await bench.drain.flush(10_000)
    assert bench.sleeps == [slept]


async def test_the_state_tells_since_when_and_why_it_retries_and_that_all_is_well_again() -> None:
    bench = Bench(FakeExporter(RETRY, Delivery(DeliveryOutcome.RETRY, "refused")), FakeOutbox(b"a"))
    await bench.drain._step()
    bench.clock.advance(5)
    await bench.drain._step()
    assert bench.drain.state == DrainState(
        healthy=False, retrying_since_unix_nano=1_000, attempts=2, last_reason="refused"
    )
    await bench.drain._step()
    assert bench.drain.state == DrainState(last_reason="refused")


async def test_a_rejected_item_is_put_aside_with_its_reason_and_the_next_is_delivered() -> None:
    bench = Bench(FakeExporter(REJECTED), FakeOutbox(b"bad", b"good"))
    assert await bench.drain.flush(10)
    assert bench.outbox.rejected == [(b"bad", "400 Bad Request")]
    assert bench.results == [("rejected", 3, "400 Bad Request"), ("delivered", 4, "")]
    assert bench.drain.state == DrainState(last_reason="400 Bad Request")


@pytest.mark.parametrize(("rejected", "counted"), [(2, 2), (99, 5)])
async def test_what_is_refused_inside_a_delivered_item_is_counted(rejected: int, counted: int) -> None:
    answer = Delivery(DeliveryOutcome.DELIVERED, "partial success: too old", rejected=rejected)
    bench = Bench(FakeExporter(answer), FakeOutbox(b"spans"))
    assert await bench.drain.flush(10)
    assert bench.results == [("delivered", 5 - counted, ""), ("rejected", counted, "partial success: too old")]
    assert bench.outbox.items == []


async def test_an_item_that_is_too_large_is_split_until_it_fits_and_keeps_its_place() -> None:
    bench = Bench(SplittingExporter(2), FakeOutbox(b"abcde", b"fg"))
    assert await bench.drain.flush(10)
    assert bench.exporter.attempts == [b"abcde", b"ab", b"cde", b"c", b"de", b"fg"]
    assert [result for result in bench.results if result[0] == "delivered"] == [
        ("delivered", 2, ""),
        ("delivered", 1, ""),
        ("delivered", 2, ""),
        ("delivered", 2, ""),
    ]
    assert bench.results[0] == ("split", 5, "413 Content Too Large")


async def test_a_single_thing_that_is_too_large_is_rejected() -> None:
    bench = Bench(SplittingExporter(0), FakeOutbox(b"ab"))
    assert await bench.drain.flush(10)
    assert bench.outbox.rejected == [(b"a", "413 Content Too Large"), (b"b", "413 Content Too Large")]


async def test_an_exporter_that_cannot_split_rejects() -> None:
    bench = Bench(FakeExporter(SPLIT), FakeOutbox(b"ab"))
    assert await bench.drain.flush(10)
    assert bench.outbox.rejected == [(b"ab", "413 Content Too Large")]


@pytest.mark.parametrize(
    "parts", [[], [(2, b"ab")], [(2, b"ab"), (2, b"ab")], [(2, b"ab"), (0, b"")], [(1, b"a"), (2, b"b")]]
)
async def test_parts_that_do_not_account_for_the_whole_lead_to_rejection(
    parts: list[tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(SplittingExporter(1), FakeOutbox(b"ab"))
    monkeypatch.setattr(bench.exporter, "split", lambda _: parts)
    assert await bench.drain.flush(10)
    assert bench.outbox.rejected == [(b"ab", "413 Content Too Large; its parts are not the whole")]


async def test_splitting_that_raises_or_finds_no_room_leads_to_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(SplittingExporter(1), FakeOutbox(b"ab"))
    bench.outbox.room = False
    assert await bench.drain.flush(10)
    bench.outbox.items = FakeOutbox(b"cd").items
    monkeypatch.setattr(bench.exporter, "split", lambda _: 1 // 0)
    assert await bench.drain.flush(10)
    assert [reason for _, reason in bench.outbox.rejected] == [
        "413 Content Too Large; split too often",
        "413 Content Too Large; splitting raised ZeroDivisionError: integer division or modulo by zero",
    ]


async def test_an_exporter_that_raises_is_tried_again_and_counted() -> None:
    bench = Bench(FakeExporter(KeyError("spans")), FakeOutbox(b"a"))
    assert await bench.drain.flush(10)
    assert bench.results == [("retry", 1, "the exporter raised KeyError: 'spans'"), ("delivered", 1, "")]


async def test_an_item_over_which_the_exporter_always_raises_does_not_block_the_others_for_ever() -> None:
    bench = Bench(FakeExporter(*[KeyError("spans")] * 10), FakeOutbox(b"poison", b"good"))
    assert await bench.drain.flush(1000)
    assert bench.outbox.rejected == [(b"poison", "the exporter raised KeyError: 'spans'")]
    assert [outcome for outcome, _, _ in bench.results] == ["retry"] * 9 + ["rejected", "delivered"]


async def test_a_ledger_that_fails_after_a_delivery_leads_to_no_second_delivery() -> None:
    bench = Bench(FakeExporter(DELIVERED, REJECTED), FakeOutbox(b"a", b"b"))
    bench.outbox.failures = 3
    assert not await bench.drain.flush(2)
    assert bench.drain.state.last_reason == "the disk is full"
    assert bench.results == []
    assert await bench.drain.flush(1000)
    assert bench.exporter.attempts == [b"a", b"b"]
    assert bench.results == [("delivered", 1, ""), ("rejected", 1, "400 Bad Request")]


async def test_flush_gives_up_when_the_next_attempt_would_come_too_late() -> None:
    bench = Bench(FakeExporter(*[RETRY] * 10), FakeOutbox(b"a"))
    assert not await bench.drain.flush(5)
    assert bench.sleeps == [1, 2]
    assert len(bench.outbox.items) == 1


async def test_flush_gives_up_on_an_attempt_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(FakeExporter(), FakeOutbox(b"a"))
    hanging = asyncio.Event()
    monkeypatch.setattr(bench.exporter, "deliver", lambda _: hanging.wait())
    assert not await bench.drain.flush(0.01)
    assert len(bench.outbox.items) == 1


async def test_flush_of_an_empty_outbox_is_done() -> None:
    bench = Bench(FakeExporter(), FakeOutbox())
    assert await bench.drain.flush(0)


async def test_the_loop_sleeps_until_it_is_woken_and_ends_when_told() -> None:
    bench = Bench(FakeExporter(), FakeOutbox())
    stop = asyncio.Event()
    task = asyncio.create_task(bench.drain.run(stop))
    await _settled()
    bench.outbox.items = FakeOutbox(b"a").items
    await _settled()
    assert bench.exporter.attempts == []
    bench.drain.wake()
    await _settled()
    assert bench.exporter.attempts == [b"a"]
    stop.set()
    await task


async def test_neither_being_woken_ends_a_back_off_nor_does_a_back_off_delay_the_end() -> None:
    bench = Bench(FakeExporter(*[RETRY] * 9), FakeOutbox(b"a"))
    never = asyncio.Event()
    bench.drain._sleep = lambda _: never.wait()
    stop = asyncio.Event()
    task = asyncio.create_task(bench.drain.run(stop))
    await _settled()
    for _ in range(5):
        bench.drain.wake()
        await _settled()
    assert bench.exporter.attempts == [b"a"]
    stop.set()
    await task


async def test_a_stop_while_an_attempt_is_under_way_finishes_it_and_flush_delivers_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(FakeExporter(), FakeOutbox(b"a", b"b"))
    answered = asyncio.Event()

    async def deliver(item: OutboxItem) -> Delivery:
        bench.exporter.attempts.append(item.payload)
        await answered.wait()
        return DELIVERED

    monkeypatch.setattr(bench.exporter, "deliver", deliver)
    stop = asyncio.Event()
    running = asyncio.create_task(bench.drain.run(stop))
    await _settled()
    stop.set()
    flushing = asyncio.create_task(bench.drain.flush(100))
    await _settled()
    assert bench.exporter.attempts == [b"a"]
    answered.set()
    assert await flushing
    await running
    assert bench.exporter.attempts == [b"a", b"b"]


async def test_a_loop_that_is_cancelled_gives_up_its_attempt_and_the_item_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(FakeExporter(), FakeOutbox(b"a"))
    begun, never, given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def deliver(_item: OutboxItem) -> Delivery:
        begun.set()
        try:
            await never.wait()
        finally:
            given_up.set()
        return DELIVERED

    monkeypatch.setattr(bench.exporter, "deliver", deliver)
    running = asyncio.create_task(bench.drain.run(asyncio.Event()))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert given_up.is_set()
    assert len(bench.outbox.items) == 1
    assert bench.results == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_loop_writes_down_what_was_delivered_first_and_once(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    bench = Bench(FakeExporter(), FakeOutbox(b"a"))
    begun, release = asyncio.Event(), asyncio.Event()
    settle, settlements = bench.outbox.settle, 0

    async def slowly(*arguments: Any) -> None:
        nonlocal settlements
        settlements += 1
        begun.set()
        await release.wait()
        await settle(*arguments)

    bench.outbox.failures = int(fails)
    monkeypatch.setattr(bench.outbox, "settle", slowly)
    running = asyncio.create_task(bench.drain.run(asyncio.Event()))
    await begun.wait()
    running.cancel()
    await _settled()
    assert not running.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (bench.outbox.items == []) is not fails
    assert await bench.drain.flush(1)
    assert bench.exporter.attempts == [b"a"]
    assert bench.results == [("delivered", 1, "")]
    assert settlements == 1 + fails


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (DELIVERED, [("delivered", 2)]),
        (REJECTED, [("rejected", 2)]),
        (Delivery(DeliveryOutcome.DELIVERED, "one is bad", rejected=1), [("delivered", 1), ("rejected", 1)]),
    ],
)
async def test_what_becomes_final_is_accounted_for_in_the_transaction_that_says_so(
    answer: Delivery, final: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(FakeExporter(RETRY, answer), FakeOutbox(b"ab"))
    accounted: list[list[tuple[str, int]]] = []
    written: list[Any] = []
    failures: list[BaseException] = []

    @asynccontextmanager
    async def account(results: Sequence[ExportResult]) -> AsyncIterator[dict[tuple[str, str], bytes | None]]:
        accounted.append([(result.outcome.value, result.count) for result in results])
        try:
            yield {("telemetry", "count"): b"%d" % len(accounted)}
        except LogagentError as error:
            failures.append(error)
            raise

    async def write(*arguments: Any) -> None:
        bench.outbox._fail()
        written.append(arguments[-1])
        bench.outbox.items = []

    monkeypatch.setattr(bench.outbox, "settle", write)
    monkeypatch.setattr(bench.outbox, "reject", write)
    monkeypatch.setattr(bench.drain, "_account", account)
    bench.outbox.failures = 1
    assert await bench.drain.flush(100)
    assert accounted == [final, final]
    assert len(failures) == 1
    assert written == [{("telemetry", "count"): b"2"}]


async def test_a_dead_exporter_keeps_no_other_waiting(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, SystemClock())
    hanging, stop, delivered = asyncio.Event(), asyncio.Event(), asyncio.Event()
    dead, alive = FakeExporter(), FakeExporter()
    dead.name, alive.name = "dead", "alive"
    dead.deliver = lambda _: hanging.wait()  # type: ignore[assignment,method-assign]

    def note(result: ExportResult) -> None:
        if result.count == 3:
            delivered.set()

    drains = [
        Drain(e, ledger, SystemClock(), random=Random(1), account=uncounted, on_result=note) for e in (dead, alive)
    ]
    tasks = [asyncio.create_task(drain.run(stop)) for drain in drains]
    drafts = [OutboxDraft(name, Signal.TRACES, n, b"x".__bytes__) for n in (1, 2, 3) for name in ("dead", "alive")]
    await ledger.commit(Changes({}, drafts))
    for drain in drains:
        drain.wake()
    await asyncio.wait_for(delivered.wait(), 10)
    assert ledger.outbox_state()["alive"].items == 0
    assert ledger.outbox_state()["dead"].items == 3
    stop.set()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await ledger.close()


async def test_a_real_ledger_splits_and_puts_aside_for_the_loop(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, SystemClock())
    await ledger.commit(
        Changes({}, [OutboxDraft("otlp", Signal.TRACES, len(p), p.__bytes__) for p in (b"abcde", b"f")])
    )
    exporter = SplittingExporter(2)
    drain = Drain(exporter, ledger, SystemClock(), random=Random(1), account=uncounted, on_result=lambda _: None)
    assert await drain.flush(60)
    assert exporter.attempts == [b"abcde", b"ab", b"cde", b"c", b"de", b"f"]
    assert ledger.outbox_state()["otlp"].items == 0
    await ledger.close()


async def _settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)
