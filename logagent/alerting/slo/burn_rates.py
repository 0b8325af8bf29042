"""Burn rates: how many times faster than evenly an error budget is spent, and which of them are worth an alert.

The method and its four window pairs are those of the Site Reliability Workbook, chapter 5, "Alerting on SLOs",
sections 5 and 6 (multiwindow, multi-burn-rate alerts). All arithmetic is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from logagent.settings.values import format_duration

MINUTES_A_DAY = 1440
NOMINAL_DAYS = {"week": 7, "month": 30}
"""Calendar periods as burn rates see them: a window's share of the budget must not change with the month."""
_WORKBOOK_DAYS = 30
_WORKBOOK = (
    (60, 5, Fraction(2, 100), "critical"),
    (360, 30, Fraction(5, 100), "critical"),
    (1440, 120, Fraction(10, 100), "warning"),
    (4320, 360, Fraction(10, 100), "warning"),
)
"""Minutes of the long and the short window, share of a 30-day budget, severity: factors 14.4, 6, 3 and 1."""


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A pair of windows and the burn rate that neither may exceed."""

    long_minutes: int
    short_minutes: int
    factor: Fraction
    severity: str

    @property
    def window(self) -> str:
        """The long window as people write it: ``1h``."""
        return window_text(self.long_minutes)


def window_text(minutes: int) -> str:
    """A window as people write it: ``30m``, ``6h``, ``3d``."""
    return format_duration(minutes * 60)


def workbook_burn_rates(period_days: int) -> tuple[BurnRate, ...]:
    """The workbook's alerts for a period of so many days (7 or more): windows scale with it, factors stay."""
    scale = Fraction(period_days, _WORKBOOK_DAYS)
    found = []
    for long, short, consumed, severity in _WORKBOOK:
        scaled = round(long * scale)
        factor = factor_of(consumed, scaled, period_days)
        found.append(BurnRate(scaled, max(round(short * scale), 1), factor, severity))
    return tuple(found)


def factor_of(consumed: Fraction, window_minutes: int, period_days: int) -> Fraction:
    """The burn rate that spends a share of the period's budget within a window."""
    return consumed * period_days * MINUTES_A_DAY / window_minutes


def exact(number: float) -> Fraction:
    """A number as it was written: 99.9 is 999/10, not its nearest double."""
    return Fraction(str(number))


def budget_share(objective: float) -> Fraction:
    """Which part of the valid events may be bad at an objective in percent: 1/1000 at 99.9."""
    return 1 - exact(objective) / 100


def can_fire(burn_rate: BurnRate, objective: float) -> bool:
    """Whether events that are all bad would exceed the burn rate: at 90 % they only burn 10 times too fast."""
    return burn_rate.factor * budget_share(objective) < 1


def least_objective(burn_rate: BurnRate) -> float:
    """The objective in percent above which a burn rate can be exceeded: 93.06 for 14.4."""
    return float(100 - 100 / burn_rate.factor)
