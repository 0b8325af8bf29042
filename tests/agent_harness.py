"""An agent in this process: its lines come from the test, its ledger and files are real."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from afn_lines import BEGIN_MS, line

from logagent import agent as agent_module
from logagent.catalog import load_catalog
from logagent.clock import SystemClock
from logagent.model import Delivery, DeliveryOutcome, OutboxDraft, RawBatch, Signal
from logagent.receivers.protocol import ReceiverState
from logagent.settings import Settings
from logagent.state.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from logagent.model import Changes, OutboxItem, Outcome
    from logagent.receivers.protocol import Emit
    from logagent.report import Summary

DEADLINE_SECONDS = 20.0
POLL_SECONDS = 0.005
LINES = "logagent_receiver_lines_total"
RECORDS = "log_records_total"
SLOW_MS = 1_500.0
"""A query of this duration is an alert by the shipped rules."""


def plain(count: int, *, first: int = 0) -> list[bytes]:
    return [line(BEGIN_MS + number, "app", f"line {number}") for number in range(first, first + count)]


def query(number: int, *, table: str = "runs", duration_ms: float = SLOW_MS) -> bytes:
    context = {
        "query_id": f"da78c942-ea16-4e91-8a51-{number:012d}",
        "operation": "SELECT",
        "table": table,
        "duration_ms": duration_ms,
    }
    return line(BEGIN_MS + number, "database", "Database query completed", context=context)


def settings_of(directory: Path, **tables: Any) -> Settings:
    """One receiver ``app``, a textfile, no address; tables replace these."""
    data = {
        "service": {"name": "backend"},
        "state": {"dir": "state"},
        "receivers": {"app": {"type": "stdin", "timezone": "UTC"}},
        "exporters": {"prometheus": {"listen": "", "textfile": "metrics.prom"}},
        **tables,
    }
    return Settings.model_validate(data, context={"directory": directory})


class ScriptedReceiver:
    """Emits what a test sends; what it sent before the position of the ledger it does not send again."""

    def __init__(self, name: str = "app", lines: Sequence[bytes] = (), *, size: int = 10) -> None:
        self.name = name
        self.restored = 0
        self.emitted = 0
        self._lines = list(lines)
        self._size = size
        self._more = asyncio.Event()

    def restore(self, positions: Mapping[str, bytes]) -> None:
        self.restored = self.emitted = int(positions.get("stream", b"0"))

    def send(self, lines: Sequence[bytes]) -> None:
        self._lines += lines
        self._more.set()

    async def run(self, emit: Emit, *, once: bool, stop: asyncio.Event) -> None:
        while not stop.is_set():
            while lines := self._lines[self.emitted : self.emitted + self._size]:
                end = self.emitted + len(lines)
                size = sum(len(each) + 1 for each in lines)
                await emit(RawBatch(self.name, "script", lines, "stream", b"%d" % end, time.time_ns(), size))
                self.emitted = end
            if once:
                return
            self._more.clear()
            await self._more.wait()

    @property
    def caught_up(self) -> bool:
        return self.emitted == len(self._lines)

    def observe(self) -> ReceiverState:
        return ReceiverState(lag_bytes=len(self._lines) - self.emitted)


class ScriptedExporter:
    """Delivers span ids to a list, or answers what a test says."""

    def __init__(self, name: str, *, outcome: DeliveryOutcome = DeliveryOutcome.DELIVERED) -> None:
        self.name = name
        self.outcome = outcome
        self.delivered: list[bytes] = []
        self.attempts = 0
        self.padding = 0
        """Bytes that make an item larger than its ids."""
        self._ids: list[bytes] = []

    def add(self, outcome: Outcome) -> None:
        self._ids += [span.span_id for span in outcome.spans]

    def take(self) -> list[OutboxDraft]:
        ids, self._ids = self._ids, []
        payload = b"".join(ids) + bytes(self.padding)
        return [OutboxDraft(self.name, Signal.TRACES, len(ids), lambda: payload)] if ids else []

    def restore(self, entries: Mapping[str, bytes]) -> None:
        pass

    async def deliver(self, item: OutboxItem) -> Delivery:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.outcome is DeliveryOutcome.DELIVERED:
            self.delivered += [item.payload[at : at + 8] for at in range(0, 8 * item.count, 8)]
        return Delivery(self.outcome, "as the test says")

    async def close(self) -> None:
        pass


class Harness:
    """An agent over a directory, run and run again."""

    def __init__(self, directory: Path, settings: Settings | None = None) -> None:
        self.settings = settings or settings_of(directory)
        self.textfile = directory / "metrics.prom"
        self.state = directory / "state"
        self.receiver = ScriptedReceiver()
        self.exporters: list[ScriptedExporter] = []
        self.agent = self.begin()

    def begin(self, lines: Sequence[bytes] = ()) -> agent_module.Agent:
        """A new agent, as after a restart; its receiver has these lines from the beginning."""
        self.receiver = ScriptedReceiver(lines=lines)
        exporters = {exporter.name: exporter for exporter in self.exporters}
        with (
            patch.object(agent_module, "build_exporters", lambda *_: exporters),
            patch.object(agent_module, "build_receivers", lambda *_: [self.receiver]),
        ):
            self.agent = agent_module.Agent(self.settings, load_catalog(self.settings), SystemClock())
        return self.agent

    async def once(self) -> Summary:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.agent.run(asyncio.Event(), once=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[Summary]]:
        """The agent, until the block's end, where it is stopped and must end well."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.agent.run(stop))
        try:
            await self.until(lambda: self.agent.running or task.done(), "it runs")
            yield task
        finally:
            stop.set()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await task

    def refuse_commits(self, reason: str) -> set[str]:
        """From now on commits fail, for as long as the returned set has the reason in it."""
        ledger = self.agent.committer.ledger
        write, reasons = ledger.commit, {reason}

        async def commit(changes: Changes) -> float:
            if reasons:
                raise LedgerError(reason)
            return await write(changes)

        ledger.commit = commit  # type: ignore[method-assign]
        return reasons

    async def until(self, reached: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not reached():
            assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
            await asyncio.sleep(POLL_SECONDS)

    async def until_shown(self, sample: str, value: float) -> None:
        await self.until(lambda: self.shown(sample) >= value, f"{sample} is {value}")
        assert self.shown(sample) == value

    def shown(self, sample: str) -> float:
        """The sum of the textfile's samples whose line begins so."""
        return value_of(self.textfile.read_text() if self.textfile.exists() else "", sample)

    async def scraped(self, sample: str) -> float:
        exposition, _ = await self.agent.report.metrics("")
        return value_of(exposition.decode(), sample)

    def processed(self, sample: str) -> float:
        """What a counter of the running agent stands at, committed or not."""
        return value_of(self.agent.report.exposition(openmetrics=False).decode(), sample)


def broken(*_: object) -> Outcome:
    """A bug."""
    raise ZeroDivisionError


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def value_of(exposition: str, sample: str) -> float:
    lines = [each for each in exposition.splitlines() if each.startswith(sample)]
    return sum(float(each.rpartition(" ")[2]) for each in lines)
