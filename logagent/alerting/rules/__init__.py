"""Alert rules as files write them: every key declared once, with what it means and an example."""

from logagent.alerting.rules.anomaly import AnomalyAlert
from logagent.alerting.rules.base import NamedRule, Reading, RuleTable
from logagent.alerting.rules.budgets import Budget, BurnRate, Threshold
from logagent.alerting.rules.burn_rates import BurnRateAlert
from logagent.alerting.rules.events import EventAlert
from logagent.alerting.rules.slo import Slo
from logagent.alerting.rules.windows import WINDOW_ALERTS

__all__ = [
    "WINDOW_ALERTS",
    "AnomalyAlert",
    "Budget",
    "BurnRate",
    "BurnRateAlert",
    "EventAlert",
    "NamedRule",
    "Reading",
    "RuleTable",
    "Slo",
    "Threshold",
]
