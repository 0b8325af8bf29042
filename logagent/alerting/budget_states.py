"""An account as the page, ``status`` and the metrics show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.accounts import Account, BudgetState
from logagent.alerting.budget_plans import Basis
from logagent.alerting.prospects import note_of
from logagent.alerting.spending import MINUTE

if TYPE_CHECKING:
    from logagent.alerting.budget_plans import BudgetPlan
    from logagent.alerting.burning import Burning
    from logagent.alerting.prospects import Prospects


def state_of(account: Account, plan: BudgetPlan, prospects: Prospects, burning: Burning, time: int) -> BudgetState:
    """What there is to show of an account at a time."""
    past, instant = account.past, time // MINUTE * MINUTE
    outlook = prospects.outlook(account.period, past, time, account.spent) if past else None
    rates = {one.label: burning.rate(past, one.window, instant) for one in plan.burn_rates} if past else {}
    return BudgetState(
        plan.name,
        account.labels,
        plan.currency or plan.unit,
        account.spent,
        account.limit,
        account.period.label,
        account.period.start_unix_nano,
        account.period.end_unix_nano,
        account.calls,
        account.unpriced,
        tuple(one.at for one in plan.thresholds),
        tuple(sorted(fired.at for fired in account.fired.values() if fired.basis is Basis.SPEND)),
        outlook.projection if outlook else None,
        outlook.forecast_30d if outlook else None,
        note_of(outlook),
        rates,
    )
