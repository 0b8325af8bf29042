"""The ``filelog`` receiver: lines of files that grow, rotate, shrink and vanish, each exactly once and in order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from aiofiles.os import wrap

from logagent.receivers.books import Limits
from logagent.receivers.discovery import Patterns
from logagent.receivers.fileset import FileSet
from logagent.receivers.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from logagent.clock import Clock
    from logagent.receivers.generations import Generations
    from logagent.receivers.protocol import Emit, ReceiverState
    from logagent.receivers.tailer import TailedFile

_SHORTEST_WAIT_SECONDS = 0.01
_REST_PER_SURVEY = 10


class FilelogReceiver:
    """Reads the files that patterns match.

    ``start_at`` is for files that exist when the receiver runs for the very first time, and
    with ``once`` always the beginning; later files are read from their start. Rotated files
    of a path are read before their successor, whether a pattern matches them or not.

    Where ``once`` ends at a last line without a line feed, that line is emitted and the
    position stands behind it; its rest, should there be one later, is a line of its own.
    """

    def __init__(  # noqa: PLR0913  # one argument an option, all but the first by keyword
        self,
        name: str,
        *,
        include: Sequence[str],
        clock: Clock,
        exclude: Sequence[str] = (),
        start_at: Literal["end", "beginning"] = "end",
        max_line_bytes: int = 1024 * 1024,
        chunk_bytes: int = 512 * 1024,
        quiet_seconds: float = 5.0,
        order_seconds: float = 60.0,
        hold_seconds: float = 3600.0,
        rescan_seconds: float = 5.0,
        poll_seconds: float = 0.25,
        max_open_files: int = 512,
        force_polling: bool = False,
    ) -> None:
        self.name = name
        limits = Limits(max_line_bytes, chunk_bytes, quiet_seconds, order_seconds, hold_seconds, max_open_files)
        self._files = FileSet(name, Patterns(include, exclude), limits, clock, start_at_end=start_at == "end")
        self._clock = clock
        self._rescan_seconds = rescan_seconds
        self._wakeup = Wakeup(poll_seconds=poll_seconds, force_polling=force_polling)
        # One at a time looks at or reads files, so that new ones are found and opened while
        # the reader waits for the agent to take a batch.
        self._lock = asyncio.Lock()
        self._turns: OrderedDict[Generations, None] = OrderedDict()
        self._waiting: set[Generations] = set()
        self._locations: dict[str, tuple[Generations, TailedFile]] = {}
        self._work = asyncio.Event()
        self._surveyed = False
        self._busy = False
        self._survey_files = wrap(self._files.survey)
        self._step_files = wrap(self._files.step)
        self._list_directories = wrap(self._files.directories)
        self._list_locations = wrap(self._files.locations)

    def restore(self, positions: Mapping[str, bytes]) -> None:
        """Take the positions of the last run."""
        self._files.restore(positions)

    async def run(self, emit: Emit, *, once: bool, stop: asyncio.Event) -> None:
        """Emit batches until ``stop`` is set or, with ``once``, until every file has been read to its end."""
        tasks = [asyncio.create_task(_until(stop))]
        try:
            if once:
                tasks.append(asyncio.create_task(self._read_once(emit)))
            else:
                tasks += [asyncio.create_task(self._look()), asyncio.create_task(self._read(emit))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._files.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def caught_up(self) -> bool:
        """Whether everything that existed at the last look has been emitted."""
        return self._surveyed and not (self._busy or self._turns or self._waiting)

    @property
    def polling(self) -> bool:
        """Whether files are looked at on a timer, because the system gives no notifications."""
        return self._wakeup.polling

    def observe(self) -> ReceiverState:
        """Give how far behind the receiver is, and how many files it has open."""
        return replace(self._files.observe(), polling=self.polling)

    async def _look(self) -> None:
        async with self._wakeup:
            survey_at = self._clock.monotonic()
            while True:
                if self._clock.monotonic() >= survey_at:
                    earliest = await self._survey_and_watch()
                    survey_at = self._clock.monotonic() + self._rescan_seconds
                modified, structural = await self._wakeup.wait(self._next_look(survey_at))
                async with self._lock:
                    look_again = self._mark_modified(modified)
                stuck = any(waiting.look_again for waiting in self._waiting)
                if structural or look_again or stuck or self.polling:
                    survey_at = min(survey_at, earliest)
                self._resume_waiting()

    async def _survey_and_watch(self) -> float:
        """Survey, and give when another may follow: where there is much to look at, not at every change."""
        began_at = self._clock.monotonic()
        await self._survey(once=False)
        while await self._wakeup.watch(await self._list_directories()):
            await self._survey(once=False)  # what came between the look and the watch
        ended_at = self._clock.monotonic()
        return ended_at + _REST_PER_SURVEY * (ended_at - began_at)

    def _next_look(self, survey_at: float) -> float:
        due = min([survey_at, *(waiting.wake_at or survey_at for waiting in self._waiting)])
        return max(due - self._clock.monotonic(), _SHORTEST_WAIT_SECONDS)

    async def _survey(self, *, once: bool) -> None:
        async with self._lock:
            await self._survey_files(once=once)
            self._locations = await self._list_locations()
        now = self._clock.monotonic()
        for generations in self._files.generations.values():
            if generations.pick(now, once=once) or generations.wake_at is not None:
                self._turns[generations] = None
        self._surveyed = True
        self._work.set()

    def _mark_modified(self, paths: set[str]) -> bool:
        """Put known files that were modified up for reading; true where one must be opened anew."""
        look_again = False
        for path in paths & self._locations.keys():
            generations, file = self._locations[path]
            file.at_end = False
            look_again = look_again or file.failed or file.unreadable
            self._turns[generations] = None
            self._work.set()
        return look_again

    def _resume_waiting(self) -> None:
        now = self._clock.monotonic()
        due = [waiting for waiting in self._waiting if (waiting.wake_at or now) <= now]
        if due:
            self._turns.update(dict.fromkeys(due))
            self._waiting.difference_update(due)
            self._work.set()

    async def _read(self, emit: Emit) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            await self._take_turns(emit, once=False)

    async def _read_once(self, emit: Emit) -> None:
        await self._survey(once=True)
        await self._take_turns(emit, once=True)

    async def _take_turns(self, emit: Emit, *, once: bool) -> None:
        """Read one chunk of each path in turn until there is nothing left to read."""
        await self._emit_notices(emit)
        self._busy = bool(self._turns)
        while self._turns:
            generations, _ = self._turns.popitem(last=False)
            if generations.pick(self._clock.monotonic(), once=once) is None:
                if generations.wake_at is not None:
                    self._waiting.add(generations)
                    self._wakeup.nudge()
                continue
            async with self._lock:
                batch = await self._step_files(generations, once=once)
            self._turns[generations] = None
            if batch:
                await emit(batch)
            await self._emit_notices(emit)
        self._busy = False

    async def _emit_notices(self, emit: Emit) -> None:
        for batch in self._files.notices():
            await emit(batch)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
