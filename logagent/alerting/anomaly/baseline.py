"""What is usual for a group: the recent level, or the same local time of the days before, corrected by how those fit lately."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from logagent.alerting.anomaly.history import History, Usual, usual_of
from logagent.alerting.anomaly.seasons import Days

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.anomaly.plan import AnomalyPlan
    from logagent.alerting.state import Journal

SPACING = 60_000_000_000
"""Nanoseconds between two samples that are learned after the warm-up: 288 of them reach back for some five hours at least."""
_FEWEST_RESIDUALS = 48
"""Samples that show how well the season fits, before it is relied on."""
_STEEPNESS = 1 / 6
"""Standard deviations in the step between two slots: with a sensitivity of 3, half of the step is not unusual."""
_ASIDE = 16
"""Of the samples that are not learned, the last ones are kept: they are the level of what lasts."""


class Baseline:
    """What a group has learned. All numbers are on the rule's scale.

    ``offset`` is the sum of the lasting changes that were accepted; samples are kept without it, so that the days before
    a change tell about those after it.
    """

    __slots__ = ("_aside", "_days", "_history", "_learned", "_plan", "_recent", "offset")

    def __init__(self, plan: AnomalyPlan, entry: Callable[..., str], journal: Journal) -> None:
        self._plan = plan
        self._history = History(lambda number: entry("h", str(number)), journal)
        self._days = Days(plan.season, lambda day: entry("d", str(day)), journal) if plan.season else None
        self._learned: int | None = None
        """When the last sample was learned; event time."""
        self._aside: list[float] = []
        """The last samples that were put aside, as distances from what was usual."""
        self._recent: Usual | None = None
        """What is usual by the recent level alone, offset included; None where it must be worked out anew."""
        self.offset = 0.0

    def usual(self, time: int) -> Usual | None:
        """What is usual at a moment; None where nothing was learned."""
        season = None if self._days is None else self._days.usual(time)
        if season is not None and len(self._history.residuals) >= _FEWEST_RESIDUALS:
            base = season.number + self.offset
            return self._believed(base, usual_of(self._history.residuals), season.steepness * _STEEPNESS)
        if self._recent is None and self._history.levels:
            self._recent = self._believed(self.offset, usual_of(self._history.levels), 0.0)
        return self._recent

    def _believed(self, base: float, found: Usual, doubt: float) -> Usual:
        middle = base + found.middle
        least = self._plan.scale.least(middle)
        return Usual(middle, max(found.below, least) + doubt, max(found.above, least) + doubt)

    def learn(self, time: int, number: float, *, is_warm: bool) -> bool:
        """Take a sample that is not part of an incident. Give whether it is learned: after the warm-up one a minute is."""
        if self._aside:
            self._aside.clear()
        if is_warm and self._learned is not None and abs(time - self._learned) < SPACING:
            return False
        self._learned, self._recent = time, None
        level = number - self.offset
        if self._days is None:
            self._history.add(level, None)
            return True
        season = self._days.usual(time)
        self._history.add(level, None if season is None else level - season.number)
        self._days.learn(time, level)
        return True

    def put_aside(self, time: int, number: float, distance: float) -> None:
        """Take a sample that is part of an incident, and its distance from what was usual."""
        if self._days is not None:
            self._days.learn(time, number - self.offset, is_odd=True)
        self._aside.append(distance)
        del self._aside[:-_ASIDE]

    def accept(self) -> None:
        """Have the level of what was put aside be the usual one from now on."""
        self.offset += median(self._aside)
        self._aside.clear()
        self._recent = None

    def clear(self) -> None:
        """Have nothing learned."""
        self._history.clear()
        if self._days is not None:
            self._days.clear()

    def pack(self) -> list[Any]:
        """What the ledger keeps beside the samples and the days."""
        return [self.offset, self._learned, self._aside]

    def restore(self, packed: list[Any]) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        offset, learned, aside = packed
        self.offset = float(offset)
        self._learned = None if learned is None else int(learned)
        self._aside = [float(one) for one in aside]
        self._recent = None

    def restore_part(self, part: str, number: int, data: bytes) -> None:
        """Take back some samples or a day. Raises ValueError or TypeError where it is none."""
        if part == "h":
            self._history.restore(number, data)
        elif part == "d" and self._days is not None:
            self._days.restore(number, data)
        else:
            raise ValueError(part)
        self._recent = None
