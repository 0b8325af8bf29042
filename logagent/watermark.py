"""The event time before which no line is expected any more, over all logs that are being read."""

from __future__ import annotations

IDLE_BATCHES = 64
"""A log of which nothing came in so many batches of others has been read to its end, or is read later: nobody waits for it."""


class Watermark:
    """The least of the times that the logs have reached: one of them may be hours behind another after a stop.

    It never goes back. Lines are late where they are older.
    """

    def __init__(self) -> None:
        self.time = 0
        """Unix nanoseconds; 0 before the first dated line."""
        self._reached: dict[str, tuple[int, int]] = {}
        """Log → the time that it has reached, and the number of the batch that said so."""
        self._batches = 0

    def read(self, log: str, reached_unix_nano: int) -> int:
        """Take a batch of a log, whose last line is of this time; give the watermark."""
        self._batches += 1
        before, _ = self._reached.get(log, (0, 0))
        self._reached[log] = max(before, reached_unix_nano), self._batches
        if self._batches % IDLE_BATCHES == 0:
            oldest = self._batches - IDLE_BATCHES
            self._reached = {name: seen for name, seen in self._reached.items() if seen[1] > oldest}
        self.time = max(self.time, min(time for time, _ in self._reached.values()))
        return self.time

    def caught_up(self, now_unix_nano: int) -> int:
        """Every log has been read to its end at this event time; give the watermark."""
        self._reached.clear()
        self.time = max(self.time, now_unix_nano)
        return self.time
