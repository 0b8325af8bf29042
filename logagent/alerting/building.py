"""Checked rules → what the engine runs: labels merged, texts parsed, fields to keep chosen, fingerprints taken."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logagent.alerting.accounts import BudgetPlan
from logagent.alerting.checks import EVENT_NAMES
from logagent.alerting.compiling import compile_capture
from logagent.alerting.events import EventPlan
from logagent.alerting.periods import SECOND, Calendar, PeriodKind
from logagent.alerting.state import Texts, fingerprint
from logagent.alerting.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logagent.alerting.rules import Budget, EventAlert
    from logagent.model import Span


def event_plan(
    alert: EventAlert, common: Mapping[str, str], identify: Callable[[list[Span]], object] | None
) -> EventPlan:
    """An event alert, ready to run. State is kept over a change of its texts and times, not of what it matches."""
    texts = _texts(alert)
    fields = [name for name in texts.names if name not in EVENT_NAMES and not name.startswith("labels.")]
    own = {"alertname": alert.name, "severity": alert.severity}
    return EventPlan(
        name=alert.name,
        fingerprint=fingerprint(
            alert.kind, alert.source, alert.where, alert.by, alert.value, alert.severity, sorted(alert.labels.items())
        ),
        label_names=tuple(alert.by),
        labels={**common, **alert.labels, **own},
        texts=texts,
        repeat_nano=round(alert.repeat * SECOND),
        quiet_nano=round(alert.resolve_after * SECOND),
        max_groups=alert.max_groups,
        capture=compile_capture(fields, alert.source, identify),
    )


def budget_plan(
    budget: Budget, common: Mapping[str, str], identify: Callable[[list[Span]], object] | None
) -> BudgetPlan:
    """A budget, ready to run. What was spent is kept over a change of limits and thresholds, not of what is counted."""
    return BudgetPlan(
        name=budget.name,
        fingerprint=fingerprint(budget.source, budget.where, budget.value, budget.by, budget.period, budget.timezone),
        label_names=tuple(budget.by),
        labels={**common, **budget.labels, "alertname": budget.name},
        thresholds=tuple((one.at, one.severity or budget.severity) for one in budget.thresholds),
        limit=budget.limit,
        limits=budget.limits,
        currency=budget.currency,
        unit=budget.unit,
        calendar=Calendar(PeriodKind(budget.period), ZoneInfo(budget.timezone)),
        texts=_texts(budget),
        max_groups=budget.max_groups,
        capture=compile_capture((), budget.source, identify),
    )


def _texts(rule: EventAlert | Budget) -> Texts:
    return Texts(Template(rule.summary), Template(rule.description), rule.runbook_url)
