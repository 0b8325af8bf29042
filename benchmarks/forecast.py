"""``make bench-forecast``: how far forecasts of spend are from what came, beside a run rate and an oracle.

The oracle knows level, growth, weekdays, month ends, holidays and price cuts of the made-up years, and every launch that
has begun; neither the noise nor the launches to come. Unless told otherwise, the years are those of the confirmation
seeds, on which nothing was chosen.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.forecast_spend import (
    CONFIRMATION_SEEDS,
    DAYS,
    DEVELOPMENT_SEEDS,
    LAUNCHES,
    STEADY,
    Scenario,
    Year,
    make_year,
)
from logagent.alerting.forecasting import HISTORY_DAYS, Present, fit, next_days, period_total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from logagent.alerting.forecasting import Estimate

MONTH_DAYS = range(1, 28)
"""Complete days of a month after which it is projected."""
_FIRST_ORIGIN = 60
"""Complete days before the first forecast."""
_ORIGIN_STEP = 14
_EVERY_MONTH = 3
"""One month in three of each year is projected, a different one for each seed."""
_THIRTY = 30
_PROMISED = (0, 10)
"""The next 30 days, and the month after ten days."""
LIMIT, TWICE = 0.05, 2.0
COVERAGE = (0.75, 0.85)


class Sample(NamedTuple):
    """A forecast and what came: errors are shares of the actual total."""

    ours: float
    oracle: float
    run_rate: float
    inside: bool
    """Whether the actual total was within the interval."""


@dataclass(frozen=True)
class Figures:
    """What a number of samples comes to."""

    ours: float
    oracle: float
    run_rate: float
    coverage: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Figures:
        """Medians of the errors, and the share within the interval."""
        ours, oracle, run_rate, inside = zip(*samples, strict=True)
        return cls(median(ours), median(oracle), median(run_rate), sum(inside) / len(samples), len(samples))


Results = dict[tuple[str, int], list[Sample]]
"""By scenario and by the complete days of the month; 0 for the next 30 days."""


def measure(scenario: Scenario, seed: int, month_days: Iterable[int] = MONTH_DAYS) -> Results:
    """All forecasts of one year."""
    year, found = make_year(scenario, seed), Results()
    found[scenario.name, 0] = [_next_thirty(year, origin) for origin in range(_FIRST_ORIGIN, DAYS - 29, _ORIGIN_STEP)]
    days = tuple(month_days)
    for number, (begin, length) in enumerate(_months(year)):
        if (number + seed) % _EVERY_MONTH == 0:
            for day in days:
                found.setdefault((scenario.name, day), []).append(_month(year, begin, length, day))
    return found


def _months(year: Year) -> Iterator[tuple[int, int]]:
    """The first day and the length of each whole month after the first 60 days."""
    begins = [index for index in range(_FIRST_ORIGIN, DAYS) if year.day(index).day == 1]
    return ((begin, following - begin) for begin, following in pairwise(begins))


def _before(year: Year, origin: int) -> tuple[date, list[float]]:
    first = max(origin - HISTORY_DAYS, 0)
    return year.day(first), list(year.totals[first:origin])


def _next_thirty(year: Year, origin: int) -> Sample:
    first, before = _before(year, origin)
    estimate = next_days(fit(first, before), before, Present(year.day(origin), 0.0, 0.0))
    actual = math.fsum(year.totals[origin : origin + _THIRTY])
    oracle = math.fsum(year.oracle(origin, day) for day in range(origin, origin + _THIRTY))
    run_rate = math.fsum(before[-_THIRTY:])
    return _sample(actual, estimate, oracle, run_rate)


def _month(year: Year, begin: int, length: int, day: int) -> Sample:
    origin, end = begin + day, begin + length
    first, before = _before(year, origin)
    spent, actual = math.fsum(year.totals[begin:origin]), math.fsum(year.totals[begin:end])
    estimate = period_total(fit(first, before), before, Present(year.day(origin), 0.0, 0.0), spent, year.day(end))
    oracle = spent + math.fsum(year.oracle(origin, index) for index in range(origin, end))
    return _sample(actual, estimate, oracle, spent / day * length)


def _sample(actual: float, estimate: Estimate, oracle: float, run_rate: float) -> Sample:
    inside = (estimate.low or 0.0) <= actual <= (estimate.high or 0.0)
    return Sample(abs(estimate.mid / actual - 1), abs(oracle / actual - 1), abs(run_rate / actual - 1), inside)


def merge(parts: Iterable[Results]) -> Results:
    """The results of all years."""
    merged: Results = defaultdict(list)
    for part in parts:
        for key, samples in part.items():
            merged[key] += samples
    return dict(merged)


def pooled(results: Results, scenarios: Sequence[Scenario], day: int) -> Figures:
    """Some scenarios as one."""
    return Figures.of([sample for scenario in scenarios for sample in results[scenario.name, day]])


def misses(results: Results, month_days: Iterable[int] = MONTH_DAYS) -> list[str]:
    """What is not as good as it is claimed to be."""
    wrong = []
    for scenario in STEADY:
        for day in _PROMISED:
            figures = pooled(results, [scenario], day)
            if figures.ours >= LIMIT:
                wrong.append(f"{scenario.name}, {_title(day)}: off by {figures.ours:.1%}")
    days = tuple(month_days)
    for day in (0, *days):
        figures = pooled(results, LAUNCHES, day)
        if day in _PROMISED and figures.ours > TWICE * figures.oracle:
            wrong.append(f"launches, {_title(day)}: {figures.ours:.1%}, oracle {figures.oracle:.1%}")
        if figures.ours >= figures.run_rate:
            wrong.append(f"launches, {_title(day)}: {figures.ours:.1%}, run rate {figures.run_rate:.1%}")
    for group, name in ((STEADY, "steady"), (LAUNCHES, "launches")):
        for what, chosen in (("next 30 days", (0,)), ("month", days)):
            samples = [sample for one in group for day in chosen for sample in results[one.name, day]]
            figures = Figures.of(samples)
            if not COVERAGE[0] <= figures.coverage <= COVERAGE[1]:
                wrong.append(f"{name}, {what}: intervals hold {figures.coverage:.0%}")
    return wrong


def _title(day: int) -> str:
    return f"month at day {day}" if day else "next 30 days"


def _print(results: Results) -> None:
    print(f"{'':26}{'':18}{'error':>8}{'oracle':>8}{'ratio':>7}{'run rate':>10}{'within':>8}{'number':>8}")
    rows = [([scenario], scenario.name) for scenario in (*STEADY, *LAUNCHES)]
    for scenarios, name in [*rows, (list(STEADY), "all steady"), (list(LAUNCHES), "all with launches")]:
        for day in (0, 5, 10, 20):
            _print_row(name, pooled(results, scenarios, day), day)
    print("\nall with launches, each day")
    for day in MONTH_DAYS:
        _print_row("", pooled(results, LAUNCHES, day), day)


def _print_row(name: str, figures: Figures, day: int) -> None:
    print(
        f"{name:26}{_title(day):18}{figures.ours:8.2%}{figures.oracle:8.2%}{figures.ours / figures.oracle:7.2f}"
        f"{figures.run_rate:10.2%}{figures.coverage:8.0%}{figures.count:8}"
    )


def _cost() -> float:
    """Processor seconds of a model of 400 days with its intervals for 30 days and for a month; the least of 50."""
    year = make_year(LAUNCHES[0], DEVELOPMENT_SEEDS[0])
    before, costs = list(year.totals[:HISTORY_DAYS]), []
    present = Present(year.day(HISTORY_DAYS), 1.0, 0.5)
    for _ in range(50):
        begin = time.process_time()
        model = fit(year.first, before)
        period_total(model, (), present, 1.0, year.day(HISTORY_DAYS + 20))
        next_days(model, (), present)
        costs.append(time.process_time() - begin)
    return min(costs)


def main() -> int:
    """Print the table; 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--development", action="store_true", help="the seeds on which the method was chosen")
    parser.add_argument("--seeds", type=int, default=len(CONFIRMATION_SEEDS), help="how many years of each scenario")
    options = parser.parse_args()
    seeds = (DEVELOPMENT_SEEDS if options.development else CONFIRMATION_SEEDS)[: options.seeds]
    jobs = [(scenario, seed) for scenario in (*STEADY, *LAUNCHES) for seed in seeds]
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        results = merge(workers.map(measure, *zip(*jobs, strict=True), chunksize=4))
    _print(results)
    print(f"\na model of {HISTORY_DAYS} days with two intervals: {_cost() * 1000:.2f} ms of processor time")
    wrong = misses(results)
    print("\n".join(wrong) if wrong else "every claim holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
