"""The drain loop: delivers one exporter's outbox, oldest first, until it is empty or the other end says no.

One task an exporter, so that a dead one keeps no other waiting.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from logagent.errors import LogagentError
from logagent.exporters.protocol import Positioned, Splitter
from logagent.model import Delivery, DeliveryOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager
    from random import Random

    from logagent.clock import Clock
    from logagent.exporters.protocol import Entries, Exporter, Outbox
    from logagent.model import OutboxItem, Signal

_log = logging.getLogger(__name__)

BACKOFF_BASE_SECONDS: Final = 1.0
BACKOFF_CAP_SECONDS: Final = 60.0
"""Full jitter: uniform between 0 and min(cap, base * 2^attempt).
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"""
RETRY_AFTER_CAP_SECONDS: Final = 3600.0
"""What the other end asks for is believed between the base and this."""
RAISES_BEFORE_REJECTION: Final = 10
"""An exporter that raises over one item this often in a row has a bug that the item meets; the others go on without."""


@dataclass(slots=True, frozen=True)
class ExportResult:
    """What became of one attempt, or of a part of its items, for the agent's metrics."""

    exporter: str
    signal: Signal
    outcome: DeliveryOutcome
    count: int
    """Items (spans, records, alerts) that met this outcome."""
    reason: str = ""


@dataclass(slots=True, frozen=True)
class DrainState:
    """How an exporter fares. Healthy until an attempt fails, then retrying until one succeeds."""

    healthy: bool = True
    retrying_since_unix_nano: int = 0
    attempts: int = 0
    """Failed attempts in a row."""
    last_reason: str = ""
    """Of the last failure or rejection; stays when things are well again."""


class Drain:
    """Delivers what waits in the outbox for one exporter, one item at a time, in order.

    ``account`` is entered with what is about to become final of an item, and gives the ledger entries that count it: they
    are written in the transaction that settles or rejects the item. It is left with the error where that fails.
    ``on_result`` hears of every attempt, after that.
    """

    def __init__(  # noqa: PLR0913 - time, chance and sleep are arguments, so that tests own them
        self,
        exporter: Exporter,
        ledger: Outbox,
        clock: Clock,
        *,
        random: Random,
        account: Callable[[Sequence[ExportResult]], AbstractAsyncContextManager[Entries]],
        on_result: Callable[[ExportResult], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._exporter = exporter
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._account = account
        self._on_result = on_result
        self._sleep = sleep
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._undecided: tuple[OutboxItem, Delivery] | None = None
        self._raises = 0
        self.state = DrainState()

    def wake(self) -> None:
        """Say that a commit put something into the outbox."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set; an attempt that is under way is finished.

        Cancelled, it gives up that attempt, whose item stays; what was delivered is still written down.
        """
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                pause = await self._step()
                if pause is None:
                    await _first(self._woken.wait(), stopping)
                elif pause > 0:
                    await _first(self._sleep(pause), stopping)
        finally:
            stopping.cancel()

    async def flush(self, deadline_seconds: float) -> bool:
        """Deliver what is there, and say whether the outbox is empty.

        Gives up at the deadline, also an attempt that is under way, and as soon as the next attempt would come after it.
        May be called while ``run`` ends.
        """
        deadline = self._clock.monotonic() + deadline_seconds
        try:
            async with asyncio.timeout(deadline_seconds):
                while (pause := await self._step()) is not None:
                    if self._clock.monotonic() + pause > deadline:
                        return False
                    if pause > 0:
                        await self._sleep(pause)
        except TimeoutError:
            return False
        return True

    async def _step(self) -> float | None:
        """Bring one item one step on; give the seconds to wait before the next, None where nothing waits."""
        async with self._turn:
            try:
                if self._undecided is None:
                    items = await self._ledger.outbox(self._exporter.name, limit=1)
                    if not items:
                        self.state = DrainState(last_reason=self.state.last_reason)
                        return None
                    self._undecided = (items[0], await self._attempt(items[0]))
                # Delivered, but not yet written down: a ledger that fails must not lead to a second delivery.
                item, delivery = self._undecided
                return await _whole(self._conclude(item, delivery))
            except LogagentError as error:
                return self._back_off(error.message)

    async def _attempt(self, item: OutboxItem) -> Delivery:
        try:
            delivery = await self._exporter.deliver(item)
        except Exception as error:  # noqa: BLE001 - a bug in one exporter must not end its drain loop
            self._raises += 1
            if self._raises == 1:
                _log.exception("exporter %s raised over an item of its own", self._exporter.name)
            outcome = DeliveryOutcome.RETRY if self._raises < RAISES_BEFORE_REJECTION else DeliveryOutcome.REJECTED
            return Delivery(outcome, f"the exporter raised {type(error).__name__}: {error}")
        self._raises = 0
        if delivery.outcome is DeliveryOutcome.SPLIT:
            return await self._split(item, delivery.reason)
        return delivery

    async def _split(self, item: OutboxItem, reason: str) -> Delivery:
        """Split the item, or give the rejection that it comes to."""
        if item.count <= 1 or not isinstance(self._exporter, Splitter):
            return Delivery(DeliveryOutcome.REJECTED, reason)
        try:
            parts = await asyncio.to_thread(self._exporter.split, item)
        except Exception as error:  # noqa: BLE001 - what cannot be split now never can
            return Delivery(DeliveryOutcome.REJECTED, f"{reason}; splitting raised {type(error).__name__}: {error}")
        if not _is_whole(item, parts):
            return Delivery(DeliveryOutcome.REJECTED, f"{reason}; its parts are not the whole")
        if not await self._ledger.split(item.id, parts):
            return Delivery(DeliveryOutcome.REJECTED, f"{reason}; split too often")
        return Delivery(DeliveryOutcome.SPLIT, reason)

    async def _conclude(self, item: OutboxItem, delivery: Delivery) -> float:
        """Write down and report what became of the item; give the seconds to wait before the next attempt."""
        pause = 0.0
        results = self._results(item, delivery)
        match delivery.outcome:
            case DeliveryOutcome.DELIVERED:
                entries = self._exporter.settled(item) if isinstance(self._exporter, Positioned) else {}
                async with self._account(results) as counted:
                    await self._ledger.settle([item.id], {**entries, **counted})
                self.state = DrainState(last_reason=delivery.reason or self.state.last_reason)
            case DeliveryOutcome.REJECTED:
                async with self._account(results) as counted:
                    await self._ledger.reject(item.id, delivery.reason, counted)
                self._raises = 0
                self.state = DrainState(last_reason=delivery.reason)
            case DeliveryOutcome.RETRY:
                pause = self._back_off(delivery.reason, delivery.retry_after_seconds)
            case DeliveryOutcome.SPLIT:
                self.state = DrainState(last_reason=delivery.reason)
        self._undecided = None
        for result in results:
            self._on_result(result)
        return pause

    def _results(self, item: OutboxItem, delivery: Delivery) -> list[ExportResult]:
        """Give what became of the item's parts."""

        def result(outcome: DeliveryOutcome, count: int, reason: str) -> ExportResult:
            return ExportResult(self._exporter.name, item.signal, outcome, count, reason)

        if delivery.outcome is not DeliveryOutcome.DELIVERED:
            return [result(delivery.outcome, item.count, delivery.reason)]
        rejected = min(max(delivery.rejected, 0), item.count)
        results = [result(DeliveryOutcome.DELIVERED, item.count - rejected, "")]
        if rejected:
            results.append(result(DeliveryOutcome.REJECTED, rejected, delivery.reason))
        return results

    def _back_off(self, reason: str, retry_after_seconds: float | None = None) -> float:
        failed = self.state.attempts
        since = self._clock.now() if self.state.healthy else self.state.retrying_since_unix_nano
        self.state = DrainState(healthy=False, retrying_since_unix_nano=since, attempts=failed + 1, last_reason=reason)
        # A comparison with NaN is false. Nought would be a loop without a pause.
        if retry_after_seconds is not None and retry_after_seconds >= 0:
            return min(max(retry_after_seconds, BACKOFF_BASE_SECONDS), RETRY_AFTER_CAP_SECONDS)
        # The exponent is bounded, as months of failures would make a number too large for a float.
        return self._random.uniform(0, min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** min(failed, 16)))


def _is_whole(item: OutboxItem, parts: Sequence[tuple[int, bytes]]) -> bool:
    """Say whether parts account for the item exactly, each of them for less: else splitting might never end."""
    counts = [count for count, _ in parts]
    return len(counts) > 1 and min(counts) > 0 and sum(counts) == item.count


async def _whole(work: Coroutine[Any, Any, float]) -> float:
    """Do the work to its end even where the caller is cancelled meanwhile, who is then cancelled after it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at: what fails now is tried again at the next start
        raise


async def _first(awaitable: Awaitable[object], stopping: asyncio.Future[Any]) -> None:
    """Wait for the awaitable, but no longer than for ``stopping``."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
