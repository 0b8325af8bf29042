"""``tail`` at work: bytes from files or a pipe, through the engine, into the view and onto the screen."""

from __future__ import annotations

import asyncio
import glob
import signal
from collections import deque
from typing import TYPE_CHECKING, Protocol

from logagent.cli import tail_files
from logagent.cli.tail_last import LastLines
from logagent.receivers.filelog import FilelogReceiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logagent.cli.screen import Line, Screen
    from logagent.cli.tail_open import Input
    from logagent.cli.tail_view import Shown, TailView
    from logagent.clock import Clock
    from logagent.model import Outcome, RawBatch

_TICK_SECONDS = 0.25
_WAKE_SECONDS = 0.1
"""How long what several followed files bring is gathered, to be written in order of time."""
_MOST_GATHERED = 10_000
_FORGET_EVERY = 64
"""Batches and ticks after which what is kept for a ledger is let go; here is none."""
_SILENT_WAITS = 5
"""Waits of a pipe from which nothing has come, after which a person is told what is waited for."""


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

    def __init__(
        self,
        begin: Callable[[], tuple[Engine, TailView]],
        screen: Screen,
        clock: Clock,
        *,
        raw: bool,
        on_silence: Callable[[], None],
    ) -> None:
        """``begin`` gives an engine and a view that know of nothing yet; ``on_silence`` is told of a pipe without a word."""
        self._begin = begin
        self._engine, self.view = begin()
        self._screen = screen
        self._clock = clock
        self._raw = raw
        self._on_silence = on_silence
        self._since_forgotten = 0
        self._gathered: list[Line] | None = None
        self._flushing: asyncio.TimerHandle | None = None

    def read(self, sources: Sequence[Input], last: int | None) -> None:
        """Reads each source to its end, and shows all of it or the last ``last`` that the selection lets through."""
        if self._raw and self.view.shows_everything and (last is None or all(source.seekable for source in sources)):
            for source in sources:
                for data in tail_files.chunks(source, tail_files.last_lines(source, last) if last is not None else 0):
                    self._screen.raw(data)
            return
        self._read(sources, last, {})
        self._screen.release()

    def catch_up(self, sources: Sequence[Input], last: int | None) -> dict[str, int]:
        """Shows what is there already; gives the offset up to which each source that can be followed has been read."""
        ends = {source.name: tail_files.last_lines(source, 0) for source in sources if source.followable}
        self._read(sources, last, ends)
        self._screen.release()
        self._screen.ordered = False
        self._screen.begin(self._clock.now())
        return ends

    async def follow(self, sources: Sequence[Input], ends: dict[str, int]) -> None:
        """Shows all that comes from there on, until SIGINT or SIGTERM; lines of one wake-up in order of time."""
        followed = [source for source in sources if source.followable]
        receiver = FilelogReceiver(
            tail_files.RECEIVER,
            include=[glob.escape(source.name) for source in followed],
            clock=self._clock,
            start_at="beginning",
        )
        receiver.restore({source.name: tail_files.position_at(source, ends[source.name]) for source in followed})
        self._gathered = [] if len(followed) > 1 else None
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        ticking = asyncio.create_task(self._tick())
        try:
            await receiver.run(self._emit, once=False, stop=stop)
        finally:
            ticking.cancel()
            self._flush()

    async def _emit(self, batch: RawBatch) -> None:
        self._show_live(self._take(batch))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._show_live(self._take(None))

    def _show_live(self, shown: list[Shown]) -> None:
        if self._gathered is None:
            self._show(shown)
            return
        self._gathered += _lines(shown)
        if len(self._gathered) >= _MOST_GATHERED:
            self._flush()
        elif self._gathered and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(_WAKE_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._gathered:
            lines, self._gathered = sorted(self._gathered, key=_time), []
            self._screen.show(lines)

    def _read(self, sources: Sequence[Input], last: int | None, ends: dict[str, int]) -> None:
        """Shows what the sources hold up to their ends; where none is given, that of the file, and what is open then."""
        if last is not None:
            self._show_last(sources, last, ends)
            return
        for source in sources:
            for shown in self._outcomes(source, 0, ends.get(source.name)):
                self._show(shown)
        if not ends:
            self._show(self._closed())

    def _show_last(self, sources: Sequence[Input], count: int, ends: dict[str, int]) -> None:
        seekable = [source for source in sources if source.seekable]
        last = LastLines(seekable, count, ends)
        while True:
            self._engine, self.view = self._begin()
            for source, start, end in last.parts():
                for shown in self._outcomes(source, start, end):
                    last.keep(source.name, shown)
            if not last.look_further():
                break
        for source in sources:
            if source not in seekable:
                for shown in self._outcomes(source, 0, ends.get(source.name)):
                    last.keep(source.name, shown)
        if not ends:
            last.keep(sources[0].name if len(sources) == 1 else "", self._closed())
        self.view.tally = last.tally()
        for kept in last.kept.values():
            self._show(list(kept))

    def _outcomes(self, source: Input, start: int, end: int | None) -> Iterable[list[Shown]]:
        waits = 0
        for batch in tail_files.batches(source, self._clock, start, end):
            waits = waits + 1 if batch is None and waits >= 0 else -1
            if waits == _SILENT_WAITS:
                self._on_silence()
            yield self._take(batch)

    def _closed(self) -> list[Shown]:
        return [] if self._raw else self.view.lines(self._engine.close(self._clock.now()))

    def _take(self, batch: RawBatch | None) -> list[Shown]:
        now = self._clock.now()
        self._since_forgotten += 1
        if self._since_forgotten >= _FORGET_EVERY:
            self._since_forgotten = 0
            deque(self._engine.changes(), maxlen=0)
        if batch is None:
            outcome = self._engine.tick(now)
            return [] if self._raw else self.view.lines(outcome)
        outcome = self._engine.process(batch, now)
        shown = (self.view.raw if self._raw else self.view.lines)(outcome, batch.lines)
        self.view.tally.dropped += sum(batch.losses.values())
        return shown

    def _show(self, shown: list[Shown]) -> None:
        self._screen.show(_lines(shown))


def _lines(shown: list[Shown]) -> list[Line]:
    return [(time, text) for time, text, _ in shown]


def _time(line: Line) -> int:
    return line[0]
