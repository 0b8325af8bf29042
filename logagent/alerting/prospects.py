"""Thresholds on what a budget's period will come to: looked at once an hour, told once a period.

A forecast that has fired resolves when reaching the threshold is less than half as probable as was asked for, or at the
period's end; it does not come again in the same period.
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from logagent.alerting.accounts import Account, Book, Fired, alert_of
from logagent.alerting.budget_plans import Basis, BudgetPlan, ThresholdPlan
from logagent.alerting.forecasting import Estimate, Present, next_days, period_total
from logagent.alerting.reasons import Reason
from logagent.alerting.spending import HOUR, DayClock, Past
from logagent.alerting.state import Change
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logagent.alerting.periods import Period
    from logagent.alerting.state import Journal
    from logagent.model import Alert

PROJECTION_NAMES = frozenset({"projected", "projected_low", "projected_high", "forecast_30d"})
TOO_EARLY = "too early: run rate"
NO_PAST = "too many groups for a forecast"
_RELIEF = 0.5
_TENTH = 10


class Outlook(NamedTuple):
    """What an account's period, and the next 30 days, will come to."""

    projection: Estimate
    forecast_30d: Estimate

    def told(self) -> dict[str, float]:
        """The values that texts may name."""
        projection = self.projection
        values = {"projected": projection.mid, "forecast_30d": self.forecast_30d.mid}
        if projection.low is not None and projection.high is not None:
            values |= {"projected_low": projection.low, "projected_high": projection.high}
        return values


class Prospects:
    """The forecasts of one budget's accounts."""

    def __init__(self, plan: BudgetPlan, clock: DayClock, journal: Journal) -> None:
        self._plan = plan
        self._clock = clock
        self._journal = journal
        names = (*plan.texts[Basis.SPEND].names, *plan.texts[Basis.UNPRICED].names)
        self.named = not PROJECTION_NAMES.isdisjoint(names)
        """Whether the text of a threshold of spend needs a forecast."""

    def outlook(self, period: Period, past: Past, time: int, spent: float) -> Outlook:
        """What there is to expect at a time, of all that is known. ``spent``: in the period so far."""
        day = self._clock.day(time)
        today = past.between(day.day, date.fromordinal(day.day.toordinal() + 1))[0]
        return self._outlook(period, past, Present(day.day, today, day.elapsed(time)), spent)

    def _outlook(self, period: Period, past: Past, present: Present, spent: float) -> Outlook:
        model = past.model(present.day)
        before = past.before(present.day)[1] if model is None else ()
        until = self._clock.day(period.end_unix_nano - 1).day
        until = date.fromordinal(until.toordinal() + 1)
        return Outlook(period_total(model, before, present, spent, until), next_days(model, before, present))

    def decide(self, books: Iterable[Book], last: int, time: int) -> Iterator[Alert]:
        """The changes at the full hours after ``last`` up to ``time``, all of whose calls are known."""
        for book in sorted(books, key=lambda book: book.start):
            first = max(last, book.start) // HOUR + 1
            for hour in range(first, min(time, book.end - 1) // HOUR + 1):
                for key in sorted(book.accounts):
                    yield from self._at(book.accounts[key], hour * HOUR)

    def _at(self, account: Account, instant: int) -> Iterator[Alert]:
        plan = self._plan
        start, end, _ = account.period
        waiting = [
            one
            for one in plan.forecasts
            if not (fired := account.fired.get(one.mark)) or not fired.resolved
            if instant >= start + ((end - start) // _TENTH if one.not_before_nano is None else one.not_before_nano)
        ]
        if not waiting or account.past is None or instant <= account.since_unix_nano:
            return
        outlook = self._known_at(account.period, account.past, instant)
        for one in waiting:
            yield from self._compare(account, one, outlook, instant)

    def _known_at(self, period: Period, past: Past, instant: int) -> Outlook:
        """What there was to expect at an instant: later calls may have been counted already, and do not count."""
        day = self._clock.day(instant)
        today = past.minutes(day.start, instant)
        earlier = past.between(self._clock.day(period.start_unix_nano).day, day.day)
        present = Present(day.day, today, day.elapsed(instant))
        return self._outlook(period, past, present, math.fsum([*earlier, today]))

    def _compare(self, account: Account, one: ThresholdPlan, outlook: Outlook, instant: int) -> Iterator[Alert]:
        plan, amount = self._plan, one.at * account.limit
        chance = outlook.projection.chance_above(amount)
        fired = account.fired.get(one.mark)
        if fired is None and not outlook.projection.too_early and chance >= one.confidence:
            own = {"severity": one.severity, "threshold": f"{one.at:g}", "basis": one.basis.value}
            labels = {**plan.labels, **account.labels, **own, "period": account.period.label}
            spent = outlook.projection.certain
            told = outlook.told() | {"chance": chance, "spent": spent, "share": spent / account.limit}
            told["left"] = max(account.limit - spent, 0.0)
            fired = Fired(one.at, instant, labels, b"", basis=Basis.FORECAST, amount=amount, told=told)
            account.fired[one.mark] = fired
            change = Change(AlertState.FIRING, Reason.FORECAST, instant)
        elif fired is not None and chance < one.confidence * _RELIEF:
            fired.resolved = True
            change = Change(AlertState.RESOLVED, Reason.RECOVERED, instant)
        else:
            return
        self._journal.touch(account)
        yield alert_of(plan, account, fired, change)

    def waiting(self, account: Account) -> bool:
        """Whether an account has a forecast threshold that may change in its period."""
        return account.past is not None and any(
            not (fired := account.fired.get(one.mark)) or not fired.resolved for one in self._plan.forecasts
        )


def note_of(outlook: Outlook | None) -> str:
    """What to know of an outlook; empty where there is nothing."""
    if outlook is None:
        return NO_PAST
    return TOO_EARLY if outlook.projection.too_early else ""
