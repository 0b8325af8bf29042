"""Injected time: the daemon's clock, and one that tests and replay move by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time in nanoseconds since the Unix epoch, and a monotonic time in seconds."""

    def now(self) -> int:
        """Wall time, in nanoseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        """Wall time, in nanoseconds since the Unix epoch."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = 0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        """Wall time, in nanoseconds since the Unix epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Moves both clocks."""
        self._now += round(seconds * 1e9)
        self._monotonic += seconds
