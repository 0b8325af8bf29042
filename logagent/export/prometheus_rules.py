"""Alerts, budgets and SLOs as Prometheus's recording and alerting rules.

What PromQL cannot say is computed in logagent: the rule then looks at ``logagent_alerts_firing``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logagent.alert_metrics import reason_against
from logagent.alerting.rules import Budget, Slo
from logagent.alerting.rules.window_tables import WindowTable
from logagent.export import budget_alerts, slo_alerts
from logagent.export.context import Context
from logagent.export.promql import select, total
from logagent.export.rule_groups import Rule, RuleGroup, yaml_of
from logagent.export.window_alerts import interval_of, window_rules
from logagent.settings.values import format_duration
from logagent.telemetry import ALERTS_FIRING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.alerting.rules import NamedRule
    from logagent.catalog import Catalog
    from logagent.settings import Settings

FILE_NAME = "logagent.rules.yml"
_COMPUTED_INTERVAL = 15.0
_COMPUTED = {"computed_by": "logagent"}
"""Label of the alerts that logagent decides."""
_HEAD = (
    "Made by logagent export prometheus-rules from the rules of logagent. Make it anew when they change.",
    "Needs Prometheus 2.42 or later, which knows keep_firing_for.",
)


@dataclass(slots=True)
class PrometheusRules:
    """The rule file, and what it cannot say as the rules do."""

    text: str = ""
    warnings: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    """Rules that Prometheus decides by itself."""
    computed: list[str] = field(default_factory=list)
    """Rules that logagent decides for it."""


def prometheus_rules(catalog: Catalog, settings: Settings) -> PrometheusRules:
    """The rules of a catalog, in a group for each group of rule files and interval."""
    context = Context(catalog.rules, settings)
    found = PrometheusRules()
    groups: dict[tuple[str, float], RuleGroup] = {}
    for file in catalog.files:
        for rule in file.rules:
            interval, rules = _translated(rule, context)
            groups.setdefault((file.group, interval), RuleGroup(file.group, interval)).rules.extend(rules)
            (found.computed if _is_computed(rule, context) else found.decided).append(rule.name)
    names = [name for name, _ in groups]
    for (name, interval), group in groups.items():
        if names.count(name) > 1:
            group.name = f"{name}:{format_duration(interval)}"
    found.text = yaml_of(groups.values(), _HEAD)
    found.warnings = context.warnings
    return found


def _translated(rule: NamedRule, context: Context) -> tuple[float, Iterable[Rule]]:
    """Seconds between evaluations, and the rules."""
    if isinstance(rule, Slo):
        return slo_alerts.INTERVAL, slo_alerts.slo_rules(rule, context)
    if isinstance(rule, Budget):
        return budget_alerts.INTERVAL, budget_alerts.budget_rules(rule, context)
    if isinstance(rule, WindowTable) and rule.name in context.stems:
        return interval_of(rule), window_rules(rule, context)
    return _COMPUTED_INTERVAL, [_computed(rule, context)]


def _is_computed(rule: NamedRule, context: Context) -> bool:
    return not isinstance(rule, (Slo, Budget)) and rule.name not in context.stems


def _computed(rule: NamedRule, context: Context) -> Rule:
    why = reason_against(rule) or "[rules] prometheus is not true, so nothing is counted for it"
    context.warn(rule, f"decided in logagent, all groups as one: {why}")
    firing = select(ALERTS_FIRING.name, {"alertname": rule.name})
    return Rule(
        f"{total(('severity',), firing)} > 0",
        alert=rule.name,
        labels=context.labels({}, getattr(rule, "labels", {}), **_COMPUTED),
        annotations={"summary": f'{{{{ $value | printf "%.0f" }}}} groups of {rule.name} fire in logagent'},
        comment=f"decided in logagent: {why}",
    )
