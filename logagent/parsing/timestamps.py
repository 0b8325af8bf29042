"""Times as logs write them → integer nanoseconds since the Unix epoch.

Integers throughout: a float cannot hold nanoseconds of this century.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from logagent.zones import zone_of

TimeReader = Callable[[Any], int | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENERAL = re.compile(r"^(\d{4}-\d\d-\d\d)[T _](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$")
_SECOND = 1_000_000_000
_MILLIS, _MICROS_AND_UTC = 4, 13
_MILLI_DIGITS = 3
_HOURS = len("+02")
_MICRO = 1_000
"""Nanoseconds; a float of any unit is no finer than that in this century."""
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
# 1980 to 2200: what is outside of it is not the time of a log line
_EARLIEST, _LATEST = 315_532_800 * _SECOND, 7_258_118_400 * _SECOND


def _seconds(moment: datetime, zone: tzinfo | None) -> int:
    """Whole seconds since the epoch of a naive time in a zone (the machine's, if None)."""
    aware = moment.astimezone(UTC) if zone is None else moment.replace(tzinfo=zone)
    return int((aware - _EPOCH).total_seconds())


def _bounded(nanos: int) -> int:
    """The time itself. Raises ``ValueError`` for one that no log line can have."""
    if _EARLIEST <= nanos <= _LATEST:
        return nanos
    raise ValueError(nanos)


def iso_reader(zone: tzinfo | None) -> TimeReader:
    """Reads ISO 8601 and its relatives: space or T, comma or point, up to nanoseconds, any offset or none.

    Lines of the same second share their first 19 characters, so the second is worked out once.
    """
    last = last_utc = ""
    base = base_utc = 0

    def read(value: Any) -> int | None:
        nonlocal last, base, last_utc, base_utc
        try:
            head = value[:19]
            rest = value[19:]
            if len(rest) == _MILLIS and rest[0] in ".," and rest[1:].isdecimal():
                if head != last:
                    base = _bounded(_seconds(datetime.fromisoformat(head), zone) * _SECOND)
                    last = head
                return base + int(rest[1:]) * 1_000_000
            if len(rest) == _MICROS_AND_UTC and rest[7:] == "+00:00" and rest[0] in ".," and rest[1:7].isdecimal():
                if head != last_utc:
                    base_utc = _bounded(_seconds(datetime.fromisoformat(head), UTC) * _SECOND)
                    last_utc = head
                return base_utc + int(rest[1:7]) * 1_000
        except (ValueError, TypeError, OverflowError, OSError):
            pass
        return _general(value, zone)

    return read


def _general(value: Any, zone: tzinfo | None) -> int | None:
    if value.__class__ is not str or not (match := _GENERAL.match(value.strip())):
        return None
    day, clock, fraction, offset = match.groups()
    try:
        if offset and offset not in {"Z", "z", "UTC"}:
            zone = zone_of(offset if len(offset) > _HOURS else f"{offset}:00")
        elif offset:
            zone = UTC
        seconds = _seconds(datetime.fromisoformat(f"{day} {clock}"), zone)
        return _bounded(seconds * _SECOND + int((fraction or "").ljust(9, "0")))
    except (ValueError, OverflowError, OSError):
        return None


_FRACTION = re.compile(r"^\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d[.,](\d{3}|\d{6})(?!\d)")
MILLIS = {f"{number:03}": number * 1_000_000 for number in range(1000)}
"""Three digits of a fraction as nanoseconds: looking them up costs a quarter of reading a number."""
_MICROS = {f"{number:03}": number * 1_000 for number in range(1000)}


class _Rests(dict[str, int]):
    """What follows the milliseconds of a time, for times that end alike: microseconds, if any, and the offset."""

    def __init__(self, tail: str, *, fine: bool) -> None:
        super().__init__()
        self._tail = tail
        self._fine = fine

    def __missing__(self, rest: str) -> int:
        if self._fine:
            if rest[3:] != self._tail:
                raise KeyError(rest)
            self[rest] = _MICROS[rest[:3]]
        elif rest != self._tail:
            raise KeyError(rest)
        else:
            self[rest] = 0
        return self[rest]


_rests_of = functools.lru_cache(8)(_Rests)
_NO_SHAPE = ("", _Rests("", fine=False), 0)


def shape_of(value: Any, nanos: int) -> tuple[str, Mapping[str, int], int]:
    """What the next time must share with this one to be read by its fraction alone.

    The first 20 characters, the nanoseconds by what follows the milliseconds, and the whole second in nanoseconds.
    """
    match = _FRACTION.match(value) if value.__class__ is str else None
    if match is None:
        return _NO_SHAPE
    digits = match[1]
    fraction = int(digits.ljust(9, "0"))
    return value[:20], _rests_of(value[match.end() :], fine=len(digits) > _MILLI_DIGITS), nanos - fraction


def epoch_reader(unit: str) -> TimeReader:
    """Reads a number, or a string of one, counted in ``s``, ``ms``, ``us`` or ``ns`` since the epoch."""
    factor = UNITS[unit]

    def read(value: Any) -> int | None:
        try:
            if value.__class__ is str:
                whole, _, fraction = value.strip().partition(".")
                sign = -1 if whole.startswith("-") else 1
                nanos = int(whole) * factor + sign * (
                    int(fraction[:9].ljust(9, "0")) * factor // _SECOND if fraction else 0
                )
            elif value.__class__ is int:
                nanos = value * factor
            elif value.__class__ is float:
                nanos = round(value * (factor // _MICRO)) * _MICRO if factor >= _MICRO else round(value)
            else:
                return None
        except (ValueError, OverflowError):
            return None
        return nanos if _EARLIEST <= nanos <= _LATEST else None

    return read


def auto_reader(zone: tzinfo | None) -> TimeReader:
    """Reads ISO 8601, or a number whose size tells its unit (seconds, milli-, micro-, nanoseconds)."""
    iso = iso_reader(zone)
    readers = [epoch_reader(unit) for unit in ("s", "ms", "us", "ns")]

    def read(value: Any) -> int | None:
        if value.__class__ is str and not value[:10].isdigit():
            return iso(value)
        for reader in readers:
            if (nanos := reader(value)) is not None:
                return nanos
        return iso(value)

    return read


def strptime_reader(pattern: str, zone: tzinfo | None) -> TimeReader:
    """Reads times of a ``datetime.strptime`` pattern."""

    def read(value: Any) -> int | None:
        try:
            moment = datetime.strptime(value, pattern)  # noqa: DTZ007 - the zone is the definition's
            zone_here = moment.tzinfo or zone
            seconds = _seconds(moment.replace(microsecond=0, tzinfo=None), zone_here)
            return _bounded(seconds * _SECOND + moment.microsecond * 1_000)
        except (ValueError, TypeError, OverflowError, OSError):
            return None

    return read


def reader_of(form: str, zone_name: str) -> TimeReader:
    """The reader for a definition's ``format``: ``auto``, ``iso8601``, ``epoch_s|ms|us|ns`` or a strptime pattern."""
    zone = zone_of(zone_name)
    if form == "auto":
        return auto_reader(zone)
    if form == "iso8601":
        return iso_reader(zone)
    if form.startswith("epoch_"):
        return epoch_reader(form.removeprefix("epoch_"))
    return strptime_reader(form, zone)


def duration_reader(unit: str) -> TimeReader:
    """Reads a duration in ``s``, ``ms``, ``us`` or ``ns`` (a number or a string of one) as nanoseconds, at least 0.

    A wall clock that was set back gives a negative duration: it counts as none.
    """
    factor = float(UNITS[unit])

    def read(value: Any) -> int | None:
        try:
            nanos = round(float(value) * factor)
        except (ValueError, TypeError, OverflowError):
            return None
        return nanos if 0 <= nanos < 2**62 else None

    return read
