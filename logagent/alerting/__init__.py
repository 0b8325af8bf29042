"""Rules over spans, records and failures: alerts and budgets."""

from logagent.alerting.accounts import BudgetState
from logagent.alerting.engine import AlertEngine, EngineCounts
from logagent.alerting.loading import RuleReader
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.rules import Budget, EventAlert
from logagent.alerting.slo.state import SloState

__all__ = [
    "AlertEngine",
    "Budget",
    "BudgetState",
    "EngineCounts",
    "EventAlert",
    "Loss",
    "Reason",
    "RuleReader",
    "SloState",
]
