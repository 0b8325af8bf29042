"""An SLO rule, compiled: its windows, its alerts, and what each group may spend."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from logagent.alerting.reasons import Reason
from logagent.alerting.slo.burn_rates import BurnRate, budget_share
from logagent.alerting.slo.counts import PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logagent.alerting.slo.spans import BudgetSpan
    from logagent.alerting.state import Texts

ENTRY = "slo"
"""First part of the ledger keys of counts: by hour and group, and of the moment up to which all is decided."""
GROUP_ENTRY = "slo_group"
"""First part of the ledger keys of what fires in a group."""
LOW_TRAFFIC = 30
"""Valid events a minute, one in two seconds, from which on traffic is not low."""


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """An alert that looks at two windows of a group."""

    key: str
    """Its name in the ledger."""
    window: str
    """Label: the long window."""
    severity: str
    reason: Reason
    factor: Fraction
    long: int
    short: int
    """Places among the group's windows."""
    min_valid: int = 0
    """Least valid events of the long window."""
    most_valid: int | None = None
    """Valid events of the short window from which on the alert is not for this group."""


@dataclass(frozen=True, slots=True)
class SloPlan:
    """What the groups of an SLO share."""

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert, ``alertname`` included."""
    texts: Texts
    objective: float
    objectives: Mapping[str, float]
    composite: str
    span: BudgetSpan
    windows: tuple[int, ...]
    """Minutes, ascending."""
    window_labels: tuple[str, ...]
    """Of the windows and of the period."""
    alerts: tuple[BurnAlert, ...]
    min_bad: int
    max_groups: int
    lateness_nano: int
    bad_value: bool
    """What the watched value is for a bad event."""
    capture: Callable[[Any], tuple[bytes, dict[str, object]]]


def burn_alerts(
    burn_rates: Sequence[BurnRate], windows: Sequence[int], min_valid: int, low_traffic: str, period_label: str
) -> tuple[BurnAlert, ...]:
    """The alerts of an SLO.

    The one for low traffic looks at the period itself and its longest window, without a least number of valid events:
    it tells of the outage whose requests are too few for the others.
    """
    found = [
        BurnAlert(
            f"{one.long_minutes}/{one.severity}",
            one.window,
            one.severity,
            Reason.BURN_RATE,
            one.factor,
            windows.index(one.long_minutes),
            windows.index(one.short_minutes),
            min_valid,
        )
        for one in burn_rates
    ]
    if low_traffic != "none":
        longest = len(windows) - 1
        most = LOW_TRAFFIC * windows[longest]
        reason, factor = Reason.LOW_TRAFFIC, Fraction(1)
        found.append(
            BurnAlert("low_traffic", period_label, low_traffic, reason, factor, PERIOD, longest, most_valid=most)
        )
    return tuple(found)


def limits_of(plan: SloPlan, objective: float) -> tuple[tuple[int, int], ...]:
    """For each alert the share of bad events that it takes, as numerator and denominator: 18/1250 for 14.4 at 99.9 %."""
    share = budget_share(objective)
    return tuple((alert.factor * share).as_integer_ratio() for alert in plan.alerts)
