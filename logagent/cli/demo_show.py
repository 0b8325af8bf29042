"""What ``logagent demo`` shows while the agent runs: one line that goes on, and alerts as they come."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from logagent.cli.demo_text import AlertLog, firing_count, status_line
from logagent.cli.terminal import is_tty, style, width
from logagent.cli.terminal_text import clip

if TYPE_CHECKING:
    from typing import TextIO

    from logagent.web.view import AgentView

EVERY_SECONDS = 5.0
EVERY_SECONDS_ON_TERMINAL = 1.0
_STYLES = {"firing": ("red", "bold"), "pending": ("yellow",), "resolved": ("green",)}
_ERASE = "\r\x1b[2K"


class Show:
    """Writes to a stream: in place on a terminal, whole lines elsewhere."""

    def __init__(self, view: AgentView, stream: TextIO) -> None:
        self._view = view
        self._stream = stream
        self._in_place = is_tty(stream)
        self._every = EVERY_SECONDS_ON_TERMINAL if self._in_place else EVERY_SECONDS
        self._alerts = AlertLog()
        self._start = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop; alerts are looked at every second, whatever the stream is."""
        next_status = self._every
        while not await self._pause(stop):
            self.tell_alerts()
            if self._elapsed() >= next_status:
                next_status += self._every
                self.tell_status()

    def tell_alerts(self) -> None:
        """Write the alerts that are new or changed."""
        for state, line in self._alerts.news(self._view.alerts()):
            self._write(
                style(f"{'✗' if state == 'firing' else '•'} {line}", *_STYLES.get(state, ()), stream=self._stream)
            )

    def tell_status(self) -> None:
        """Write how it goes."""
        line = status_line(self._elapsed(), self._view.totals(), firing_count(self._view.alerts()))
        if self._in_place:
            self._stream.write(_ERASE + clip(line, width() - 1))
            self._stream.flush()
        else:
            self._write(line)

    def finish(self) -> None:
        """Leave the last line standing."""
        self.tell_alerts()
        self.tell_status()
        if self._in_place:
            self._stream.write("\n")
            self._stream.flush()

    def _write(self, line: str) -> None:
        self._stream.write((_ERASE if self._in_place else "") + line + "\n")
        self._stream.flush()

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    @staticmethod
    async def _pause(stop: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(EVERY_SECONDS_ON_TERMINAL):
                await stop.wait()
        except TimeoutError:
            return False
        return True
