"""The period of an SLO: days that slide, or a calendar's weeks and months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from logagent.alerting.periods import SECOND
from logagent.alerting.slo.burn_rates import MINUTES_A_DAY

if TYPE_CHECKING:
    from logagent.alerting.periods import Calendar, Period

MINUTE = 60 * SECOND


class BudgetSpan(Protocol):
    """Which minutes share an error budget. A minute's number is that of its last instant."""

    days: int
    """Its length, nominal for a calendar's."""
    label: str
    """``30d``, ``month``."""

    def edge(self, minute: int) -> int:
        """The last minute before the period that a minute belongs to."""
        ...

    def leaves(self, minute: int) -> int:
        """The first minute whose period a minute does not belong to any more."""
        ...

    def minute_of(self, time_unix_nano: int) -> int:
        """The minute of a moment."""
        ...

    def name(self, minute: int) -> str:
        """What people call the period that a minute belongs to: ``30d``, ``2026-11``."""
        ...


class RollingSpan:
    """The last so many days."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.label = f"{days}d"
        self._minutes = days * MINUTES_A_DAY

    def edge(self, minute: int) -> int:
        """The last minute before the period that a minute belongs to."""
        return minute - self._minutes

    def leaves(self, minute: int) -> int:
        """The first minute for which a minute is too long ago."""
        return minute + self._minutes

    def minute_of(self, time_unix_nano: int) -> int:
        """The minute of a moment."""
        return -(-time_unix_nano // MINUTE)

    def name(self, minute: int) -> str:  # noqa: ARG002 - part of the seam
        """``30d``."""
        return self.label


class CalendarSpan:
    """A calendar period, which begins with a full budget."""

    def __init__(self, calendar: Calendar, label: str, days: int) -> None:
        self.days = days
        self.label = label
        self._calendar = calendar
        self._period: Period | None = None
        self._start = self._end = 0

    def edge(self, minute: int) -> int:
        """The last minute before the period that a minute belongs to."""
        self._turn_to(minute)
        return self._start

    def leaves(self, minute: int) -> int:
        """The first minute of the next period."""
        self._turn_to(minute)
        return self._end + 1

    def minute_of(self, time_unix_nano: int) -> int:
        """The minute of a moment; a period's first instant belongs to its first minute, not to the last one before."""
        minute, rest = divmod(time_unix_nano, MINUTE)
        if rest:
            return minute + 1
        period = self._calendar.period(time_unix_nano)
        return minute + 1 if period and period.start_unix_nano == time_unix_nano else minute

    def name(self, minute: int) -> str:
        """``2026-11``, ``2026-W47``."""
        self._turn_to(minute)
        return self._period.label if self._period else self.label

    def _turn_to(self, minute: int) -> None:
        if self._start < minute <= self._end:
            return
        self._period = self._calendar.period(minute * MINUTE - 1)
        if self._period is None:
            self._start = self._end = min(minute, 0) - 1
            return
        self._start = -(-self._period.start_unix_nano // MINUTE)
        self._end = -(-self._period.end_unix_nano // MINUTE)
