"""Calendar periods of a time zone: which one a moment belongs to, and where it begins and ends.

Each zone's time line is cut at the first instant of every local hour, day, Monday, month, quarter or year, so
that every instant belongs to exactly one period whatever daylight saving does: days of 23 or 25
hours, midnights that are skipped or come twice, hours that are told twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

SECOND = 1_000_000_000
_HOUR = 3600
# 1970 to 9000: datetime ends at 9999, and zones shift by up to a day
_LATEST = 221_845_392_000


class PeriodKind(Enum):
    """How long a period is: calendar units, not spans of seconds."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Period(NamedTuple):
    """From its first instant to the first one of the next period, in nanoseconds since the Unix epoch."""

    start_unix_nano: int
    end_unix_nano: int
    label: str
    """What people call it: ``2026``, ``2026-Q4``, ``2026-11``, ``2026-W47``, ``2026-11-22``, ``2026-11-22T19:00+01:00``."""


class Calendar:
    """The periods of one kind in one zone. Weeks start on Monday (ISO 8601)."""

    def __init__(self, kind: PeriodKind, zone: ZoneInfo) -> None:
        self._zone = zone
        self._kind = kind

    def period(self, time_unix_nano: int) -> Period | None:
        """The period that a moment belongs to; None for moments before 1970 or after the year 9000."""
        moment = time_unix_nano // SECOND
        if not 0 <= moment < _LATEST:
            return None
        if self._kind is PeriodKind.HOUR:
            start, end, label = self._hour(moment)
        else:
            start, end, label = self._days(moment)
        return Period(start * SECOND, end * SECOND, label)

    def before(self, period: Period) -> Period | None:
        """The period that ends where this one starts; None where the calendar begins."""
        return self.period(period.start_unix_nano - 1)

    def _hour(self, moment: int) -> tuple[int, int, str]:
        """A local hour ends early where the zone's offset changes within it."""
        local = self._local(moment)
        start = moment - local.minute * 60 - local.second
        end = start + _HOUR
        if self._offset(start) != self._offset(moment):
            start = self._transition(start, moment)
        if self._offset(end - 1) != self._offset(moment):
            end = self._transition(moment, end - 1)
        return start, end, self._local(start).isoformat(timespec="minutes")

    def _days(self, moment: int) -> tuple[int, int, str]:
        first, following, label = _UNITS[self._kind]
        day = first(self._local(moment).date())
        # where midnight comes twice, the local date of a moment may lie one ahead of or behind its period's
        if moment < self._begins(day):
            day = first(day - timedelta(days=1))
        end = self._begins(following(day))
        while end <= moment:
            day = following(day)
            end = self._begins(following(day))
        return self._begins(day), end, label(day)

    def _begins(self, day: date) -> int:
        """The first instant of a local day, in seconds since the epoch."""
        # a midnight that is skipped reads with the offset before it, which gives the transition itself: since 1970 no
        # zone has skipped one from before midnight to after it
        return int(datetime.combine(day, time(), self._zone).timestamp())

    def _transition(self, low: int, high: int) -> int:
        """The first second of the offset that holds at ``high``, by bisection after ``low``."""
        offset = self._offset(high)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == offset:
                high = middle
            else:
                low = middle
        return high

    def _local(self, moment: int) -> datetime:
        return datetime.fromtimestamp(moment, UTC).astimezone(self._zone)

    def _offset(self, moment: int) -> timedelta | None:
        return self._local(moment).utcoffset()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _first_of_quarter(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _next_quarter(day: date) -> date:
    return _first_of_quarter(_first_of_quarter(day) + timedelta(days=100))


def _first_of_year(day: date) -> date:
    return day.replace(month=1, day=1)


def _next_year(day: date) -> date:
    return date(day.year + 1, 1, 1)


def _week_label(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


_UNITS: dict[PeriodKind, tuple[Callable[[date], date], Callable[[date], date], Callable[[date], str]]] = {
    PeriodKind.DAY: (lambda day: day, lambda day: day + timedelta(days=1), date.isoformat),
    PeriodKind.WEEK: (_monday, lambda day: day + timedelta(days=7), _week_label),
    PeriodKind.MONTH: (_first_of_month, _next_month, lambda day: day.isoformat()[:7]),
    PeriodKind.QUARTER: (
        _first_of_quarter,
        _next_quarter,
        lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    ),
    PeriodKind.YEAR: (_first_of_year, _next_year, lambda day: f"{day.year:04}"),
}
