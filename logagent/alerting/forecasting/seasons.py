"""What recurs in daily spend: weekdays, and the days around the turn of the month."""

from __future__ import annotations

import math
from calendar import monthrange
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

WEEK = 7
IDLE = 0.3
"""Days that spend less than this share of a mean day say too little of the level to be compared with others."""
_END, _BEGIN = 7, 3
"""Days at the end and at the beginning of a month that may differ from the rest of it."""
_PLAIN = _END + _BEGIN
"""The place of all other days."""
_LEAST = 0.01
"""Factor of a weekday on which next to nothing is spent."""
_MAD = 1.4826
"""Median absolute deviation → standard deviation, for normal data."""
_MEDIAN_VARIANCE = math.pi / 2
"""Variance of a median over that of a mean."""
_NEAR = 8
"""Plain days on each side that a month's turn is compared with."""
_FEWEST_PLAIN = 4


@dataclass(frozen=True)
class Seasons:
    """How much of a mean day's spend a day comes to."""

    weekdays: tuple[float, ...]
    """From Monday on; their mean is 1."""
    turn: tuple[float, ...]
    """By place in the month; plain days are 1."""

    def factors(self, first: date, days: int) -> list[float]:
        """The factors of consecutive days."""
        weekday, weekdays, turn = first.weekday(), self.weekdays, self.turn
        return [weekdays[(weekday + index) % WEEK] * turn[place] for index, place in enumerate(places(first, days))]


def places(first: date, days: int) -> list[int]:
    """The place of each day in its month: from its last day backwards, then from its first day on, then plain."""
    found: list[int] = []
    while len(found) < days:
        length = monthrange(first.year, first.month)[1]
        month = [*range(_END, _PLAIN), *[_PLAIN] * (length - _PLAIN), *reversed(range(_END))]
        found += month[first.day - 1 :]
        first += timedelta(days=length - first.day + 1)
    return found[:days]


def learn(first: date, totals: Sequence[float]) -> Seasons:
    """The seasons of past days. Medians over weeks and months: no single day, launch or outage makes a pattern."""
    weekdays = _weekdays(first.weekday(), totals)
    start = first.weekday()
    plain = [total / weekdays[(start + index) % WEEK] for index, total in enumerate(totals)]
    busy = [factor > IDLE for factor in weekdays]
    return Seasons(weekdays, _turn(plain, places(first, len(totals)), busy[start:] + busy[:start]))


def _weekdays(first: int, totals: Sequence[float]) -> tuple[float, ...]:
    """Shares of whole weeks, counted back from the last day."""
    weeks = [totals[index : index + WEEK] for index in range(len(totals) % WEEK, len(totals), WEEK)]
    shares = [[total / whole for total in week] for week in weeks if (whole := sum(week)) > 0]
    if not shares:
        return (1.0,) * WEEK
    usual = [median(share) for share in zip(*shares, strict=True)]
    mean = sum(usual) / WEEK
    if mean <= 0:
        return (1.0,) * WEEK
    monday = -(first + len(totals) % WEEK) % WEEK
    return tuple(max(share / mean, _LEAST) for share in usual[monday:] + usual[:monday])


def _turn(plain: Sequence[float], place: Sequence[int], busy: Sequence[bool]) -> tuple[float, ...]:
    ratios: list[list[float]] = [[] for _ in range(_PLAIN)]
    for index, usual in _turns(plain, place, busy):
        if plain[index] > 0 and busy[index % WEEK]:
            ratios[place[index]].append(math.log(plain[index] / usual))
    return (*(math.exp(_shrunk(of_place)) for of_place in ratios), 1.0)


def _turns(plain: Sequence[float], place: Sequence[int], busy: Sequence[bool]) -> Iterator[tuple[int, float]]:
    """Each day around a turn of the month, and what the plain days on both sides of it would have it be."""
    edges = [index for index in range(1, len(place)) if (place[index] == _PLAIN) != (place[index - 1] == _PLAIN)]
    edges = [0, *edges, len(place)]
    runs = [(low, high) for low, high in pairwise(edges) if place[low] == _PLAIN]
    for (start, low), (high, end) in pairwise(runs):
        before = [plain[index] for index in range(start, low) if busy[index % WEEK]]
        after = [plain[index] for index in range(high, end) if busy[index % WEEK]]
        if min(len(before), len(after)) < _FEWEST_PLAIN:
            continue
        usual, then = median(before[-_NEAR:]), median(after[:_NEAR])
        if usual > 0 and then > 0:
            growth = (then / usual) ** (1 / (high - low + 1))
            for index in range(low, high):
                usual *= growth
                yield index, usual


def _shrunk(ratios: Sequence[float]) -> float:
    """The median drawn towards none, the more the less certain it is (James and Stein's positive part)."""
    if len(ratios) < 2:  # noqa: PLR2004 - once is no pattern
        return 0.0
    middle = median(ratios)
    spread = median([abs(ratio - middle) for ratio in ratios]) * _MAD
    error = spread**2 * _MEDIAN_VARIANCE / len(ratios)
    return middle * max(0.0, 1 - error / middle**2) if middle else 0.0
