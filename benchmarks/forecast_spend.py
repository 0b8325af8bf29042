"""Made-up years of daily spend, of which everything is known: what a forecast is measured on.

A day is level x growth x weekday x month end x holiday x launches x price cuts x noise, with runaway days and outages in
some scenarios. Levels and rates are drawn for each seed, so that no two years are alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEVELOPMENT_SEEDS = range(1_000, 1_060)
"""On which the method and its constants were chosen."""
CONFIRMATION_SEEDS = range(50_000, 50_060)
"""On which nothing was ever chosen."""
DAYS = 400 + 40
"""What a rule keeps, and what is needed to see how its last forecast went."""
_MONTH = 30.4375
_HOLIDAYS = ((1, 1), (5, 1), (12, 25), (12, 26))


def _flat_end(before_end: int, of_month: int, size: float) -> float:  # noqa: ARG001 - all shapes take the same
    """The last three days of a month."""
    return size if before_end < 3 else 0.0  # noqa: PLR2004 - see above


def _ramp_end(before_end: int, of_month: int, size: float) -> float:  # noqa: ARG001 - all shapes take the same
    """Rising over the last six days."""
    return size * (6 - before_end) / 6 if before_end < 6 else 0.0  # noqa: PLR2004 - see above


def _first_days(before_end: int, of_month: int, size: float) -> float:  # noqa: ARG001 - all shapes take the same
    """Reports of the last month, made on the first two days."""
    return size if of_month < 3 else 0.0  # noqa: PLR2004 - see above


def _no_shape(before_end: int, of_month: int, size: float) -> float:  # noqa: ARG001 - all shapes take the same
    """Every day of a month alike."""
    return 0.0


@dataclass(frozen=True)
class Scenario:
    """What the years of one kind have in common."""

    name: str
    month_end: Callable[[int, int, float], float] = _flat_end
    weekend: tuple[float, float] = (0.25, 0.95)
    launches: bool = False
    """Launches, price cuts, runaway days and outages: what nobody can foresee."""


STEADY = (
    Scenario("steady, last 3 days"),
    Scenario("steady, 6-day ramp", _ramp_end),
    Scenario("steady, first 2 days", _first_days),
    Scenario("steady, no month end", _no_shape),
    Scenario("steady, idle weekends", _flat_end, (0.02, 0.15)),
)
LAUNCHES = (
    Scenario("launches, last 3 days", launches=True),
    Scenario("launches, 6-day ramp", _ramp_end, launches=True),
    Scenario("launches, no month end", _no_shape, launches=True),
    Scenario("launches, idle weekends", _flat_end, (0.02, 0.15), launches=True),
)


@dataclass(frozen=True)
class Step:
    """A lasting change of spend: a launch with its ramp, or a price cut."""

    start: int
    ramp_days: int
    factor: float

    def at(self, day: int) -> float:
        """Its factor on a day."""
        return math.pow(self.factor, min(max((day - self.start + 1) / self.ramp_days, 0.0), 1.0))


@dataclass(frozen=True)
class Year:
    """A series of daily spend and what it was made of."""

    first: date
    totals: tuple[float, ...]
    expected: tuple[float, ...]
    """What each day would come to on average, without launches, runaway days and outages."""
    launches: tuple[Step, ...]

    def day(self, index: int) -> date:
        """The date of a day."""
        return self.first + timedelta(days=index)

    def oracle(self, origin: int, day: int) -> float:
        """A day's spend as one expects it who knows all but the noise and the launches from ``origin`` on."""
        known = [launch.at(day) for launch in self.launches if launch.start < origin]
        return self.expected[day] * math.prod(known)


def make_year(scenario: Scenario, seed: int) -> Year:
    """The year of a seed; the same seed gives other years in other scenarios."""
    random = Random(f"{scenario.name}/{seed}")
    first = date(2021, 1, 1) + timedelta(days=random.randrange(1400))
    regular = _regular(scenario, random, first)
    sigma, memory = random.uniform(0.06, 0.22), random.uniform(0.2, 0.5)
    launches: tuple[Step, ...] = ()
    odd: list[float] = [1.0] * DAYS
    if scenario.launches:
        launches = tuple(
            Step(day, random.randint(1, 7), 1 + random.uniform(0.12, 0.6))
            for day in range(DAYS)
            if random.random() < 3 / 365
        )
        cut = Step(random.randrange(DAYS), 1, random.uniform(0.6, 0.9)) if random.random() < 0.5 else None  # noqa: PLR2004 - a half
        regular = [amount * (cut.at(day) if cut else 1.0) for day, amount in enumerate(regular)]
        odd = [_odd_day(random) for _ in range(DAYS)]
    noise, totals = random.gauss(0, sigma), []
    for day, amount in enumerate(regular):
        noise = memory * noise + math.sqrt(1 - memory**2) * random.gauss(0, sigma)
        totals.append(amount * math.prod(launch.at(day) for launch in launches) * odd[day] * math.exp(noise))
    expected = tuple(amount * math.exp(sigma**2 / 2) for amount in regular)
    return Year(first, tuple(totals), expected, launches)


def _regular(scenario: Scenario, random: Random, first: date) -> list[float]:
    """What recurs: level, growth, weekdays, month ends, holidays."""
    level = 120 * math.exp(random.gauss(0, 0.8))
    growth = random.gauss(0.025, 0.03)
    saturday, sunday = random.uniform(*scenario.weekend), random.uniform(*scenario.weekend)
    weekdays = [math.exp(random.gauss(0, 0.05)) for _ in range(5)] + [saturday, sunday]
    size, holiday = random.uniform(0.0, 0.5), random.uniform(0.3, 0.9)
    amounts = []
    for index in range(DAYS):
        day = first + timedelta(days=index)
        following = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
        amount = level * (1 + growth) ** (index / _MONTH) * weekdays[day.weekday()]
        amount *= 1 + scenario.month_end((following - day).days - 1, day.day, size)
        amounts.append(amount * (holiday if (day.month, day.day) in _HOLIDAYS else 1.0))
    return amounts


def _odd_day(random: Random) -> float:
    """A runaway job, an outage, or most often neither."""
    chance = random.random()
    if chance < 0.006:  # noqa: PLR2004 - two a year
        return random.uniform(2, 5)
    return random.uniform(0.0, 0.3) if chance < 0.010 else 1.0  # noqa: PLR2004 - three in two years
