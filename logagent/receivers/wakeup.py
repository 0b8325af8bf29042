"""When to look: change notifications where they can be had, a timer where not."""

# ruff: noqa: PTH116  # thousands of names are compared at a look, and glob's patterns are strings

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from watchfiles import Change, awatch

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEBOUNCE_MILLISECONDS = 50
_STEP_MILLISECONDS = 10


class Wakeup:
    """Says that something may have changed in a set of directories, and where; never what it is now.

    ``polling`` is true where the system gives no notifications (its inotify watches have run
    out, or ``force_polling``); then ``wait`` ends after ``poll_seconds`` at the latest.
    """

    def __init__(self, *, poll_seconds: float, force_polling: bool = False) -> None:
        self.polling = force_polling
        self._force_polling = force_polling
        self._poll_seconds = poll_seconds
        self._watched: frozenset[tuple[str, int, int]] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._woken = asyncio.Event()
        self._modified: set[str] = set()
        self._structural = False

    async def __aenter__(self) -> Self:
        """Watch nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching."""
        await self._end()

    async def watch(self, directories: Iterable[str]) -> bool:
        """Watch these directories from now on; true where that changed, so that a look is due.

        A directory that was removed and made again counts as another one.
        """
        wanted = frozenset(_identify(directories))
        ended = self._task is not None and self._task.done()
        if self._force_polling or (wanted == self._watched and not ended):
            return False
        await self._end()
        self._watched = wanted
        self.polling = False
        if wanted:
            self._stop = asyncio.Event()
            watching = self._run([path for path, _, _ in wanted], self._stop)
            self._task = asyncio.create_task(watching)
            await asyncio.sleep(0)  # lets the task run to where the kernel has the watches
        return True

    async def wait(self, timeout: float) -> tuple[set[str], bool]:  # noqa: ASYNC109  # a wake-up by time is a result here
        """Wait for a change or the time; give the paths that were modified, and whether names changed."""
        if self.polling:
            timeout = min(timeout, self._poll_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._woken.wait()
        self._woken.clear()
        modified, self._modified = self._modified, set()
        structural, self._structural = self._structural, False
        return modified, structural

    def nudge(self) -> None:
        """End the wait, for there is something new to wait for."""
        self._woken.set()

    async def _run(self, directories: list[str], stop: asyncio.Event) -> None:
        try:
            async for changes in awatch(
                *directories,
                watch_filter=None,
                debounce=_DEBOUNCE_MILLISECONDS,
                step=_STEP_MILLISECONDS,
                stop_event=stop,
                recursive=False,
                ignore_permission_denied=True,
            ):
                for change, path in changes:
                    if change is Change.modified:
                        self._modified.add(path)
                    else:
                        self._structural = True
                self._woken.set()
        except (OSError, RuntimeError):
            # OSError: a directory has just gone, or the limit on watches is reached. RuntimeError
            # is what watchfiles' own errors are. Either way the next survey tries again.
            self.polling = True
            self._woken.set()

    async def _end(self) -> None:
        if self._task is None:
            return
        task, self._task = self._task, None
        self._stop.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _identify(directories: Iterable[str]) -> Iterable[tuple[str, int, int]]:
    for path in directories:
        with suppress(OSError):
            stat = os.stat(path)
            yield path, stat.st_dev, stat.st_ino
