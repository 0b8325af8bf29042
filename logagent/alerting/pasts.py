"""The pasts of all of a budget's groups."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from logagent.alerting.spending import HOUR, MOST_PASTS, Books, DayClock, Past

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from logagent.alerting.budget_plans import BudgetPlan
    from logagent.alerting.periods import Period
    from logagent.alerting.reasons import Loss
    from logagent.alerting.state import Journal, Key

_IDLE = timedelta(days=92)
"""A group that spends nothing for so long begins anew: the next one may have its place."""
_DAY_HOURS = 26
"""The longest local day, and the hour that it ends in."""


class Pasts:
    """By group; only of the first ``MOST_PASTS``."""

    def __init__(self, plan: BudgetPlan, clock: DayClock, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.known: dict[Key, Past] = {}
        self._clock = clock
        longest = max((one.window for one in plan.burn_rates), default=0)
        hours = max(-(-longest // HOUR) + 1, _DAY_HOURS) if plan.burn_rates or plan.forecasts else 0
        self._kept = hours * HOUR
        self._books = Books(plan.name, plan.past_fingerprint, clock, hours, journal, lost)

    def of(self, key: Key) -> Past | None:
        """The past of a group; None where too many are known."""
        past = self.known.get(key)
        if past is None and len(self.known) < MOST_PASTS:
            past = self.known[key] = Past(key, self._books)
        return past

    def take_back(self, key: Key) -> Past:
        """The past of a group that the ledger has an entry of."""
        return self.known.setdefault(key, Past(key, self._books))

    def forget(self, period: Period, used: Container[Key]) -> None:
        """Let go of what is too old for a period and those after it, and of groups that nothing uses."""
        day = self._clock.day(period.start_unix_nano).day
        idle = day - _IDLE if day.toordinal() > _IDLE.days else date.min
        for key, past in list(self.known.items()):
            past.forget(day, idle)
            if not past.months and key not in used:
                del self.known[key]

    def forget_hours(self, decided: int) -> None:
        """Let go of the hours that nothing at a decided instant or after it looks at."""
        for past in self.known.values():
            past.forget_hours(decided - self._kept)
