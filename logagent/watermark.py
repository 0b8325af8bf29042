"""The event time before which no line is expected any more, over all logs that are being read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

IDLE_BATCHES: Final = 64
"""A log of which nothing came in so many batches of others has been read to its end, or is read later: nobody waits for it."""
STEP_NANO: Final = 5_000_000_000
"""Time goes on in such steps, at the lines that begin one: so what is decided does not depend on where a batch ends."""


class Watermark:
    """The least of the times that the logs have reached: one of them may be hours behind another after a stop.

    It never goes back. Lines are late where they are older.
    """

    def __init__(self) -> None:
        self.time = 0
        """Unix nanoseconds; 0 before the first dated line."""
        self._reached: dict[str, tuple[int, int]] = {}
        """Log → the step that it has reached, and the number of the batch that said so."""
        self._batches = 0

    def read(self, log: str, times: Sequence[int], latest: int) -> list[tuple[int, int]]:
        """Take the times of a batch's lines; give before which of them the watermark becomes which, where a line moves it.

        Times beyond ``latest`` are mistakes, and 0 is none: they move nothing. Undated lines at the begin of a log are as
        old as the first dated one, and stay with it.
        """
        self._batches += 1
        reached, _ = self._reached.get(log, (0, 0))
        steps: list[tuple[int, int]] = []
        begins = not reached
        if times and max(times) >= reached + STEP_NANO:
            for position, time in enumerate(times):
                if reached + STEP_NANO <= time <= latest:
                    reached = time - time % STEP_NANO
                    self._reached[log] = reached, self._batches
                    self._forget_idle()
                    self.time = max(self.time, min(step for step, _ in self._reached.values()))
                    steps.append((0 if begins else position, self.time))
                    begins = False
        if reached:
            self._reached[log] = reached, self._batches
        return steps

    def _forget_idle(self) -> None:
        oldest = self._batches - IDLE_BATCHES
        if any(batch <= oldest for _, batch in self._reached.values()):
            self._reached = {log: seen for log, seen in self._reached.items() if seen[1] > oldest}

    def caught_up(self, now_unix_nano: int) -> int:
        """Every log has been read to its end at this event time; give the watermark."""
        self._reached.clear()
        self.time = max(self.time, now_unix_nano)
        return self.time
