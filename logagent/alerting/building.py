"""Checked rules → what the engine runs: labels merged, texts parsed, fields to keep chosen, fingerprints taken."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logagent.alerting.budget_plans import Basis, BudgetPlan, BurnPlan, ThresholdPlan
from logagent.alerting.budgets import BudgetRule
from logagent.alerting.checks import EVENT_NAMES
from logagent.alerting.compiling import React, Watch, compile_capture
from logagent.alerting.events import EventPlan, EventRule
from logagent.alerting.periods import SECOND, Calendar, PeriodKind
from logagent.alerting.state import Texts, fingerprint
from logagent.alerting.templates import Template
from logagent.settings.values import format_duration

if TYPE_CHECKING:
    from logagent.alerting.rules import Budget, BurnRate, EventAlert, Threshold
    from logagent.alerting.running import Surroundings

_UNPRICED = "{{ unpriced }} of {{ calls }} calls of {{ budget }} in {{ period }} have no price and are not in the sum"


def event_rule(alert: EventAlert, given: Surroundings) -> EventRule:
    """An event alert, ready to run. State is kept over a change of its texts and times, not of what it matches."""
    texts = _texts(alert)
    fields = [name for name in texts.names if name not in EVENT_NAMES and not name.startswith("labels.")]
    own = {"alertname": alert.name, "severity": alert.severity}
    plan = EventPlan(
        name=alert.name,
        fingerprint=fingerprint(
            alert.kind, alert.source, alert.where, alert.by, alert.value, alert.severity, sorted(alert.labels.items())
        ),
        label_names=tuple(alert.by),
        labels={**given.labels, **alert.labels, **own},
        texts=texts,
        repeat_nano=round(alert.repeat * SECOND),
        quiet_nano=round(alert.resolve_after * SECOND),
        max_groups=alert.max_groups,
        capture=compile_capture(fields, alert.source, given.identify),
    )
    running = EventRule(plan, given.journal)
    running.watches = (watch_of(alert, running.match),)
    return running


def budget_rule(budget: Budget, given: Surroundings) -> BudgetRule:
    """A budget, ready to run. What was spent is kept over a change of limits and thresholds, not of what is counted."""
    past = fingerprint(budget.source, budget.where, budget.value, budget.by, budget.timezone)
    zone = ZoneInfo(budget.timezone)
    thresholds = tuple(_threshold(one, budget) for one in budget.thresholds)
    plan = BudgetPlan(
        name=budget.name,
        fingerprint=fingerprint(budget.source, budget.where, budget.value, budget.by, budget.period, budget.timezone),
        past_fingerprint=past,
        label_names=tuple(budget.by),
        labels={**given.labels, **budget.labels, "alertname": budget.name},
        thresholds=tuple(one for one in thresholds if one.basis is Basis.SPEND),
        forecasts=tuple(one for one in thresholds if one.basis is Basis.FORECAST),
        unpriced=ThresholdPlan(0.0, budget.severity, Basis.UNPRICED) if budget.missing_price == "alert" else None,
        burn_rates=tuple(_burn_rate(one, budget) for one in budget.burn_rates),
        limit=budget.limit,
        limits=budget.limits,
        currency=budget.currency,
        unit=budget.unit,
        calendar=Calendar(PeriodKind(budget.period), zone),
        days=Calendar(PeriodKind.DAY, zone),
        texts={
            Basis.SPEND: _texts(budget),
            Basis.FORECAST: _texts(budget, budget.forecast_summary),
            Basis.UNPRICED: _texts(budget, _UNPRICED),
        },
        burn_texts=Texts(Template(budget.burn_summary), Template(""), budget.runbook_url),
        max_groups=budget.max_groups,
        capture=compile_capture((), budget.source, given.identify),
    )
    running = BudgetRule(plan, given.journal, given.lost)
    running.watches = (watch_of(budget, running.spend),)
    return running


def _threshold(one: Threshold, budget: Budget) -> ThresholdPlan:
    wait = None if one.not_before is None else round(one.not_before * SECOND)
    return ThresholdPlan(one.at, one.severity or budget.severity, Basis(one.basis), one.confidence, wait)


def _burn_rate(one: BurnRate, budget: Budget) -> BurnPlan:
    window, short = round(one.long * SECOND), round(one.short * SECOND)
    return BurnPlan(window, short, one.budget_consumed, one.severity or budget.severity, format_duration(one.long))


def _texts(rule: EventAlert | Budget, summary: str = "") -> Texts:
    return Texts(Template(summary or rule.summary), Template(rule.description), rule.runbook_url)


def watch_of(rule: EventAlert | Budget, react: React) -> Watch:
    """What a rule looks at, and what it does then."""
    return Watch(rule.name, rule.source, rule.where, rule.value, tuple(rule.by.values()), react)
