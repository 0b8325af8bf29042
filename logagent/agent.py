"""The agent: wires receivers, core, ledger and exporters; starts, drains and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from logagent import telemetry
from logagent.catalog import Catalog
from logagent.clock import Clock
from logagent.committer import Committer
from logagent.components import build_exporters, build_receivers, prometheus_settings
from logagent.exporters.drain import Drain, ExportResult
from logagent.exporters.textfile import Textfile
from logagent.metrics.exposition import negotiate
from logagent.metrics.process import process_metrics
from logagent.model import Outcome, RawBatch, Signal
from logagent.pipeline import build_pipeline
from logagent.receivers.protocol import Receiver
from logagent.report import Report
from logagent.settings import Settings
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger
from logagent.web.live import LiveView
from logagent.web.server import WebServer

log = logging.getLogger("logagent")

COMMIT_SECONDS = 0.2
COMMIT_LINES = 50_000
"""A commit does not wait for its time where so many lines came."""
TICK_SECONDS = 0.5
FLUSH_SECONDS = 10.0
"""How long a stopping agent goes on delivering; the rest waits in the ledger."""
ONCE_FLUSH_SECONDS = 60.0
_FULL_WAIT_SECONDS = 0.1
_YOUNG_OBJECTS = 100_000
"""Records and spans form no cycles: looking for cycles among them as often as by default costs 7 % of all time."""


@dataclass(slots=True)
class Summary:
    """What a run did."""

    lines: int = 0
    records: int = 0
    dropped: int = 0
    spans: int = 0
    errors: int = 0
    alerts: int = 0
    undelivered: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Agent:
    """One agent with one configuration. It is the web page's view of itself through ``Report``."""

    def __init__(self, settings: Settings, catalog: Catalog, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        shows = prometheus_settings(settings)
        self._addresses = [options.address for options in shows if options.address]
        self._textfiles = [Textfile(options.textfile) for options in shows if options.textfile]
        self._exporters = build_exporters(settings, clock)
        self.receivers: list[Receiver] = build_receivers(settings, clock)
        whole = bool(self._exporters or self._addresses)
        logs = [options for options in settings.exporters.values() if Signal.LOGS.value in getattr(options, "signals", ())]
        marks = bool(logs or self._addresses)
        self.pipeline = build_pipeline(catalog, settings, identify=whole, marks=marks)
        self.live = LiveView(self.pipeline.assembler.identifier.identify)
        self.ledger: Ledger | None = None
        self.drains: dict[str, Drain] = {}
        self.summary = Summary()
        self.started = clock.monotonic()
        self.running = False
        self._work = asyncio.Event()
        self.committer: Committer | None = None
        self._report = Report(self)

    # -- life ----------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, *, once: bool = False) -> Summary:
        """Runs until ``stop`` is set; with ``once``, to the end of all input.

        Raises LogagentError where it cannot start.
        """
        self.started = self.clock.monotonic()
        ledger = self.ledger = Ledger.open(self.settings.state.dir, self.clock)
        server = WebServer(self, self.clock)
        try:
            self._restore(ledger)
            for host, port in self._addresses:
                await server.start(host, port)
            gc.collect()
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, 50, 1000)
            await self._run(stop, once=once)
        finally:
            self.running = False
            await server.stop()
            for exporter in self._exporters.values():
                await exporter.close()
            await ledger.close()
        self.summary.seconds = round(self.clock.monotonic() - self.started, 3)
        return self.summary

    def _restore(self, ledger: Ledger) -> None:
        if ledger.set_aside is not None:
            log.error("a corrupt ledger was set aside as %s: %s", ledger.set_aside, ledger.set_aside_reason)
            self.pipeline.telemetry.family(telemetry.LEDGER_SET_ASIDE).find(()).add(1)
        self.committer = Committer(
            self.pipeline, ledger, self._exporters, self._seen, keep_outcomes=bool(self._addresses)
        )
        committer = self.committer
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
            self.drains[name] = Drain(
                exporter, ledger, self.clock, random=random.Random(), on_result=self._delivered  # noqa: S311 - jitter
            )

    async def _run(self, stop: asyncio.Event, *, once: bool) -> None:
        ended = asyncio.Event()
        receiving = [asyncio.create_task(r.run(self._emit, once=once, stop=stop)) for r in self.receivers]
        background = [
            asyncio.create_task(self._commit_regularly()),
            *(asyncio.create_task(drain.run(ended)) for drain in self.drains.values()),
        ]
        if not once:
            background.append(asyncio.create_task(self._tick_regularly()))
        stopping = asyncio.create_task(stop.wait())
        self.running = True
        try:
            await self._wait([*receiving, *background], receiving, stopping, once=once)
        finally:
            for task in [*receiving, *background[:1], *background[1 + len(self.drains) :], stopping]:
                task.cancel()
            await asyncio.gather(*receiving, background[0], stopping, return_exceptions=True)
            if once and not stop.is_set():
                self._take(self.pipeline.close(self.clock.now()), 0)
            await self._finish(ONCE_FLUSH_SECONDS if once else FLUSH_SECONDS)
            ended.set()
            await asyncio.gather(*background, return_exceptions=True)

    @staticmethod
    async def _wait(
        tasks: list[asyncio.Task[None]], receiving: list[asyncio.Task[None]], stopping: asyncio.Task[object], *, once: bool
    ) -> None:
        """Until the agent is to stop. A task that fails ends the agent with its error: none may die unseen."""
        pending: set[asyncio.Task[object]] = {*tasks, stopping}  # type: ignore[arg-type]
        while not stopping.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task is not stopping:
                    task.result()
            if once and all(task.done() for task in receiving):
                return

    async def _finish(self, flush_seconds: float) -> None:
        committer = self._committer()
        try:
            await committer.commit()
        except LedgerError as error:
            self.summary.problems.append(error.message)
        flushes = [drain.flush(flush_seconds) for drain in self.drains.values()]
        await asyncio.gather(*flushes)
        with contextlib.suppress(LedgerError):
            await self._show()
        assert self.ledger is not None
        waiting = self.ledger.outbox_state()
        self.summary.undelivered = sum(state.count for name, state in waiting.items() if name in self.drains)

    def _committer(self) -> Committer:
        assert self.committer is not None
        return self.committer

    # -- the way of a batch --------------------------------------------------------------------------------

    async def _emit(self, batch: RawBatch) -> None:
        while self._full():
            await asyncio.sleep(_FULL_WAIT_SECONDS)
        try:
            outcome = self.pipeline.process(batch, self.clock.now())
        except Exception:
            # a bug; the lines are given up and counted, so that the agent lives and does not meet them again
            log.exception("internal error in %d lines of %s", len(batch.lines), batch.source)
            outcome = self.pipeline.give_up(batch)
        self._take(outcome, len(batch.lines))
        if self._committer().uncommitted_lines >= COMMIT_LINES:
            self._work.set()
        await asyncio.sleep(0)

    def _take(self, outcome: Outcome, lines: int) -> None:
        summary = self.summary
        summary.lines += lines
        summary.records += len(outcome.records)
        summary.spans += len(outcome.spans)
        summary.errors += len(outcome.failures)
        summary.alerts += len(outcome.alerts)
        self._committer().add(outcome, lines)

    def _full(self) -> bool:
        """Whether reading must wait: the outbox is at its limit, or the ledger cannot be written."""
        if self._committer().problem:
            return True
        if not self.drains or self.ledger is None:
            return False
        return sum(state.bytes for state in self.ledger.outbox_state().values()) >= self.settings.limits.outbox

    def _seen(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.live.add(outcome)

    def _delivered(self, result: ExportResult) -> None:
        labels = (result.exporter, result.signal.value, result.outcome.value)
        self.pipeline.telemetry.family(telemetry.EXPORTED).find(labels).add(result.count)

    # -- regular work --------------------------------------------------------------------------------------

    async def _commit_regularly(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), COMMIT_SECONDS)
            self._work.clear()
            with contextlib.suppress(LedgerError):
                await self._show()
            for drain in self.drains.values():
                drain.wake()

    async def _show(self) -> None:
        """Commits; where metrics are also written to files, writes exactly what was committed."""
        committer = self._committer()
        if not self._textfiles:
            await committer.commit()
            return
        exposition = await committer.commit(lambda: self._exposition(openmetrics=False))
        for textfile in self._textfiles:
            await asyncio.to_thread(textfile.write, exposition)

    async def _tick_regularly(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if all(receiver.caught_up for receiver in self.receivers) and not self._committer().problem:
                outcome = self.pipeline.tick(self.clock.now())
                if outcome.spans or outcome.alerts:
                    self._take(outcome, 0)

    # -- what the page and scrapes see ---------------------------------------------------------------------

    def _exposition(self, *, openmetrics: bool) -> bytes:
        self._report.observe()
        parts = [
            self.pipeline.store.render(openmetrics=openmetrics),
            self.pipeline.telemetry.store.render(openmetrics=openmetrics),
            process_metrics(openmetrics=openmetrics),
        ]
        return b"".join(parts)

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type; commits first."""
        openmetrics, content_type = negotiate(accept)
        return await self._committer().commit(lambda: self._exposition(openmetrics=openmetrics)), content_type

    def health(self) -> Mapping[str, object]:
        """The agent's own state."""
        return self._report.health()

    def ready(self) -> bool:
        """Whether configuration, ledger and receivers are up."""
        return self.running and not self._committer().problem

    def alerts(self) -> Sequence[Mapping[str, object]]:
        """The firing alerts."""
        return self._report.alerts()

    def budgets(self) -> Sequence[Mapping[str, object]]:
        """Each budget's state."""
        return self._report.budgets()

    def totals(self) -> Mapping[str, object]:
        """Totals since the ledger began."""
        return self._report.totals()
