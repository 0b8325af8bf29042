"""Durations, sizes and addresses as they are written in configuration, parser and rule files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

_DURATION_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SIZE_BYTES = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([A-Za-z]+)", re.ASCII)
_LONGEST_SECONDS = 100 * 365 * 86_400.0
"""A century: keeps every sum of a time and a duration within 64-bit nanoseconds."""
_LARGEST_BYTES = 2**60


def custom_error(message: str, hint: str) -> PydanticCustomError:
    """An error that a model's validator raises, with what to try.

    Neither text repeats the value: it may be a secret. Braces would be read as a template.
    """
    return PydanticCustomError("logagent", "{message}", {"message": message, "hint": hint})


def parse_duration(value: object) -> float:
    """Seconds of ``"250ms"``, ``"5m"``, ``"30d"`` or a sum such as ``"1h30m"``; always more than none.

    Raises a pydantic error that names the accepted form.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise custom_error("a duration is a string", 'a number with a unit, for example "30s"')
    if not isinstance(value, str):
        raise custom_error("a duration needs a unit", f'"{value}s" for seconds or "{value}ms" for milliseconds')
    parts = _amounts(value)
    if not parts or any(unit not in _DURATION_SECONDS for _, unit in parts):
        raise custom_error(
            "not a duration", 'a number with one of the units ms, s, m, h, d, for example "250ms" or "5m"'
        )
    seconds = sum(amount * _DURATION_SECONDS[unit] for amount, unit in parts)
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise custom_error("a duration out of range", "more than 0 and at most 36500d")
    return seconds


def parse_size(value: object) -> int:
    """Bytes of ``"1MiB"`` (powers of 1024) or ``"10MB"`` (powers of 1000); always at least one.

    Raises a pydantic error that names the accepted form.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise custom_error("a size is a string", 'a number with a unit, for example "1MiB"')
    if not isinstance(value, str):
        raise custom_error("a size needs a unit", f'"{value}B" for bytes or a larger unit, for example "1MiB"')
    parts = _amounts(value)
    if len(parts) != 1 or parts[0][1] not in _SIZE_BYTES:
        raise custom_error(
            "not a size", 'a number with one of the units B, KB, MB, GB, KiB, MiB, GiB, for example "1MiB"'
        )
    amount, unit = parts[0]
    size = round(amount * _SIZE_BYTES[unit])
    if not 1 <= size <= _LARGEST_BYTES:
        raise custom_error("a size out of range", "at least 1B and at most 1048576TiB")
    return size


def _amounts(text: str) -> list[tuple[float, str]]:
    """Amount and unit of each part of ``1h30m``; empty where the text is anything else or repeats a unit."""
    if not _AMOUNT.match(text) or _AMOUNT.sub("", text):
        return []
    parts = [(float(amount), unit) for amount, unit in _AMOUNT.findall(text)]
    return parts if len({unit for _, unit in parts}) == len(parts) else []


def format_duration(seconds: float) -> str:
    """The shortest text that ``parse_duration`` reads as this many seconds."""
    for unit, factor in _DURATION_SECONDS.items():
        if seconds >= factor and (seconds / factor).is_integer():
            return f"{int(seconds / factor)}{unit}"
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def format_size(size: int) -> str:
    """The shortest text that ``parse_size`` reads as this many bytes."""
    for unit, factor in sorted(_SIZE_BYTES.items(), key=lambda item: -item[1]):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


@dataclass(frozen=True)
class Kind:
    """What documentation calls a type of value, how it is written where not as it is, and whether it ever shows."""

    name: str
    write: Callable[[Any], str] | None = None
    secret: bool = False


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "examples": ["250ms", "5m", "30d"]}),
    Kind("duration", lambda seconds: f'"{format_duration(seconds)}"'),
]
"""Seconds, from text such as ``"5m"``."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": "string", "examples": ["512KiB", "1MiB", "10MB"]}),
    Kind("size", lambda size: f'"{format_size(size)}"'),
]
"""Bytes, from text such as ``"1MiB"``."""
