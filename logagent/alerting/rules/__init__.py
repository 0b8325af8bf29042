"""Alert rules as files write them: every key declared once, with what it means and an example."""

from logagent.alerting.rules.base import NamedRule, Reading, RuleTable
from logagent.alerting.rules.budgets import Budget, Threshold
from logagent.alerting.rules.events import EventAlert

__all__ = ["Budget", "EventAlert", "NamedRule", "Reading", "RuleTable", "Threshold"]
