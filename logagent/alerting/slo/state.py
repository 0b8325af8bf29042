"""An SLO as people see it: its figures, and its alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.alerting.slo.burn_rates import MINUTES_A_DAY
from logagent.alerting.slo.counts import PERIOD
from logagent.alerting.templates import duration
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from logagent.alerting.slo.group import Burning, SloGroup
    from logagent.alerting.slo.plan import BurnAlert, SloPlan
    from logagent.alerting.state import Change

_SECONDS_A_DAY = MINUTES_A_DAY * 60


@dataclass(frozen=True, slots=True)
class SloState:
    """An SLO's group as the page, ``status`` and the metrics show it."""

    name: str
    group: dict[str, str]
    """The group's labels; empty for an SLO without groups."""
    objective: float
    """Percent."""
    period: str
    """``30d``, ``2026-11``, ``2026-W47``."""
    valid: int
    bad: int
    """Of the period."""
    budget_left: float | None
    """Part of the error budget, below 0 where it is overspent; None without events."""
    burn_rates: dict[str, float | None]
    """By window, as of the last minute that was decided; None for a window without events."""
    firing: tuple[str, ...]
    """Windows of the alerts that fire."""

    @property
    def good(self) -> int:
        """Valid events that were not bad."""
        return self.valid - self.bad

    @property
    def sli(self) -> float | None:
        """Part of the valid events that was good; None without events."""
        return self.good / self.valid if self.valid else None


def state_of(plan: SloPlan, group: SloGroup, minute: int) -> SloState:
    """What there is to show of a group at a minute."""
    counts = group.counts
    sums = counts.period_sums(minute)
    return SloState(
        plan.name,
        group.labels,
        group.objective,
        plan.span.name(max(minute, counts.now)),
        sums.valid,
        sums.bad,
        group.budget_left(sums),
        {label: group.burn_rate(counts.sums(window)) for window, label in enumerate(plan.window_labels)},
        tuple(alert.window for alert in plan.alerts if alert.key in group.burning),
    )


def alert_of(plan: SloPlan, group: SloGroup, alert: BurnAlert, burning: Burning, change: Change) -> Alert:
    """An alert at the minute that was last decided: its value is the burn rate of its long window."""
    counts = group.counts
    sums = counts.sums(alert.long)
    rate = group.burn_rate(sums) or 0.0
    left = group.budget_left(counts.sums(PERIOD))
    left = 1.0 if left is None else max(left, 0.0)
    seconds = left * plan.span.days * _SECONDS_A_DAY / rate if rate else None
    values: dict[str, object] = {
        "slo": plan.name,
        "value": float(f"{rate:.3g}"),
        "factor": float(alert.factor),
        "objective": group.objective,
        "budget_left": left,
        "exhausted_in": seconds,
        "outlook": _outlook(left, seconds),
        "valid": sums.valid,
        "bad": sums.bad,
        "window": alert.window,
        "trace_id": burning.trace_id.hex(),
    }
    values |= {f"labels.{name}": text for name, text in burning.labels.items()}
    return Alert(
        plan.name,
        dict(burning.labels),
        plan.texts.render(values, burning.trace_id),
        change.state,
        change.reason.value,
        rate,
        change.time_unix_nano,
        burning.starts_unix_nano,
        change.time_unix_nano if change.state is AlertState.RESOLVED else 0,
        burning.trace_id,
    )


def _outlook(left: float, seconds: float | None) -> str:
    if left <= 0:
        return "the error budget is spent"
    if seconds is None:
        return "the error budget is not being spent"
    return f"at this speed the error budget ends in {duration(seconds)}"
