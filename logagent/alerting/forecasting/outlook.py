"""What a span of days will come to, from a model of daily spend and what the present day has brought so far.

The present day is never extrapolated: what is left of it is its expected spend times the share of it that is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from logagent.alerting.forecasting.model import SpendModel

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
"""Quantiles of an estimate."""
_LEAST_ELAPSED = 1 / 24
"""Share of a first day before which its first call would make a run rate of anything."""
_NORMAL = NormalDist()
_WIDTH = _NORMAL.inv_cdf(HIGH)


class Present(NamedTuple):
    """The day that is not over."""

    day: date
    spent: float
    """So far, on this day."""
    elapsed: float
    """Share of the day that is over, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A total that is partly known: ``low`` and ``high`` hold it in 80 of 100 cases."""

    low: float | None
    """None, as ``high``, where there is too little history to say: ``mid`` is the run rate."""
    mid: float
    high: float | None
    certain: float = 0.0
    """The part that is spent already."""

    @property
    def too_early(self) -> bool:
        """Whether ``mid`` is no more than the run rate."""
        return self.low is None

    def quantiles(self) -> dict[str, float]:
        """What is known of it, by quantile."""
        known = {LOW: self.low, MIDDLE: self.mid, HIGH: self.high}
        return {f"{quantile:g}": amount for quantile, amount in known.items() if amount is not None}

    def chance_above(self, amount: float) -> float:
        """The probability of more than an amount; that of a run rate is nobody's guess, and 0."""
        if self.low is None or self.high is None:
            return 0.0
        left, middle = amount - self.certain, self.mid - self.certain
        if left <= 0 or middle <= 0:
            return float(left <= 0)
        bound = (self.high if left > middle else self.low) - self.certain
        if min(bound / middle, left / middle) <= 0 or bound == middle:
            return float(left < middle)  # beside what is spent, the rest is too small to tell its quantiles apart
        width = abs(math.log(bound / middle)) / _WIDTH
        return _NORMAL.cdf(-math.log(left / middle) / width)


def period_total(
    model: SpendModel | None, before: Sequence[float], present: Present, spent: float, until: date
) -> Estimate:
    """What a period that ends with the day before ``until`` comes to.

    ``before``: the complete days before the present one, dense; ``spent``: in the period so far, the present day
    included. Without a model it is ``spent`` and the run rate of the days that are known.
    """
    days = max((until - present.day).days, 1)
    return _estimate(model, before, present, [1 - present.elapsed, *[1.0] * (days - 1)], spent)


def next_days(model: SpendModel | None, before: Sequence[float], present: Present, days: int = 30) -> Estimate:
    """What the next ``days`` times 24 hours come to: what is left of the present day counts, and a part of the last."""
    return _estimate(model, before, present, [1 - present.elapsed, *[1.0] * (days - 1), present.elapsed], 0.0)


def _estimate(
    model: SpendModel | None, before: Sequence[float], present: Present, shares: Sequence[float], certain: float
) -> Estimate:
    if model is None:
        rest = _run_rate(before, present) * math.fsum(shares)
        return Estimate(None, certain + rest, None, certain)
    gap = (present.day - model.following).days
    expected = model.expected(gap + len(shares))[gap:]
    rest = math.fsum(map(float.__mul__, expected, map(float, shares)))
    spread = model.spread(max(math.ceil(math.fsum(shares)), 1))
    low, high = rest * math.exp(spread.low), rest * math.exp(spread.high)
    return Estimate(certain + low, certain + rest, certain + high, certain)


def _run_rate(before: Sequence[float], present: Present) -> float:
    """Spend of a day. The first day, which may have begun before the log did, counts only where there is no other."""
    whole = before[1:] or before
    return (math.fsum(whole) + present.spent) / (len(whole) + max(present.elapsed, _LEAST_ELAPSED))
