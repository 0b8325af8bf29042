"""``tail`` at work: bytes from files or a pipe, through the engine, into the view and onto the screen."""

from __future__ import annotations

import asyncio
import glob
import signal
from collections import deque
from typing import TYPE_CHECKING, Protocol

from logagent.cli import tail_files
from logagent.receivers.filelog import FilelogReceiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logagent.cli.screen import Screen
    from logagent.cli.tail_files import Input
    from logagent.cli.tail_view import TailView
    from logagent.clock import Clock
    from logagent.model import Outcome, RawBatch

_TICK_SECONDS = 0.25
_FORGET_EVERY = 64
"""Batches and ticks after which what is kept for a ledger is let go; here is none."""


class Engine(Protocol):
    """The pipeline, as far as ``tail`` uses it."""

    def process(self, batch: RawBatch, now: int) -> Outcome:
        """What a batch comes to."""
        ...

    def tick(self, now: int) -> Outcome:
        """What the passing of time comes to."""
        ...

    def close(self, now: int) -> Outcome:
        """What is still open."""
        ...

    def changes(self) -> Iterable[object]:
        """What a ledger would store; kept until it is taken."""
        ...


class TailRun:
    """One run of ``tail``. With ``raw`` the selected lines pass as bytes; nothing selected passes untouched."""

    def __init__(self, view: TailView, engine: Engine, screen: Screen, clock: Clock, *, raw: bool) -> None:
        self._view = view
        self._engine = engine
        self._screen = screen
        self._clock = clock
        self._raw = raw
        self._since_forgotten = 0

    def read(self, sources: Sequence[Input], last: int | None) -> None:
        """Reads each source to its end; the last ``last`` lines of a file, or all."""
        for source in sources:
            offset = _offset(source, last)
            if self._raw and self._view.shows_everything:
                for data in tail_files.chunks(source, offset):
                    self._screen.raw(data)
                continue
            for batch in tail_files.batches(source, self._clock, offset):
                self._take(batch)
        if not self._raw:
            self._screen.show(self._view.lines(self._engine.close(self._clock.now())))
        self._screen.finish()

    async def follow(self, sources: Sequence[Input], last: int | None) -> None:
        """Shows the last lines of each file and then all that comes, until SIGINT or SIGTERM."""
        receiver = FilelogReceiver(
            tail_files.RECEIVER,
            include=[glob.escape(source.name) for source in sources],
            clock=self._clock,
            start_at="beginning",
        )
        receiver.restore(
            {source.name: tail_files.position_at(source, _offset(source, last)) for source in sources if source.regular}
        )
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        ticking = asyncio.create_task(self._tick())
        try:
            await receiver.run(self._emit, once=False, stop=stop)
        finally:
            ticking.cancel()
        self._screen.finish()

    async def _emit(self, batch: RawBatch) -> None:
        self._take(batch)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._take(None)

    def _take(self, batch: RawBatch | None) -> None:
        now = self._clock.now()
        self._since_forgotten += 1
        if self._since_forgotten >= _FORGET_EVERY:
            self._since_forgotten = 0
            deque(self._engine.changes(), maxlen=0)
        outcome: Outcome = self._engine.tick(now) if batch is None else self._engine.process(batch, now)
        lines = batch.lines if batch else ()
        if self._raw:
            self._screen.raw(b"".join(lines[place] + b"\n" for place in self._view.picked(outcome, lines)))
        else:
            self._screen.show(self._view.lines(outcome, lines))
        if batch is not None:
            self._view.tally.dropped += sum(batch.losses.values())


def _offset(source: Input, last: int | None) -> int:
    return tail_files.last_lines(source, last) if last is not None and source.regular else 0
