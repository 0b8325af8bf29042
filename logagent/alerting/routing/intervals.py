"""When a time interval holds, and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logagent.alerting.rules.routes import DAY_MINUTES, WEEKDAYS, minutes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logagent.alerting.rules.routes import TimeInterval

SECOND = 1_000_000_000
_MOST_STRETCHES = 64
"""Stretches that follow each other without a gap are one; after so many it is taken as without end."""


class WeekTimes:
    """The stretches of an interval's days, as moments."""

    def __init__(self, interval: TimeInterval) -> None:
        self._zone = ZoneInfo(interval.timezone)
        self._weekdays = frozenset(map(WEEKDAYS.index, interval.weekdays))
        self._times = [minutes(text) for text in interval.times]

    def end(self, time_unix_nano: int) -> int | None:
        """When the stretch ends that holds at a moment, in Unix nanoseconds; None where none holds."""
        moment = time_unix_nano // SECOND
        end = None
        for _ in range(_MOST_STRETCHES):
            following = max((stop for begin, stop in self._around(moment) if begin <= moment < stop), default=None)
            if following is None:
                return end
            moment, end = following, following * SECOND
        return end

    def _around(self, moment: int) -> Iterator[tuple[int, int]]:
        """The stretches that begin on the day of a moment or on the day before it."""
        today = datetime.fromtimestamp(moment, UTC).astimezone(self._zone).date()
        for day in (today - timedelta(days=1), today):
            if day.weekday() not in self._weekdays:
                continue
            for begin, end in self._times:
                yield self._moment(day, begin), self._moment(day, end if end > begin else end + DAY_MINUTES)

    def _moment(self, day: date, minute: int) -> int:
        """The wall clock's time of a day as a moment; one that the clock skips or shows twice is its first."""
        days, left = divmod(minute, DAY_MINUTES)
        local = datetime.combine(day + timedelta(days=days), datetime.min.time(), self._zone)
        return int(local.replace(hour=left // 60, minute=left % 60).timestamp())


def quiet_until(intervals: Sequence[WeekTimes], time_unix_nano: int) -> int | None:
    """When the last of the intervals that hold at a moment ends; None where none holds."""
    until = time_unix_nano
    for _ in range(_MOST_STRETCHES):
        ends = [end for interval in intervals if (end := interval.end(until)) is not None]
        if not ends:
            break
        until = max(ends)
    return until if until > time_unix_nano else None
