"""Metrics of rules: what Prometheus needs to decide window alerts and budgets by itself.

With ``[rules] prometheus = true`` they are counted beside the metrics that rule files define, as exactly.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

from logagent.alerting.rules import Budget
from logagent.alerting.rules.windows import (
    AbsenceAlert,
    CountAlert,
    MeanAlert,
    QuantileAlert,
    RateAlert,
    RatioAlert,
    SumAlert,
)
from logagent.metrics.rules import MetricRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting.rules import NamedRule
    from logagent.alerting.rules.window_tables import WindowTable

MOST_EXPECTED = 100
"""Expected groups of an absence alert that are worth an expression each."""
_COUNTED = (CountAlert, RateAlert, RatioAlert, AbsenceAlert)
_MEASURED = (SumAlert, MeanAlert, QuantileAlert)
_HISTOGRAMS_OWN = frozenset({"le", "quantile"})
_MOST_LABELS = 16
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_STEPS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0, 2.5, 5.0, 10.0)
"""Bounds of a quantile's buckets, as multiples of its limit."""


def stems(rules: Sequence[NamedRule]) -> dict[str, str]:
    """Name of a rule → what the names of its own metrics begin with; only those that Prometheus can decide.

    ``HttpErrors`` is ``alert_http_errors``. Where two rules come to the same words, a hash of their names tells them apart.
    """
    words = {rule.name: _words(rule) for rule in rules if not reason_against(rule)}
    times = Counter(words.values())
    return {
        name: stem if times[stem] == 1 else f"{stem}_{sha256(name.encode()).hexdigest()[:6]}"
        for name, stem in words.items()
    }


def _words(rule: NamedRule) -> str:
    table = "budget" if isinstance(rule, Budget) else "alert"
    return f"{table}_{_WORD.sub('_', rule.name).strip('_').lower()}"


def reason_against(rule: NamedRule) -> str:
    """Why metrics cannot tell Prometheus what a rule looks at; empty where they can."""
    if not isinstance(rule, (*_COUNTED, *_MEASURED, Budget)):
        return "Prometheus has no such kind of rule"
    if len(rule.by) > _MOST_LABELS:
        return f"a metric has at most {_MOST_LABELS} labels"
    if isinstance(rule, AbsenceAlert) and len(rule.expected) > MOST_EXPECTED:
        return f"more than {MOST_EXPECTED} groups are expected"
    return _reason_against_histogram(rule) if isinstance(rule, _MEASURED) else ""


def _reason_against_histogram(alert: SumAlert | MeanAlert | QuantileAlert) -> str:
    if _HISTOGRAMS_OWN & alert.by.keys():
        return "the labels `le` and `quantile` are a histogram's own"
    if min(alert.limit, alert.limit if alert.recover is None else alert.recover) < 0:
        return "a histogram takes no negative numbers"
    if isinstance(alert, QuantileAlert) and not alert.limit:
        return "a bucket has no bound at 0"
    return ""


def metrics_of(rules: Sequence[NamedRule]) -> tuple[MetricRule, ...]:
    """The metrics from which Prometheus can decide rules."""
    named = stems(rules)
    found: list[MetricRule] = []
    for rule in rules:
        if rule.name not in named:
            continue
        if isinstance(rule, Budget):
            found.append(_spent(rule, named[rule.name]))
        elif isinstance(rule, _MEASURED):
            found.append(_values(rule, named[rule.name]))
        elif isinstance(rule, _COUNTED):
            found += _events(rule, named[rule.name])
    return tuple(found)


def _events(alert: WindowTable, stem: str) -> list[MetricRule]:
    """Counters of events; the bad ones are nought as soon as their group has any event."""
    expected = alert.expected if isinstance(alert, AbsenceAlert) else []
    found = [_counter(alert, f"{stem}_events_total", "Events", alert.where, zero_init=tuple(expected))]
    if isinstance(alert, RatioAlert):
        both = f"({alert.where}) and ({alert.bad})" if alert.where else alert.bad
        name = f"{stem}_bad_total"
        found += [_counter(alert, name, "Bad events", alert.where, value=0), _counter(alert, name, "Bad events", both)]
    return found


def _counter(  # noqa: PLR0913 - keys of a metric
    alert: WindowTable,
    name: str,
    what: str,
    where: str,
    *,
    value: int = 1,
    zero_init: tuple[dict[str, str], ...] = (),
) -> MetricRule:
    return MetricRule(
        name=name,
        type="counter",
        help=f"{what} that the alert {alert.name} looks at.",
        source=alert.source,
        where=where,
        value=value,
        by=alert.by,
        zero_init=zero_init,
    )


def _values(alert: SumAlert | MeanAlert | QuantileAlert, stem: str) -> MetricRule:
    """A histogram. A quantile is above a bound exactly where the bound's bucket says so: the limits are bounds."""
    limits = {one for one in (alert.limit, alert.recover) if one}
    steps = (float(f"{alert.limit * step:.6g}") for step in _STEPS)
    bounds = limits.union(steps) if isinstance(alert, QuantileAlert) and alert.limit else limits
    return MetricRule(
        name=f"{stem}_value",
        type="histogram",
        help=f"Numbers that the alert {alert.name} looks at.",
        source=alert.source,
        where=alert.where,
        value=alert.value,
        by=alert.by,
        buckets=tuple(sorted(bounds)),
    )


def _spent(budget: Budget, stem: str) -> MetricRule:
    return MetricRule(
        name=f"{stem}_spent_total",
        type="counter",
        help=f"What the budget {budget.name} adds up.",
        source=budget.source,
        where=budget.where,
        value=budget.value,
        by=budget.by,
    )
