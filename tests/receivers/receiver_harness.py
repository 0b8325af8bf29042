"""A stand-in for the agent: takes batches, remembers positions as the ledger would."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from logagent.clock import SystemClock
from logagent.receivers.filelog import FilelogReceiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from logagent.model import RawBatch

DEADLINE_SECONDS = 20.0


class Ledger:
    """What was taken: batches, and the last position of each stream."""

    def __init__(self) -> None:
        self.batches: list[RawBatch] = []
        self.positions: dict[str, bytes] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.accepts = -1

    async def emit(self, batch: RawBatch) -> None:
        await self.open.wait()
        await asyncio.sleep(0)
        if self.accepts == 0:
            await asyncio.Event().wait()
        self.accepts -= 1
        self.batches.append(batch)
        if batch.position is None:
            self.positions.pop(batch.stream, None)
        else:
            self.positions[batch.stream] = batch.position

    @property
    def lines(self) -> list[str]:
        return [line.decode("utf-8", "replace") for batch in self.batches for line in batch.lines]

    @property
    def losses(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for batch in self.batches:
            total.update(batch.losses)
        return dict(total)


def receiver(include: Path | str | list[str], **options: Any) -> FilelogReceiver:
    defaults: dict[str, Any] = {
        "clock": SystemClock(),
        "start_at": "beginning",
        "quiet_seconds": 0.0,
        "rescan_seconds": 0.2,
    }
    patterns = include if isinstance(include, list) else [str(include)]
    return FilelogReceiver("app", include=patterns, **(defaults | options))


async def read_once(ledger: Ledger, include: Path | str | list[str], **options: Any) -> FilelogReceiver:
    """One ``run --once`` that resumes from the ledger."""
    made = receiver(include, **options)
    made.restore(ledger.positions)
    await asyncio.wait_for(made.run(ledger.emit, once=True, stop=asyncio.Event()), DEADLINE_SECONDS)
    return made


@asynccontextmanager
async def following(ledger: Ledger, include: Path | str | list[str], **options: Any) -> AsyncIterator[FilelogReceiver]:
    """A daemon that resumes from the ledger, past its first look, cancelled at the end."""
    made = receiver(include, **options)
    made.restore(ledger.positions)
    stop = asyncio.Event()
    task = asyncio.create_task(made.run(ledger.emit, once=False, stop=stop))
    try:
        if ledger.open.is_set():
            await until(lambda: made.caught_up or task.done())
        yield made
        if task.done():
            task.result()
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def until(condition: Callable[[], bool], explain: Callable[[], object] | None = None) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {explain() if explain else condition}")
        await asyncio.sleep(0.005)


async def expect(ledger: Ledger, lines: list[str]) -> None:
    """Wait until as many lines have come, and compare."""
    await until(lambda: len(ledger.lines) >= len(lines), lambda: (ledger.lines[-20:], lines[-20:]))
    assert ledger.lines == lines


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("ab") as file:
        file.write("".join(line + end for line in lines).encode())
