"""A model of daily spend: level x trend x seasons, with errors from its own past.

The level is the mean of two estimates over days that are cleared of seasons and of single wild days: the last 14 days,
and the longest recent window that no change of level contradicts (the intersection of confidence intervals, Goldenshluger
and Nemirovski 1997). The constants were chosen on ``benchmarks/forecast_spend.py``'s development seeds.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from datetime import timedelta
from functools import cached_property
from itertools import accumulate
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

from logagent.alerting.forecasting.seasons import IDLE, WEEK, learn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

LEAST_DAYS = 14
"""Complete days that a model needs."""
HISTORY_DAYS = 400
"""Days that a model looks at: a year, and what is needed to compare its ends."""
_WINDOWS = (5, 7, 10, 14, 21, 28, 42, 56)
_SHORT = 14
_TOLERANCE = 1.25 * 1.4
"""Standard errors within which windows agree; the second factor is for noise that lasts from one day to the next."""
_REFERENCE = 13
"""Days whose median says what a wild day is."""
_WILD, _TAME = 1.6, 1 / 1.6
_TREND = 0.65
"""Part of the seen growth that is taken to go on."""
_STEEPEST = 0.003
"""Largest change of a day, as a logarithm: 9 % a month."""
_GROWTH_WEEKS = 4
_SURE_WEEKS = 24
"""Weeks from which on growth is believed in full."""
_LEAST_NOISE, _FIRST_NOISE = 0.02, 0.2
_NOISE_DAYS = 120
_FIRST_ORIGIN = 21
_ORIGIN_STEP = 5
_FEWEST_ORIGINS = 8
_WIDER_BELOW, _WIDER_ABOVE = 1.25, 1.4
"""A model that has seen the days it is tested on errs less than it will: so much less, to hold 80 of 100."""
_UNSEEN = 2.5
"""Standard deviations of a day's noise, which lasts from one day to the next, that hold 80 of 100."""
_LEAST_WIDTH, _WIDEST = 1e-6, math.log(1000)
_NOTHING = 1e-9
"""Amounts of a day below this are none: quotients stay numbers, whatever was spent."""


class Spread(NamedTuple):
    """Logarithms of actual over expected: the tenth and the ninetieth percentile."""

    low: float
    high: float


class SpendModel:
    """What is known of daily spend after its complete days. ``first`` is the date of the first of ``totals``."""

    def __init__(self, first: date, totals: Sequence[float]) -> None:
        self.following = first + timedelta(days=len(totals))
        """The first day that is not known."""
        self._totals = totals
        self._seasons = learn(first, totals)
        self._factors = self._seasons.factors(first, len(totals))
        plain = [total / factor for total, factor in zip(totals, self._factors, strict=True)]
        tamed, noises = _tame(plain, self._factors)
        self._noise = max(median(noises[-_NOISE_DAYS:]) * 1.4826, _LEAST_NOISE) if noises else _FIRST_NOISE
        self._spent = [0.0, *accumulate(map(float.__mul__, tamed, self._factors))]
        self._shares = [0.0, *accumulate(self._factors)]
        self._trend = _trend(plain, self._factors)
        self._level = self._level_at(len(totals))
        self._spreads: dict[int, Spread] = {}

    def expected(self, days: int) -> list[float]:
        """The spend of each day from ``following`` on."""
        level, trend = self._level, self._trend
        factors = self._seasons.factors(self.following, days)
        return [level * math.exp(trend * (index + 0.5)) * factor for index, factor in enumerate(factors)]

    def _level_at(self, origin: int) -> float:
        """The level as the days before ``origin`` show it."""
        low, high, fitting, short = 0.0, math.inf, 0.0, 0.0
        spent, shares, tolerance, open_ = self._spent, self._shares, _TOLERANCE * self._noise, True
        for days in _WINDOWS:
            if days > origin:
                break
            level = (spent[origin] - spent[origin - days]) / (shares[origin] - shares[origin - days])
            level *= math.exp(self._trend * days / 2)
            if days <= _SHORT:
                short = level
            error = tolerance / math.sqrt(days)
            low, high = max(low, level * (1 - error)), min(high, level * (1 + error))
            open_ = open_ and low <= high
            if open_:
                fitting = level
            elif days >= _SHORT:
                break
        return (fitting + short) / 2

    def spread(self, days: int) -> Spread:
        """How far totals of so many days have been from what this model would have expected before them."""
        longest = max(len(self._totals) // 3, 1)
        known = min(days, longest)
        if known not in self._spreads:
            self._spreads[known] = self._back_test(known)
        wider = math.sqrt(days / known)
        low, high = self._spreads[known]
        return Spread(max(low * wider, -_WIDEST), min(high * wider, _WIDEST))

    @cached_property
    def _grown(self) -> list[float]:
        """Sums of the factors, with growth."""
        return [0.0, *accumulate(f * math.exp(self._trend * (i + 0.5)) for i, f in enumerate(self._factors))]

    @cached_property
    def _actual(self) -> list[float]:
        return [0.0, *accumulate(self._totals)]

    def _back_test(self, days: int) -> Spread:
        grown, actual, trend = self._grown, self._actual, self._trend
        errors = []
        for origin in range(len(self._totals) - days, _FIRST_ORIGIN - 1, -_ORIGIN_STEP):
            total = actual[origin + days] - actual[origin]
            expected = self._level_at(origin) * (grown[origin + days] - grown[origin]) * math.exp(-trend * origin)
            if total > 0 and expected > 0:
                errors.append(math.log(total / expected))
        return _spread(errors, self._noise, days)


def fit(first: date, totals: Sequence[float]) -> SpendModel | None:
    """The model of dense daily totals, the last of them complete; None for fewer than ``LEAST_DAYS`` days.

    Only the last ``HISTORY_DAYS`` count.
    """
    if len(totals) < LEAST_DAYS:
        return None
    begin = max(len(totals) - HISTORY_DAYS, 0)
    known = [total if total >= _NOTHING else 0.0 for total in totals[begin:]]
    return SpendModel(first + timedelta(days=begin), known)


def _tame(plain: Sequence[float], factors: Sequence[float]) -> tuple[list[float], list[float]]:
    """The days with wild ones brought near the median of those before them, and how far busy days are from it."""
    window: list[float] = []
    tamed, noises = [], []
    for index, value in enumerate(plain):
        if index >= _REFERENCE:
            del window[bisect_left(window, plain[index - _REFERENCE])]
        insort(window, value)
        usual = window[len(window) // 2]
        if usual <= 0:
            tamed.append(value)
            continue
        ratio = value / usual
        tamed.append(value if _TAME < ratio < _WILD else usual * (_WILD if ratio > 1 else _TAME))
        if factors[index] > IDLE:
            noises.append(abs(ratio - 1))
    return tamed, noises


def _trend(plain: Sequence[float], factors: Sequence[float]) -> float:
    """Growth of a day as a logarithm: the median over months, so that launches, being few, are no growth."""
    weeks = []
    for end in range(len(plain), WEEK - 1, -WEEK):
        busy = [plain[index] for index in range(end - WEEK, end) if factors[index] > IDLE]
        usual = median(busy) if busy else 0.0
        weeks.append(math.log(usual) if usual > 0 else -math.inf)
    changes = [
        (later - earlier) / (WEEK * _GROWTH_WEEKS)
        for later, earlier in zip(weeks, weeks[_GROWTH_WEEKS:], strict=False)
        if math.isfinite(later - earlier)
    ]
    if len(changes) <= _GROWTH_WEEKS:
        return 0.0
    sure = min(1.0, len(changes) / (_SURE_WEEKS - _GROWTH_WEEKS))
    return max(-_STEEPEST, min(_STEEPEST, median(changes) * _TREND * sure))


def _spread(errors: list[float], noise: float, days: int) -> Spread:
    """The percentiles of the errors, widened; without enough of them what the noise of a level and of a sum comes to."""
    if len(errors) < _FEWEST_ORIGINS:
        width = _UNSEEN * noise * math.sqrt(1 / _SHORT + 1 / days)
        return Spread(-width, width)
    low, *_, high = quantiles(errors, n=10, method="inclusive")
    return Spread(min(low, 0.0) * _WIDER_BELOW - _LEAST_WIDTH, max(high, 0.0) * _WIDER_ABOVE + _LEAST_WIDTH)
