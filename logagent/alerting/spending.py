"""What a budget's groups spent on past days and in the last minutes: the ground of forecasts and burn rates.

Days are those of the budget's zone. Each group has an entry of the ledger for each month, and one for each hour that is
still looked at, so that a commit rewrites the current ones only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import orjson

from logagent.alerting.forecasting import HISTORY_DAYS, SpendModel, fit
from logagent.alerting.periods import SECOND
from logagent.alerting.reasons import Loss
from logagent.alerting.running import NEVER
from logagent.alerting.state import Journal, Key, entry_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.periods import Calendar

DAYS, HOURS = "budget_days", "budget_hours"
"""First part of the ledger keys of months and hours of spend."""
HOUR, MINUTE = 3600 * SECOND, 60 * SECOND
MOST_PASTS = 1000
"""Groups of a budget whose past is kept; a forecast of more of them would cost more than it tells."""
_MOST_MONTHS = 32
"""More than 400 days have: only times that are wrong come to so many."""
_MOST_HOURS = 10_000
"""More than a batch of lines has, after which hours that are decided go; only times that are wrong come to more."""
_MONTHS = 12


class LocalDay(NamedTuple):
    """A day of the budget's zone. Nanoseconds since the Unix epoch."""

    start: int
    end: int
    day: date

    def elapsed(self, time: int) -> float:
        """The share of it that is over at a time."""
        return min(max((time - self.start) / (self.end - self.start), 0.0), 1.0)


class DayClock:
    """Times → days. Most times are of the same day as the one before."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._last = LocalDay(0, 0, date.min)

    def day(self, time: int) -> LocalDay:
        """The day of a time that a calendar has. Raises ValueError for others."""
        if not self._last.start <= time < self._last.end:
            period = self._calendar.period(time)
            if period is None:
                raise ValueError(time)
            self._last = LocalDay(period.start_unix_nano, period.end_unix_nano, date.fromisoformat(period.label))
        return self._last


@dataclass(slots=True)
class Month:
    """A group's spend on the days of a month."""

    entry: str
    days: dict[int, float] = field(default_factory=dict)
    """By the date's ordinal."""
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value: days and amounts in turn."""
        return orjson.dumps(list(self.days.items()))


@dataclass(slots=True)
class Hour:
    """A group's spend in the minutes of an hour since the epoch."""

    entry: str
    minutes: dict[int, float] = field(default_factory=dict)
    """By the minutes since the epoch."""
    largest: float = -1.0
    trace_id: bytes = b""
    """Of the dearest call."""
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value: minutes and amounts, and the example."""
        return orjson.dumps([list(self.minutes.items()), self.largest, self.trace_id.hex()])


class Books(NamedTuple):
    """What the pasts of one budget share."""

    name: str
    fingerprint: str
    clock: DayClock
    kept_hours: int
    """Hours whose minutes are looked at; 0 where no minute is."""
    journal: Journal
    lost: Callable[[Loss], None]


class Past:
    """What one group spent."""

    def __init__(self, key: Key, books: Books) -> None:
        self.key = key
        self.months: dict[int, Month] = {}
        self.hours: dict[int, Hour] = {}
        self._books = books
        self._model: SpendModel | None = None
        self._fitted = 0
        """Ordinal of the day that the model was made for; 0 where the days before it have changed since."""
        self.start = self.stop = 0
        """Bounds of the open minute, which the last spend was in: more of it is mostly to be added there. There is none
        where they are equal."""
        self._day = self._minute = 0
        self._month, self._hour = Month(""), Hour("")
        """Where the open minute's spend belongs."""

    def add(self, time: int, amount: float) -> Hour | None:
        """Count spend; give its hour where minutes are looked at and it is the hour's dearest call."""
        self._close()
        local = self._books.clock.day(time)
        day = local.day
        ordinal = day.toordinal()
        month = self.months.get(day.year * _MONTHS + day.month)
        if month is None:
            month = self._begin_month(day)
        if month is not None:
            month.days[ordinal] = month.days.get(ordinal, 0.0) + amount
            if not month.dirty:
                self._books.journal.touch(month)
        if ordinal < self._fitted:
            self._fitted = 0
        if not self._books.kept_hours:
            return None
        dearest = self._add_minute(time, amount)
        if month is not None and (hour := self.hours.get(time // HOUR)) is not None:
            self._day, self._minute, self._month, self._hour = ordinal, time // MINUTE, month, hour
            self.start, self.stop = max(local.start, self._minute * MINUTE), min(local.end, (self._minute + 1) * MINUTE)
        return dearest

    def _close(self) -> None:
        """Have all that depends on a minute looked at when more is spent in it."""
        self.start = self.stop = 0

    def add_more(self, amount: float) -> bool:
        """Count spend of the open minute. False where that is not all there is to do: it is still to be added."""
        month, hour = self._month, self._hour
        if amount > hour.largest:
            return False
        month.days[self._day] += amount
        hour.minutes[self._minute] += amount
        if not month.dirty:
            self._books.journal.touch(month)
        if not hour.dirty:
            self._books.journal.touch(hour)
        return True

    def _begin_month(self, day: date) -> Month | None:
        """The month of a day that is not known yet; the latest goes where there are too many: it is none of ours."""
        index = day.year * _MONTHS + day.month
        self.months[index] = Month(self._entry(DAYS, index))
        if len(self.months) > _MOST_MONTHS:
            self._books.lost(Loss.EVENT_AHEAD)
            self._books.journal.forget(self.months.pop(max(self.months)).entry)
        return self.months.get(index)

    def _add_minute(self, time: int, amount: float) -> Hour | None:
        index = time // HOUR
        hour = self.hours.get(index)
        if hour is None:
            hour = self.hours[index] = Hour(self._entry(HOURS, index))
            if len(self.hours) > _MOST_HOURS:
                self._books.lost(Loss.EVENT_AHEAD)
                latest = max(self.hours)
                self._books.journal.forget(self.hours.pop(latest).entry)
                if latest == index:
                    return None
        minute = time // MINUTE
        hour.minutes[minute] = hour.minutes.get(minute, 0.0) + amount
        if not hour.dirty:
            self._books.journal.touch(hour)
        if amount > hour.largest:
            hour.largest = amount
            return hour
        return None

    def _entry(self, room: str, index: int) -> str:
        return entry_key(room, self._books.name, self._books.fingerprint, str(index), *self.key)

    def take_back(self, room: str, index: int, data: bytes) -> None:
        """Take over an entry. Raises ValueError or TypeError where it is none."""
        self._close()
        if room == DAYS:
            self.months[index] = Month(self._entry(room, index), dict(orjson.loads(data)))
        else:
            minutes, largest, trace_id = orjson.loads(data)
            self.hours[index] = Hour(self._entry(room, index), dict(minutes), largest, bytes.fromhex(trace_id))

    def between(self, first: date, until: date) -> list[float]:
        """The totals of the days from the first to before the second, dense."""
        totals = [0.0] * (until - first).days
        low, high = first.toordinal(), until.toordinal()
        for index in range(first.year * _MONTHS + first.month, until.year * _MONTHS + until.month + 1):
            month = self.months.get(index)
            for ordinal, amount in month.days.items() if month else ():
                if low <= ordinal < high:
                    totals[ordinal - low] = amount
        return totals

    def before(self, day: date) -> tuple[date, list[float]]:
        """The days before one, from the first that is known on, at most ``HISTORY_DAYS``: its date and the totals."""
        low, high = day.toordinal() - HISTORY_DAYS, day.toordinal()
        known = (ordinal for month in self.months.values() for ordinal in month.days if low <= ordinal < high)
        first = date.fromordinal(min(known, default=high))
        return first, self.between(first, day)

    def model(self, day: date) -> SpendModel | None:
        """What the days before one say of those that follow; None where they are too few."""
        if self._fitted != day.toordinal():
            self._close()
            self._model = fit(*self.before(day))
            self._fitted = day.toordinal()
        return self._model

    def minutes(self, start: int, end: int) -> float:
        """Spend in the whole minutes of ``[start, end)``, exactly rounded whatever the order it came in."""
        first, last = start // MINUTE, end // MINUTE
        return math.fsum(
            amount
            for index in range(start // HOUR, -(-end // HOUR))
            if (hour := self.hours.get(index))
            for minute, amount in hour.minutes.items()
            if first <= minute < last
        )

    def forget_hours(self, before: int) -> None:
        """Let go of the hours that ended before a time."""
        self._close()
        for index in [index for index in self.hours if (index + 1) * HOUR <= before]:
            self._books.journal.forget(self.hours.pop(index).entry)

    def forget(self, day: date, idle: date) -> None:
        """Let go of the months that are too old for a day, and of all where none is as late as ``idle``."""
        self._close()
        oldest = date.fromordinal(max(day.toordinal() - HISTORY_DAYS, 1))
        if max(self.months, default=0) >= idle.year * _MONTHS + idle.month:
            gone = [index for index in self.months if index < oldest.year * _MONTHS + oldest.month]
        else:
            gone = list(self.months)
            self.forget_hours(NEVER)
        for index in gone:
            self._books.journal.forget(self.months.pop(index).entry)
            self._fitted = 0

    def minute_ends(self) -> list[int]:
        """When each minute with spend is over."""
        return [(minute + 1) * MINUTE for hour in self.hours.values() for minute in hour.minutes]
