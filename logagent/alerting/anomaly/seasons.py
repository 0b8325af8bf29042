"""What a group's values were at each time of each of the last days, by the clock on the wall.

A day is cut into slots. A slot keeps the median of the samples that fell into it; between the middles of two slots
lies the line from one to the other, so that a steep morning is no anomaly. What happened during an alert is kept apart: it
counts where it happened on most of the days, so that a new habit is learned and a single incident is not.
"""

from __future__ import annotations

from array import array
from datetime import datetime
from math import floor, isnan, nan
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.anomaly.plan import Season
    from logagent.alerting.state import Journal

FEWEST = 2
"""Days alike that are needed to tell what is usual at a time of day."""
_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_DAY_SECONDS = 86_400
_MOST_SAMPLES = 32
"""Of a slot; further ones say nothing new about its median."""


class Expected(NamedTuple):
    """What is usual at a time of day."""

    number: float
    steepness: float
    """How far the slots on both sides of it are from each other."""


class _Between(NamedTuple):
    """What one of the days before says about a time of day."""

    number: float
    steepness: float
    is_odd: bool


class Day:
    """A local day's slots, and the samples of the one that is open: an entry of the ledger."""

    __slots__ = ("dirty", "entry", "odd", "open", "samples", "slots")

    def __init__(self, entry: str, slots: int) -> None:
        self.entry = entry
        self.dirty = False
        self.slots = array("d", [nan] * slots)
        self.open = 0
        self.samples: list[float] = []
        self.odd = 0
        """A bit for each slot that an alert fell into."""

    def close(self) -> None:
        """Settle the open slot, together with what it was settled to before where time went backwards."""
        if self.samples:
            before = self.slots[self.open]
            now = median(self.samples)
            self.slots[self.open] = now if isnan(before) else (before + now) / 2
            self.samples = []

    def pack(self) -> bytes:
        """The ledger's value of this day."""
        return orjson.dumps([self.open, self.samples, f"{self.odd:x}", list(self.slots)])

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        position, samples, odd, slots = orjson.loads(data)
        if len(slots) != len(self.slots) or not 0 <= position < len(slots):
            raise ValueError(data)
        self.open = int(position)
        self.samples = [float(sample) for sample in samples]
        self.odd = int(odd, 16)
        self.slots = array("d", [nan if slot is None else float(slot) for slot in slots])


class Days:
    """The last days of a group."""

    __slots__ = ("_current", "_days", "_entry", "_journal", "_known", "_season")

    def __init__(self, season: Season, entry: Callable[[int], str], journal: Journal) -> None:
        self._season = season
        self._entry = entry
        self._journal = journal
        self._days: dict[int, Day] = {}
        self._current: int | None = None
        """The day that has an open slot with samples."""
        self._known: tuple[int, Expected | None] | None = None
        """The last minute that was asked for, and what was usual then."""

    def usual(self, time: int) -> Expected | None:
        """What is usual at this minute; None where too few days alike are known."""
        minute = time // _MINUTE
        if self._known is None or self._known[0] != minute:
            self._known = (minute, self._usual(minute * 60 + 30))
        return self._known[1]

    def _usual(self, seconds: int) -> Expected | None:
        day, position = self._place(seconds)
        first = floor(position - 0.5)
        share = position - 0.5 - first
        alike = [one for back in self._season.days_back if (one := self._between(day - back, first, share))]
        known = [one for one in alike if not one.is_odd]
        if len(alike) - len(known) > len(known):
            known = alike
        if len(known) < FEWEST:
            return None
        return Expected(median(one.number for one in known), median(one.steepness for one in known))

    def _between(self, day: int, slot: int, share: float) -> _Between | None:
        left, right = self._slot(day, slot), self._slot(day, slot + 1)
        if left is None or right is None:
            only = right if left is None else left
            return _Between(only[0], 0.0, only[1]) if only else None
        step = right[0] - left[0]
        return _Between(left[0] + step * share, abs(step), left[1] or right[1])

    def _slot(self, day: int, slot: int) -> tuple[float, bool] | None:
        """What a slot was settled to, and whether there was an alert then."""
        slots = self._season.slots
        found = self._days.get(day + slot // slots)
        if found is None or isnan(number := found.slots[slot % slots]):
            return None
        return number, bool(found.odd >> slot % slots & 1)

    def _place(self, seconds: int) -> tuple[int, float]:
        """The local day, and how many slots of it have passed."""
        local = datetime.fromtimestamp(seconds, self._season.zone)
        passed = local.hour * 3600 + local.minute * 60 + local.second
        return local.toordinal(), passed * self._season.slots / _DAY_SECONDS

    def learn(self, time: int, number: float, *, is_odd: bool = False) -> None:
        """Take a sample; an odd one belongs to an alert."""
        ordinal, position = self._place(time // _SECOND)
        slot = int(position)
        day = self._days.get(ordinal)
        if self._current is not None and (self._current != ordinal or day is None or day.open != slot):
            before = self._days[self._current]
            before.close()
            self._journal.touch(before)
            self._known = None
        if day is None:
            day = self._begin(ordinal)
        self._current, day.open = ordinal, slot
        if len(day.samples) < _MOST_SAMPLES:
            day.samples.append(number)
            day.odd |= is_odd << slot
            self._journal.touch(day)

    def _begin(self, ordinal: int) -> Day:
        """A new day; the one that is farthest from it goes where there are too many."""
        self._known = None
        day = self._days[ordinal] = Day(self._entry(ordinal), self._season.slots)
        # a slot between two days looks one day further
        if len(self._days) > max(self._season.days_back) + 2:
            self._forget(max(self._days, key=lambda one: abs(one - ordinal)))
        return day

    def _forget(self, ordinal: int) -> None:
        self._journal.forget(self._days.pop(ordinal).entry)

    def restore(self, ordinal: int, data: bytes) -> None:
        """Take back a day. Raises ValueError or TypeError where it is none."""
        day = Day(self._entry(ordinal), self._season.slots)
        day.restore(data)
        self._days[ordinal] = day
        if day.samples:
            self._current = ordinal

    def clear(self) -> None:
        """Have no days, and no entries of them."""
        for ordinal in list(self._days):
            self._forget(ordinal)
        self._current = self._known = None
