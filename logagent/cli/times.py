"""Times as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

NANO = 1_000_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"-?((?:\d+(?:\.\d+)?[smhdw])+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAYS = {"today": 0, "yesterday": -1}


def parse_time(text: str, now_unix_nano: int, zone: tzinfo | None) -> int:
    """Nanoseconds since the epoch of ``-15m``, ``13:00``, ``yesterday``, ``now``, or an ISO 8601 date or time.

    A time without a zone is in ``zone`` (None: the machine's). Raises ``ValueError`` for anything else.
    """
    text = text.strip()
    if found := _AGO.fullmatch(text):
        ago = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(found[1]))
        return now_unix_nano - round(ago * NANO)
    now = datetime.fromtimestamp(now_unix_nano / NANO, zone).astimezone(zone)
    if text == "now":
        return now_unix_nano
    if text in _DAYS:
        moment = datetime.combine(now.date() + timedelta(days=_DAYS[text]), time())
    elif found := _CLOCK.fullmatch(text):
        moment = datetime.combine(now.date(), time(int(found[1]), int(found[2]), int(found[3] or 0)))
    else:
        moment = datetime.fromisoformat(text)
    return _nanoseconds(moment, zone)


def _nanoseconds(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NANO + since.microseconds * 1000


class Moments:
    """Writes times; the lines of one second share their text.

    On a terminal ``HH:MM:SS.mmm`` in a zone that is stated elsewhere, else RFC 3339 in UTC with microseconds.
    """

    def __init__(self, zone: tzinfo | None, *, full: bool) -> None:
        self._zone = UTC if full else zone
        self._full = full
        self._second = -1
        self._text = ""
        self.day = ""
        """The day of the time written last, as ``Fri 20 Nov 2026``."""

    def __call__(self, unix_nano: int) -> str:
        """The time as text."""
        second, rest = divmod(unix_nano, NANO)
        if second != self._second:
            self._new_second(second)
        return f"{self._text}.{rest // 1000:06d}Z" if self._full else f"{self._text}.{rest // 1_000_000:03d}"

    def short(self, unix_nano: int) -> str:
        """Only ``HH:MM:SS``, or the full form where that is what is written."""
        return self(unix_nano) if self._full else self(unix_nano)[:8]

    def zone_name(self, unix_nano: int) -> str:
        """The zone's name and offset at a time, as ``CET (+01:00)``."""
        moment = _moment(unix_nano // NANO, self._zone)
        offset = moment.strftime("%z")
        name = moment.tzname() or ""
        return name if name == "UTC" else f"{name} ({offset[:3]}:{offset[3:5]})"

    def _new_second(self, second: int) -> None:
        moment = _moment(second, self._zone)
        self._text = moment.strftime("%Y-%m-%dT%H:%M:%S" if self._full else "%H:%M:%S")
        self._second = second
        self.day = moment.strftime("%a %d %b %Y")


def _moment(second: int, zone: tzinfo | None) -> datetime:
    try:
        return datetime.fromtimestamp(second, zone).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return datetime(9999, 12, 31, 23, 59, 59, tzinfo=zone or UTC)


def duration_text(seconds: float) -> str:
    """A duration with two or three digits that matter: ``850 µs``, ``74.9 ms``, ``1.95 s``, ``4 min 12 s``."""
    if seconds < 0.001:  # noqa: PLR2004 - a millisecond
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.1f} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"  # noqa: PLR2004 - three digits
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - three digits
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
