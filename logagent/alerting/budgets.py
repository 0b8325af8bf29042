"""Budgets: spend counts in the calendar period of the call's end, and each threshold is told once a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.accounts import ENTRY, Account, Book, BudgetPlan, BudgetState, Fired, Floor, alert_of, state_of
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.running import NEVER
from logagent.alerting.state import LARGEST_VALUE, OVERFLOW, OVERFLOW_KEY, Change, Journal, Key, entry_key, label_text
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.compiling import Watch
    from logagent.alerting.periods import Period

_MOST_BOOKS = 64
"""Periods kept at once: two where time passes as it should; more only while old files of many periods are read."""


class BudgetRule:
    """The books of one budget: one for each period that still counts."""

    def __init__(self, plan: BudgetPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = tuple(severity for _, severity in plan.thresholds)
        self.rooms = {ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self._journal = journal
        self._lost = lost
        self._books: dict[int, Book] = {}
        self._start = self._end = 0
        """Bounds of the period that was last spent in, and its accounts: the next call is mostly of the same."""
        self._accounts: dict[Key, Account] = {}
        self._floor = Floor(entry_key(ENTRY, plan.name, plan.fingerprint))
        self._turn = 0
        """When the current period ends."""
        self._due = NEVER
        """No threshold resolves before this; a lower bound."""

    @property
    def due(self) -> int:
        """Neither a period ends nor a threshold resolves before this; a lower bound."""
        return min(self._due, self._turn)

    def spend(self, event: object, time: int, value: object, key: Key) -> None:
        """Take a call that the budget's condition holds for; None as its value is a call without a price."""
        if not self._start <= time < self._end and not self._open(time):
            return
        account = self._accounts.get(key)
        if account is None:
            account = self._admit(key)
        account.calls += 1
        if (value.__class__ is float or value.__class__ is int) and 0.0 <= value <= LARGEST_VALUE:
            account.spent += value
            if account.spent >= account.next_amount:
                self._cross(account, time, event)
        else:
            account.unpriced += 1
        if not account.dirty:
            self._journal.touch(account)

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
        return period.start_unix_nano >= self._floor.start and len(self._books) < _MOST_BOOKS

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
        if start > self._floor.start:
            self._floor.start = start
            self._journal.touch(self._floor)

    def _book(self, period: Period) -> Book:
        book = self._books.get(period.start_unix_nano)
        if book is None:
            book = Book(period.start_unix_nano, period.end_unix_nano, period)
            self._books[book.start] = book
        return book

    def _admit(self, key: Key) -> Account:
        """The account of a group that is not known yet in this period."""
        key = tuple(map(label_text, key))
        if key not in self._accounts and len(self._accounts) >= self.plan.max_groups:
            key = OVERFLOW_KEY
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = self._account(self._books[self._start], key)
        return account

    def _account(self, book: Book, key: Key) -> Account:
        plan = self.plan
        own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(plan.label_names, key, strict=True))
        limit = plan.limits.get(key[0], plan.limit) if key else plan.limit
        entry = entry_key(ENTRY, plan.name, plan.fingerprint, str(book.start), *key)
        account = Account(entry, {name: text for name, text in own.items() if text}, book.period, limit)
        account.arm(plan)
        return account

    def _cross(self, account: Account, time: int, event: object) -> None:
        plan = self.plan
        trace_id, _ = plan.capture(event)
        for at, severity in plan.thresholds:
            if at not in account.fired and account.reached(at):
                own = {"severity": severity, "threshold": f"{at:g}", "period": account.period.label}
                account.fired[at] = Fired(at, time, {**plan.labels, **account.labels, **own}, trace_id)
                change = Change(AlertState.FIRING, Reason.THRESHOLD, time)
                self._journal.alerts.append(alert_of(plan, account, account.fired[at], change))
        account.arm(plan)
        self._due = min(self._due, account.period.end_unix_nano)

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """End the periods that are over at this time: resolve their thresholds, forget all before the previous one."""
        alerts: list[Alert] = []
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
        return alerts

    def _resolve(self, book: Book, change: Change) -> list[Alert]:
        alerts = []
        for account in sorted(book.accounts.values(), key=lambda account: account.entry):
            for fired in account.firing():
                fired.resolved = True
                self._journal.touch(account)
                alerts.append(alert_of(self.plan, account, fired, change))
        return alerts

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:  # noqa: ARG002 - part of the seam
        """Take back an account, or the start of the oldest period, as the ledger kept it.

        Thresholds that a raised limit puts out of reach resolve and wait again. Raises ValueError, TypeError, KeyError
        or IndexError where the entry is none of this budget's.
        """
        if not parts:
            self._floor.start = int(data)
            return []
        period = self.plan.calendar.period(int(parts[0]))
        if period is None or period.start_unix_nano != int(parts[0]):
            raise ValueError(parts[0])
        book = self._book(period)
        account = self._account(book, tuple(parts[1:]))
        account.unpack(data)
        book.accounts[tuple(parts[1:])] = account
        rearmed = [fired for fired in account.fired.values() if not account.reached(fired.at)]
        for fired in rearmed:
            del account.fired[fired.at]
            self._journal.touch(account)
        account.arm(self.plan)
        if any(not fired.resolved for fired in account.fired.values()):
            self._due = min(self._due, period.end_unix_nano)
        return [alert_of(self.plan, account, fired, superseded(fired)) for fired in rearmed if not fired.resolved]

    def firing(self) -> list[Alert]:
        """The thresholds that fire, by period, group and share."""
        return [
            alert_of(self.plan, account, fired, Change(AlertState.FIRING, Reason.THRESHOLD, fired.time_unix_nano))
            for book in sorted(self._books.values(), key=lambda book: book.start)
            for account in sorted(book.accounts.values(), key=lambda account: account.entry)
            for fired in account.firing()
        ]

    def states(self, now_unix_nano: int | None) -> list[BudgetState]:
        """Every group in the period of a time (None: the latest period); without groups also where nothing was spent."""
        period = None if now_unix_nano is None else self.plan.calendar.period(now_unix_nano)
        if period is None:
            if not self._books:
                return []
            period = self._books[max(self._books)].period
        book = self._books.get(period.start_unix_nano, Book(period.start_unix_nano, period.end_unix_nano, period))
        if not book.accounts and not self.plan.label_names:
            return [state_of(self.plan, Account("", {}, period, self.plan.limit))]
        return [state_of(self.plan, book.accounts[key]) for key in sorted(book.accounts)]


def superseded(fired: Fired) -> Change:
    """The end of a threshold whose rule was changed; event time knows no better moment than its own."""
    return Change(AlertState.RESOLVED, Reason.SUPERSEDED, fired.time_unix_nano)
