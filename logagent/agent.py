"""The agent: wires receivers, core, ledger and exporters; starts, drains and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
from typing import TYPE_CHECKING, Any

from logagent import __version__, telemetry
from logagent.committer import Committer
from logagent.components import build_exporters, build_receivers, prometheus_settings
from logagent.errors import UnreachableError
from logagent.exporters.drain import Drain, ExportResult
from logagent.exporters.textfile import Textfile
from logagent.model import DeliveryOutcome, Outcome, RawBatch, Signal
from logagent.pipeline import build_pipeline
from logagent.reloading import Reloader
from logagent.report import Report, Summary, announce
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger
from logagent.web.live import LiveView

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.catalog import Catalog
    from logagent.clock import Clock
    from logagent.receivers.protocol import Receiver
    from logagent.settings import Settings
    from logagent.web.server import WebServer

log = logging.getLogger("logagent")

COMMIT_SECONDS = 0.2
COMMIT_LINES = 50_000
"""A commit does not wait for its time where so many lines came."""
TEXTFILE_SECONDS = 5.0
"""Textfiles are written anew after this where nothing was committed, for gauges that tell of the present."""
TICK_SECONDS = 0.5
FLUSH_SECONDS = 5.0
"""How long a stopping agent goes on delivering; the rest, and what is then under way, waits in the ledger."""
ONCE_FLUSH_SECONDS = 60.0
"""The same where it is to read all and end; and how long it then waits where it cannot go on reading."""
_FULL_WAIT_SECONDS = 0.1
_BUG_SECONDS = 60.0
"""Between two tracebacks: a bug that one line meets, every line may meet."""
_YOUNG_OBJECTS = 100_000
"""Records and spans form no cycles: looking for cycles among them as often as by default costs 7 % of all time."""


class StalledError(UnreachableError):
    """A single pass cannot go on: what it read can neither be delivered nor kept."""


class Agent:
    """One agent with one configuration; ``report`` tells of it."""

    def __init__(self, settings: Settings, catalog: Catalog, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        shows = prometheus_settings(settings)
        self._addresses = [options.address for options in shows if options.address]
        self.textfiles = [Textfile(options.textfile) for options in shows if options.textfile]
        self._exporters = build_exporters(settings, clock)
        self.receivers: list[Receiver] = build_receivers(settings, clock)
        self._catalog = catalog
        self._begin()
        self.drains: dict[str, Drain] = {}
        self.summary = Summary()
        self._failing: dict[str, str] = {}
        """Exporters that cannot deliver now, with the reason."""
        self.started = clock.monotonic()
        self.running = False
        self._once = False
        self._work = asyncio.Event()
        self._committer: Committer | None = None
        self._quiet_until = 0.0
        self._textfiles_due = 0.0
        self.reloader = Reloader(settings, self._put_in_force, self._count_reload)
        self.report = Report(self)

    @property
    def committer(self) -> Committer:
        """The way into the ledger, once that is open."""
        if self._committer is None:
            raise RuntimeError("the agent has not been started")
        return self._committer

    # -- life ----------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, *, once: bool = False) -> Summary:
        """Runs until ``stop`` is set; with ``once``, to the end of all input.

        Raises LogagentError where it cannot start.
        """
        self.started = self.clock.monotonic()
        self._once = once
        ledger = Ledger.open(self.settings.state.dir, self.clock)
        servers = self._servers()
        try:
            await self._recall(ledger)
            dropped_before = self.report.dropped()
            for server, (host, port) in zip(servers, self._addresses, strict=True):
                await server.start(host, port)
            pages = [f"http://{host}:{port}/" for host, port in self._addresses]
            log.info(
                "%s %s; page and metrics: %s; ledger in %s",
                __version__,
                f"reads {', '.join(receiver.name for receiver in self.receivers)}",
                ", ".join(pages) or "none",
                self.settings.state.dir,
            )
            gc.collect()
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, 50, 1000)
            await self._run(stop)
            self.summary.dropped = self.report.dropped() - dropped_before
        finally:
            self.running = False
            for server in servers:
                await server.stop()
            for exporter in self._exporters.values():
                await exporter.close()
            await ledger.close()
        self.summary.seconds = round(self.clock.monotonic() - self.started, 3)
        log.info("stopped after %d lines; the next start goes on from there", self.summary.lines)
        if self.summary.undelivered:
            log.info("%d spans or records wait in the ledger to be delivered then", self.summary.undelivered)
        return self.summary

    def _servers(self) -> list[WebServer]:
        """One for each address."""
        if not self._addresses:
            return []
        from logagent.web.server import WebServer  # noqa: PLC0415 - a third of all modules, and not everybody listens

        return [WebServer(self.report, self.clock) for _ in self._addresses]

    def _begin(self) -> None:
        settings = self.settings
        whole = bool(self._exporters or self._addresses)
        logs = any(Signal.LOGS.value in getattr(options, "signals", ()) for options in settings.exporters.values())
        self.pipeline = build_pipeline(self._catalog, settings, identify=whole, marks=logs or bool(self._addresses))
        self.live = LiveView(self.pipeline.assembler.identifier.identify)

    async def _recall(self, ledger: Ledger) -> None:
        try:
            self._restore(ledger)
        except Exception as error:
            if isinstance(error, LedgerError) and not error.corrupt:
                raise
            # Written by another program, another version or a dying disk: as good as corrupt.
            # The one line about it comes with the new ledger.
            log.debug("what the ledger holds cannot be understood", exc_info=error)
            await ledger.replace_corrupt(f"it cannot be understood ({type(error).__name__}: {error})")
            self._begin()
            self._restore(ledger)

    def _restore(self, ledger: Ledger) -> None:
        own = self.pipeline.telemetry
        if ledger.set_aside is not None:
            log.error("a corrupt ledger was set aside as %s: %s", ledger.set_aside, ledger.set_aside_reason)
            own.family(telemetry.LEDGER_SET_ASIDE).find(()).add(1)
        if ledger.rolled_back:
            log.error(
                "the ledger lacks its last %d commits or more: its write-ahead log was lost, or an older copy put in its "
                "place; counters go back, and what came since is read and delivered again where it still exists",
                ledger.rolled_back,
            )
            own.family(telemetry.LEDGER_ROLLED_BACK).find(()).add(1)
        committer = self._committer = Committer(
            self.pipeline, ledger, self._exporters, self._seen, keep_outcomes=bool(self._addresses)
        )
        self.pipeline.restore(lambda room: committer.adopt(room, ledger.load(room)), self.clock.now())
        for notice in self.pipeline.store.notices:
            log.warning("%s", notice)
        positions = committer.adopt("positions", ledger.load("positions"))
        for receiver in self.receivers:
            prefix = f"{receiver.name}\0"
            receiver.restore(
                {key.removeprefix(prefix): value for key, value in positions.items() if key.startswith(prefix)}
            )
        for name, exporter in self._exporters.items():
            exporter.restore(ledger.load(f"exporter/{name}"))
            chance = random.Random()  # noqa: S311 - spreads attempts to deliver over time
            self.drains[name] = Drain(
                exporter, ledger, self.clock, random=chance, account=committer.counting, on_result=self._delivered
            )
        for name, state in ledger.outbox_state().items():
            if state.count and name not in self.drains:
                log.warning("%d spans or records wait for exporter %s, which is not configured", state.count, name)
        own.family(telemetry.CONFIG_RELOADS).find(("success",)).add(1)

    async def _run(self, stop: asyncio.Event) -> None:
        closing, ended = asyncio.Event(), asyncio.Event()
        receiving = [asyncio.create_task(r.run(self._emit, once=self._once, stop=stop)) for r in self.receivers]
        committing = asyncio.create_task(self._commit_regularly(closing))
        draining = [asyncio.create_task(drain.run(ended)) for drain in self.drains.values()]
        regular = [] if self._once else [self._tick_regularly(), self.reloader.run()]
        ticking = [asyncio.create_task(work) for work in regular]
        stopping = asyncio.create_task(stop.wait())
        all_read = False
        self.running = True
        try:
            all_read = await self._wait([*receiving, committing, *draining, *ticking], receiving, stopping)
        except StalledError as error:
            self.summary.problems.append(error.message)
        finally:
            self.running = False
            cancelled = [*receiving, *ticking, stopping]
            for task in cancelled:
                task.cancel()
            closing.set()
            self._work.set()
            # A commit or a textfile that is being written is finished.
            await asyncio.gather(*cancelled, committing, return_exceptions=True)
            if all_read:
                self._take(self._internally(self.pipeline.close), 0)
            await self._flush(ended, draining)
            await self._sum_up()

    async def _wait(
        self, tasks: list[asyncio.Task[None]], receiving: list[asyncio.Task[None]], stopping: asyncio.Task[Any]
    ) -> bool:
        """Until the agent is to stop; whether everything there is has been read, where once is enough.

        A task that fails ends the agent with its error: none may die unseen.
        """
        pending: set[asyncio.Task[Any]] = {*tasks, stopping}
        while not stopping.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self._once and not stopping.done() and all(task.done() for task in receiving):
                return True
        return False

    async def _flush(self, ended: asyncio.Event, draining: list[asyncio.Task[None]]) -> None:
        """Delivers for a while; then an attempt that is still under way is given up, and its item stays."""
        with contextlib.suppress(LedgerError):
            await self._show()
        seconds = ONCE_FLUSH_SECONDS if self._once else FLUSH_SECONDS
        await asyncio.gather(*(drain.flush(seconds) for drain in self.drains.values()))
        ended.set()
        for task in draining:
            task.cancel()
        await asyncio.gather(*draining, return_exceptions=True)

    async def _sum_up(self) -> None:
        with contextlib.suppress(LedgerError):
            await self._show()
        if self.committer.problem:
            self.summary.problems.append(self.committer.problem)
        waiting = self.committer.ledger.outbox_state()
        self.summary.undelivered = sum(state.count for name, state in waiting.items() if name in self.drains)
        self.summary.problems += [f"exporter {name} cannot deliver: {why}" for name, why in self._failing.items()]

    # -- the way of a batch --------------------------------------------------------------------------------

    async def _emit(self, batch: RawBatch) -> None:
        await self._wait_for_room()
        try:
            outcome = self.pipeline.process(batch, self.clock.now())
        except Exception as error:  # noqa: BLE001 - a bug; the lines are lost and counted, and not met again
            self._tell_bug(error, f"{len(batch.lines)} lines of {batch.source} are lost")
            outcome = self.pipeline.give_up(batch)
        self._take(outcome, len(batch.lines))
        if self.committer.uncommitted_lines >= COMMIT_LINES:
            self._work.set()
        await asyncio.sleep(0)

    async def _wait_for_room(self) -> None:
        began = self.clock.monotonic()
        while reason := self._full():
            if self._once and self.clock.monotonic() - began > ONCE_FLUSH_SECONDS:
                raise StalledError(f"reading has waited for {ONCE_FLUSH_SECONDS:.0f} s: {reason}")
            await asyncio.sleep(_FULL_WAIT_SECONDS)

    def _full(self) -> str:
        """Why reading must wait, if it must: the outbox is at its limit, or the ledger cannot be written."""
        if self.committer.problem:
            return self.committer.problem
        waiting = self.committer.ledger.outbox_state()
        size = sum(state.bytes for name, state in waiting.items() if name in self.drains)
        return "the outbox is full" if size >= self.settings.limits.outbox else ""

    def _take(self, outcome: Outcome, lines: int) -> None:
        summary = self.summary
        summary.lines += lines
        summary.records += len(outcome.records)
        summary.spans += len(outcome.spans)
        summary.errors += len(outcome.failures)
        summary.alerts += len(outcome.alerts)
        self.committer.add(outcome, lines)

    def _internally(self, step: Callable[[int], Outcome]) -> Outcome:
        """What the passing of time comes to."""
        try:
            return step(self.clock.now())
        except Exception as error:  # noqa: BLE001 - a bug; what it cost cannot be known
            self._tell_bug(error, "open spans and alerts may be lost")
            self.pipeline.telemetry.add(telemetry.DROPPED, {"internal_error": 1})
            return Outcome()

    def _tell_bug(self, error: Exception, cost: str) -> None:
        if self.clock.monotonic() >= self._quiet_until:
            self._quiet_until = self.clock.monotonic() + _BUG_SECONDS
            log.error("internal error: %s", cost, exc_info=error)

    def _seen(self, outcomes: list[Outcome]) -> None:
        """Shows what has been committed."""
        for outcome in outcomes:
            announce(outcome.alerts)
        if self._addresses:
            try:
                for outcome in outcomes:
                    self.live.add(outcome)
            except Exception as error:  # noqa: BLE001 - a bug in the page must not stop the agent
                self._tell_bug(error, "the page lacks some lines")

    def _delivered(self, result: ExportResult) -> None:
        if result.outcome in {DeliveryOutcome.RETRY, DeliveryOutcome.SPLIT}:
            # What is final has been counted where it was written down.
            labels = (result.exporter, result.signal.value, result.outcome.value)
            self.pipeline.telemetry.family(telemetry.EXPORTED).find(labels).add(result.count)
        self._tell_of_delivery(result)

    def _tell_of_delivery(self, result: ExportResult) -> None:
        """One line in the log when a destination begins to fail, and one when it works again."""
        name, failing = result.exporter, self._failing
        if result.outcome is DeliveryOutcome.DELIVERED:
            if failing.pop(name, None) is not None:
                log.info("exporter %s delivers again", name)
        elif result.outcome is not DeliveryOutcome.SPLIT:
            if name not in failing:
                log.warning("exporter %s cannot deliver: %s", name, result.reason)
            failing[name] = result.reason

    # -- regular work --------------------------------------------------------------------------------------

    async def _commit_regularly(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), COMMIT_SECONDS)
            self._work.clear()
            with contextlib.suppress(LedgerError):
                await self._show()
            for drain in self.drains.values():
                drain.wake()

    async def _show(self) -> None:
        """Commits; where metrics are also written to files, writes exactly what was committed."""
        if not self.textfiles:
            await self.committer.commit()
            return
        fresh = self.clock.monotonic() < self._textfiles_due
        exposition = await self.committer.commit(lambda: self.report.exposition(openmetrics=False), if_changed=fresh)
        if not exposition:
            return
        self._textfiles_due = self.clock.monotonic() + TEXTFILE_SECONDS
        for textfile in self.textfiles:
            await asyncio.to_thread(textfile.write, exposition)

    async def _put_in_force(self, catalog: Catalog) -> None:
        await self.committer.reload(catalog, self.settings)
        self._catalog = catalog

    def _count_reload(self, outcome: str) -> None:
        self.pipeline.telemetry.family(telemetry.CONFIG_RELOADS).find((outcome,)).add(1)

    async def _tick_regularly(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if all(receiver.caught_up for receiver in self.receivers) and not self.committer.problem:
                outcome = self._internally(self.pipeline.tick)
                if outcome.spans or outcome.alerts or outcome.notifications:
                    self._take(outcome, 0)
