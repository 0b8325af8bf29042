"""Budgets: spend counts in the calendar period of the call's end, and each threshold is told once a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.accounts import ENTRY, Account, Book, BudgetState, Fired, Progress, alert_of
from logagent.alerting.budget_plans import Basis
from logagent.alerting.budget_states import state_of
from logagent.alerting.burning import BURNS, Burning
from logagent.alerting.pasts import Pasts
from logagent.alerting.prospects import Prospects
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.running import NEVER
from logagent.alerting.spending import DAYS, HOUR, HOURS, MINUTE, DayClock
from logagent.alerting.state import LARGEST_VALUE, OVERFLOW_KEY, Change, Journal, Key, entry_key, label_text
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.budget_plans import BudgetPlan, ThresholdPlan
    from logagent.alerting.compiling import Watch
    from logagent.alerting.periods import Period
    from logagent.alerting.spending import Past

_MOST_BOOKS = 64
"""Periods kept at once: two where time passes as it should; more only while old files of many periods are read."""


class BudgetRule:
    """The books of one budget: one for each period that still counts."""

    def __init__(self, plan: BudgetPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        told = (*plan.thresholds, *plan.forecasts, *plan.burn_rates, *((plan.unpriced,) if plan.unpriced else ()))
        self.severities = tuple(dict.fromkeys(one.severity for one in told))
        self.rooms = {ENTRY: plan.fingerprint} | dict.fromkeys((DAYS, HOURS, BURNS), plan.past_fingerprint)
        self.watches: tuple[Watch, ...] = ()
        self._journal = journal
        self._lost = lost
        self._books: dict[int, Book] = {}
        self._start = self._end = 0
        """Bounds of the period that was last spent in, and its accounts: the next call is mostly of the same."""
        self._accounts: dict[Key, Account] = {}
        self._progress = Progress(entry_key(ENTRY, plan.name, plan.fingerprint))
        clock = DayClock(plan.days)
        self._pasts = Pasts(plan, clock, journal, lost)
        self._prospects = Prospects(plan, clock, journal)
        self._burning = Burning(plan, journal)
        self._next_hour = NEVER
        """No forecast is compared with a threshold before this; a lower bound."""
        self._turn = 0
        """When the current period ends."""
        self._due = NEVER
        """No threshold resolves before this; a lower bound."""

    @property
    def due(self) -> int:
        """Neither a period ends nor a threshold resolves before this; a lower bound."""
        return min(self._due, self._turn, self._next_hour, self._burning.due)

    def spend(self, event: object, time: int, value: object, key: Key) -> None:
        """Take a call that the budget's condition holds for; None as its value is a call without a price."""
        if not self._start <= time < self._end and not self._open(time):
            return
        account = self._accounts.get(key)
        if account is None:
            account = self._admit(key, time)
        account.calls += 1
        if (value.__class__ is float or value.__class__ is int) and 0.0 <= value <= LARGEST_VALUE:
            account.spent += value
            past = account.past
            if past is not None and not (past.start <= time < past.stop and past.add_more(value)):
                self._remember(past, time, float(value), event)
            if account.spent >= account.next_amount:
                self._cross(account, time, event)
        else:
            account.unpriced += 1
            if self.plan.unpriced is not None and self.plan.unpriced.mark not in account.fired:
                self._fire(account, self.plan.unpriced, time, self.plan.capture(event)[0])
        if not account.dirty:
            self._journal.touch(account)

    def _remember(self, past: Past, time: int, amount: float, event: object) -> None:
        dearest = past.add(time, amount)
        if self.plan.forecasts:
            self._await_hour(time)
        if self.plan.burn_rates:
            self._burning.spent(past, time, self._progress.minute)
            if dearest is not None:
                dearest.trace_id, _ = self.plan.capture(event)

    def _open(self, time: int) -> bool:
        """Turn to the book of a time; False where none is kept for it."""
        book = next((book for book in self._books.values() if book.start <= time < book.end), None)
        if book is None:
            period = self.plan.calendar.period(time)
            if period is None or not self._make_room(period):
                self._lost(Loss.BUDGET_TIME if period is None else Loss.BUDGET_LATE)
                return False
            book = self._book(period)
        self._start, self._end, self._accounts = book.start, book.end, book.accounts
        return True

    def _make_room(self, period: Period) -> bool:
        """Whether a period still counts; the oldest book goes where there are too many."""
        if len(self._books) >= _MOST_BOOKS:
            first, second, *_ = sorted(self._books)
            if period.start_unix_nano > first:
                self._journal.alerts.extend(self._retire(first))
                self._raise_floor(min(second, period.start_unix_nano))
        return period.start_unix_nano >= self._progress.start and len(self._books) < _MOST_BOOKS

    def _retire(self, start: int) -> list[Alert]:
        """Forget a book; what still fires in it resolves."""
        book = self._books.pop(start)
        if self._start == start:
            self._start = self._end = 0
        alerts = self._resolve(book, Change(AlertState.RESOLVED, Reason.PERIOD_END, book.end))
        for account in book.accounts.values():
            self._journal.forget(account.entry)
        return alerts

    def _raise_floor(self, start: int) -> None:
        if start > self._progress.start:
            self._progress.start = start
            self._journal.touch(self._progress)

    def _book(self, period: Period) -> Book:
        book = self._books.get(period.start_unix_nano)
        if book is None:
            book = Book(period.start_unix_nano, period.end_unix_nano, period)
            self._books[book.start] = book
        return book

    def _admit(self, key: Key, time: int) -> Account:
        """The account of a group that is not known yet in this period."""
        key = tuple(map(label_text, key))
        if key not in self._accounts and len(self._accounts) >= self.plan.max_groups:
            key = OVERFLOW_KEY
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = self._account(self._books[self._start], key)
            account.since_unix_nano = time
            if self._prospects.waiting(account):
                self._await_hour(time)
        return account

    def _account(self, book: Book, key: Key) -> Account:
        plan = self.plan
        entry = entry_key(ENTRY, plan.name, plan.fingerprint, str(book.start), *key)
        past = self._pasts.of(key)
        account = Account(entry, key, plan.group_labels(key), book.period, plan.limit_of(key), past)
        account.arm(plan)
        return account

    def _await_hour(self, time: int) -> None:
        """Compare forecasts with thresholds at the full hour after a time, or the next that is not decided."""
        self._next_hour = min(self._next_hour, max(time // HOUR, self._progress.hour // HOUR) * HOUR + HOUR)

    def _await_hours(self) -> None:
        """Compare as long as a forecast may change, or minutes are still to be forgotten."""
        self._next_hour = NEVER
        if not self.plan.forecasts:
            return
        for book in self._books.values():
            if book.end > self._progress.hour:
                for account in filter(self._prospects.waiting, book.accounts.values()):
                    self._await_hour(account.since_unix_nano)
        for past in self._pasts.known.values():
            for index in past.hours:
                self._await_hour(index * HOUR)

    def _cross(self, account: Account, time: int, event: object) -> None:
        plan = self.plan
        trace_id, _ = plan.capture(event)
        for one in plan.thresholds:
            if one.mark not in account.fired and account.reached(one.at):
                self._fire(account, one, time, trace_id)
        account.arm(plan)

    def _fire(self, account: Account, one: ThresholdPlan, time: int, trace_id: bytes) -> None:
        own = {"severity": one.severity, "threshold": f"{one.at:g}"}
        if one.basis is Basis.UNPRICED:
            own = {"severity": one.severity, "basis": one.basis.value}
        labels = {**self.plan.labels, **account.labels, **own, "period": account.period.label}
        fired = Fired(one.at, time, labels, trace_id, basis=one.basis, amount=one.at * account.limit)
        if self._prospects.named and account.past is not None:
            fired.told = self._prospects.outlook(account.period, account.past, time, account.spent).told()
        account.fired[one.mark] = fired
        reason = Reason.UNPRICED if one.basis is Basis.UNPRICED else Reason.THRESHOLD
        self._journal.alerts.append(alert_of(self.plan, account, fired, Change(AlertState.FIRING, reason, time)))
        self._due = min(self._due, account.period.end_unix_nano)

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Look at forecasts and burn rates up to this time, and end the periods that are over.

        Their thresholds resolve, and all before the previous one is forgotten.
        """
        alerts = []
        if time_unix_nano >= min(self._next_hour, self._burning.due):
            alerts += self._decide_burn_rates(time_unix_nano)
            alerts += self._decide_forecasts(time_unix_nano)
        if time_unix_nano >= self._due:
            for start in sorted(start for start, book in self._books.items() if book.end <= time_unix_nano):
                book = self._books[start]
                alerts += self._resolve(book, Change(AlertState.RESOLVED, Reason.PERIOD_END, book.end))
            self._due = min((book.end for book in self._books.values() if book.is_firing), default=NEVER)
        if time_unix_nano >= self._turn and (current := self.plan.calendar.period(time_unix_nano)):
            self._turn = current.end_unix_nano
            previous = self.plan.calendar.before(current) or current
            for start in sorted(start for start in self._books if start < previous.start_unix_nano):
                self._retire(start)
            self._raise_floor(previous.start_unix_nano)
            self._pasts.forget(previous, {key for book in self._books.values() for key in book.accounts})
        return alerts

    def _decide_forecasts(self, time: int) -> list[Alert]:
        if time < self._next_hour:
            return []
        progress, hour = self._progress, time // HOUR * HOUR
        alerts = list(self._prospects.decide(self._books.values(), progress.hour, hour))
        progress.hour = max(hour, progress.hour)
        self._journal.touch(progress)
        if alerts:
            self._due = min(self._due, *(book.end for book in self._books.values()))
        self._pasts.forget_hours(time)
        self._await_hours()
        return alerts

    def _decide_burn_rates(self, time: int) -> list[Alert]:
        if time < self._burning.due:
            return []
        progress, minute = self._progress, time // MINUTE * MINUTE
        alerts = list(self._burning.decide(self._pasts.known, progress.minute, minute))
        progress.minute = max(minute, progress.minute)
        self._journal.touch(progress)
        if not self.plan.forecasts:
            self._pasts.forget_hours(time)
        return alerts

    def _resolve(self, book: Book, change: Change) -> list[Alert]:
        alerts = []
        for account in sorted(book.accounts.values(), key=lambda account: account.entry):
            for fired in account.firing():
                fired.resolved = True
                self._journal.touch(account)
                alerts.append(alert_of(self.plan, account, fired, change))
        return alerts

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:
        """Take back an account, a group's past, or how far the budget has come, as the ledger kept it.

        Thresholds that a raised limit puts out of reach resolve and wait again. Raises ValueError, TypeError, KeyError
        or IndexError where the entry is none of this budget's.
        """
        key = tuple(parts[1:])
        if room != ENTRY:
            self._restore_past(room, parts, data)
        elif parts:
            return self._restore_account(int(parts[0]), key, data)
        else:
            self._progress.unpack(data)
            self._await_hours()
        return []

    def _restore_past(self, room: str, parts: list[str], data: bytes) -> None:
        key = tuple(parts if room == BURNS else parts[1:])
        past = self._pasts.take_back(key)
        if room == BURNS:
            self._burning.take_back(past, data)
        else:
            past.take_back(room, int(parts[0]), data)
        if room == HOURS:
            self._await_hour_of(past, int(parts[0]))

    def _await_hour_of(self, past: Past, index: int) -> None:
        if self.plan.burn_rates:
            self._burning.resume(past, past.hours[index], self._progress.minute)
        if self.plan.forecasts:
            self._await_hour(index * HOUR)

    def _restore_account(self, start: int, key: Key, data: bytes) -> list[Alert]:
        period = self.plan.calendar.period(start)
        if period is None or period.start_unix_nano != start:
            raise ValueError(start)
        book = self._book(period)
        account = self._account(book, key)
        account.unpack(data)
        book.accounts[key] = account
        rearmed = [fired for fired in account.fired.values() if account.out_of_reach(fired)]
        for fired in rearmed:
            del account.fired[fired.basis, fired.at]
            self._journal.touch(account)
        account.arm(self.plan)
        if any(not fired.resolved for fired in account.fired.values()):
            self._due = min(self._due, period.end_unix_nano)
        if self._prospects.waiting(account):
            self._await_hour(account.since_unix_nano)
        return [alert_of(self.plan, account, fired, superseded(fired)) for fired in rearmed if not fired.resolved]

    def firing(self) -> list[Alert]:
        """The thresholds that fire, by period, group and share, and then the burn rates."""
        return [
            *(
                alert_of(self.plan, account, fired, Change(AlertState.FIRING, _WHY[fired.basis], fired.time_unix_nano))
                for book in sorted(self._books.values(), key=lambda book: book.start)
                for account in sorted(book.accounts.values(), key=lambda account: account.entry)
                for fired in account.firing()
            ),
            *self._burning.firing(),
        ]

    def states(self, now_unix_nano: int | None) -> list[BudgetState]:
        """Every group in the period of a time (None: the latest period); without groups also where nothing was spent."""
        period = None if now_unix_nano is None else self.plan.calendar.period(now_unix_nano)
        if period is None:
            if not self._books:
                return []
            period = self._books[max(self._books)].period
        book = self._books.get(period.start_unix_nano, Book(period.start_unix_nano, period.end_unix_nano, period))
        time = period.start_unix_nano if now_unix_nano is None else now_unix_nano
        accounts = [book.accounts[key] for key in sorted(book.accounts)]
        if not accounts and not self.plan.label_names:
            past = self._pasts.known.get(())
            accounts = [Account("", (), {}, period, self.plan.limit, past)]
        return [state_of(account, self.plan, self._prospects, self._burning, time) for account in accounts]


_WHY = {Basis.SPEND: Reason.THRESHOLD, Basis.FORECAST: Reason.FORECAST, Basis.UNPRICED: Reason.UNPRICED}


def superseded(fired: Fired) -> Change:
    """The end of a threshold whose rule was changed; event time knows no better moment than its own."""
    return Change(AlertState.RESOLVED, Reason.SUPERSEDED, fired.time_unix_nano)
