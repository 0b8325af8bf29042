"""Exact counts of valid and bad events by minute, and their sums over windows that slide.

A minute's number is that of its last instant: minute ``m`` holds the events of the 60 seconds up to and including
``m * 60`` seconds since the epoch, so that a window of ``n`` minutes at minute ``T`` is ``(T - n, T]``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

import orjson

from logagent.alerting.running import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting.slo.spans import BudgetSpan

PERIOD = -1
"""Place of the period among a group's windows."""
_MOST_EVENTS = 2**40
"""Of a minute: sums over every window stay far within 64 bits."""
NO_MINUTE = -1
"""Before every minute there is: nothing has been decided."""


class Sums(NamedTuple):
    """Events of a window."""

    valid: int
    bad: int


class MinuteCounts:
    """The minutes of one group that hold events, and running sums over windows that end at ``now``.

    The last window is the SLO's period; those before it have fixed lengths in minutes. All sums are integers, so that
    adding what enters and subtracting what leaves is exact, and what is rebuilt after a restart is the same.
    """

    def __init__(self, windows: Sequence[int], period: BudgetSpan, now: int) -> None:
        self.now = now
        """The minute at which all windows end."""
        self._windows = tuple(windows)
        self._period = period
        self._minutes = array("q")
        self._valid = array("q")
        self._bad = array("q")
        size = len(self._windows) + 1
        self._firsts = [0] * size
        """Where each window begins in the arrays."""
        self._head = 0
        """Where the minutes after ``now`` begin."""
        self._is_stirred = False
        self._next_leave = NEVER
        """When the next minute leaves a window."""
        self.valid = [0] * size
        self.bad = [0] * size

    @property
    def is_empty(self) -> bool:
        """Whether no minute is kept."""
        return not self._minutes

    @property
    def latest(self) -> int:
        """The last minute that holds an event."""
        return self._minutes[-1] if self._minutes else NO_MINUTE

    def edges(self) -> list[int]:
        """The last minute before each window."""
        now = self.now
        return [*[now - window for window in self._windows], self._period.edge(now)]

    def has_room(self, most: int) -> bool:
        """Whether fewer than so many minutes wait to be decided."""
        return len(self._minutes) - self._head < most

    def add(self, minute: int, valid: int, bad: int) -> None:
        """Count events; those of a minute that is over enter every window that it is still in."""
        minutes = self._minutes
        index = len(minutes) - 1
        if index < 0 or minutes[index] != minute:
            index = self._place(minute)
        self._valid[index] += valid
        self._bad[index] += bad
        if minute <= self.now:
            self._is_stirred = True
            for window, edge in enumerate(self.edges()):
                if minute > edge:
                    self.valid[window] += valid
                    self.bad[window] += bad

    def _place(self, minute: int) -> int:
        """Where a minute is, made where it is not yet."""
        minutes = self._minutes
        if not minutes or minute > minutes[-1]:
            index = len(minutes)
        else:
            index = bisect_left(minutes, minute)
            if minutes[index] == minute:
                return index
        for column, value in ((minutes, minute), (self._valid, 0), (self._bad, 0)):
            column.insert(index, value)
        if minute <= self.now:
            self._head += 1
            self._firsts = [first + (minute <= edge) for first, edge in zip(self._firsts, self.edges(), strict=True)]
            self._leave()
        return index

    def stir(self) -> None:
        """Have the next minute looked at in any case."""
        self._is_stirred = True

    def next_change(self) -> int:
        """The next minute at which an event enters or leaves a window, or one is seen that came late; else ``NEVER``."""
        if self._is_stirred:
            return self.now + 1
        if self._head < len(self._minutes):
            return min(self._minutes[self._head], self._next_leave)
        return self._next_leave

    def move(self, now: int) -> None:
        """Let all windows end at a later minute."""
        minutes, head, size = self._minutes, self._head, len(self._minutes)
        self.now, self._is_stirred = now, False
        while head < size and minutes[head] <= now:
            valid, bad = self._valid[head], self._bad[head]
            self.valid = [total + valid for total in self.valid]
            if bad:
                self.bad = [total + bad for total in self.bad]
            head += 1
        if head > self._head or self._next_leave <= now:
            self._head = head
            self._leave()

    def _leave(self) -> None:
        """Take out of each window what it has left behind, and see when that happens next."""
        minutes, head, now = self._minutes, self._head, self.now
        leaves = NEVER
        for window, length in enumerate(self._windows):
            first = self._firsts[window]
            while first < head and minutes[first] + length <= now:
                self._take_out(window, first)
                first += 1
            if first < head and minutes[first] + length < leaves:
                leaves = minutes[first] + length
        first = self._firsts[PERIOD]
        while first < head and self._period.leaves(minutes[first]) <= now:
            self._take_out(PERIOD, first)
            first += 1
        if first < head:
            leaves = min(leaves, self._period.leaves(minutes[first]))
        self._next_leave = leaves

    def _take_out(self, window: int, first: int) -> None:
        self.valid[window] -= self._valid[first]
        self.bad[window] -= self._bad[first]
        self._firsts[window] = first + 1

    def sums(self, window: int) -> Sums:
        """What a window holds, by its place; -1 is the period."""
        return Sums(self.valid[window], self.bad[window])

    def period_sums(self, now: int) -> Sums:
        """What the period that a minute belongs to holds up to it, counting also what is not decided yet."""
        now = max(now, self.now)
        edge = self._period.edge(now)
        left, last = bisect_right(self._minutes, edge), bisect_right(self._minutes, now)
        first = self._firsts[PERIOD]
        valid = self.valid[PERIOD] + sum(self._valid[self._head : last]) - sum(self._valid[first:left])
        bad = self.bad[PERIOD] + sum(self._bad[self._head : last]) - sum(self._bad[first:left])
        return Sums(valid, bad)

    def drop_hours(self, oldest: int) -> list[int]:
        """Forget the hours all of whose minutes are up to one that is in no window any more; gives them."""
        dropped: list[int] = []
        if self._minutes and hour_of(self._minutes[0]) < hour_of(oldest + 1):
            count = bisect_left(self._minutes, hour_of(oldest + 1) * 60)
            dropped = sorted({hour_of(minute) for minute in self._minutes[:count]})
            for column in (self._minutes, self._valid, self._bad):
                del column[:count]
            self._head -= count
            self._firsts = [first - count for first in self._firsts]
        return dropped

    def pack_hour(self, hour: int) -> bytes:
        """The minutes of an hour, as the ledger keeps them: place in the hour, valid, bad, and so on."""
        low, high = bisect_left(self._minutes, hour * 60), bisect_left(self._minutes, hour * 60 + 60)
        found = []
        for index in range(low, high):
            found += [self._minutes[index] - hour * 60, self._valid[index], self._bad[index]]
        return orjson.dumps(found)


def unpack_hour(hour: int, data: bytes) -> list[tuple[int, int, int]]:
    """Minute, valid and bad events of what ``pack_hour`` gave. Raises ValueError or TypeError where it is no hour."""
    numbers = orjson.loads(data)
    if not isinstance(numbers, list) or not numbers or any(one.__class__ is not int for one in numbers):
        raise ValueError(data)
    found = list(zip(*[iter(numbers)] * 3, strict=True))
    for place, valid, bad in found:
        if not (0 <= place < 60 and 0 <= bad <= valid < _MOST_EVENTS):  # noqa: PLR2004 - minutes of an hour
            raise ValueError(data)
    return [(hour * 60 + place, valid, bad) for place, valid, bad in found]


def hour_of(minute: int) -> int:
    """The hour, counted from the epoch, under which a minute is kept."""
    return minute // 60
