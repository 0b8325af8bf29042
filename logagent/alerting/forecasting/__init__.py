"""What daily spend will come to: pure functions of past days, in the standard library alone."""

from logagent.alerting.forecasting.model import HISTORY_DAYS, LEAST_DAYS, SpendModel, fit
from logagent.alerting.forecasting.outlook import Estimate, Present, next_days, period_total

__all__ = [
    "HISTORY_DAYS",
    "LEAST_DAYS",
    "Estimate",
    "Present",
    "SpendModel",
    "fit",
    "next_days",
    "period_total",
]
