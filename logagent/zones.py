"""Time zones by the names that configurations and definitions give them."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"^([+-])(\d\d):?(\d\d)$")


def zone_of(name: str) -> tzinfo | None:
    """The zone of a name: ``local``, ``UTC``, ``+02:00`` or an IANA name. None stands for the machine's own.

    Raises ``ValueError`` for an unknown name.
    """
    if name == "local":
        return None
    if name.upper() in {"UTC", "Z"}:
        return UTC
    if match := _OFFSET.match(name):
        sign = -1 if match[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(match[2]), minutes=int(match[3])))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error
