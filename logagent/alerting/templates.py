"""Texts of alerts: dotted names between ``{{`` and ``}}``, each with formatters, and nothing else.

``{{ labels.table }}``, ``{{ value | duration }}``, ``{{ db.query.text | truncate(160) }}``. There is no
expression, no attribute access and no code: a name is a key of the values that the alert offers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MISSING = "unknown"
"""What stands for a value that the worst example does not have."""
LONGEST_TEXT = 4096
"""Characters of a rendered annotation; peers' receivers cut or refuse longer ones (Slack at 3,000 to 40,000)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
_FORMATTER = re.compile(r"([a-z]+)(?:\(\s*(\d{1,4})\s*\))?", re.ASCII)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


class TemplateError(ValueError):
    """A text that is no template."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class _Slot(NamedTuple):
    name: str
    formatters: tuple[Callable[[object], object], ...]


class Template:
    """A parsed text. ``names`` are those it needs, in order of appearance."""

    def __init__(self, text: str) -> None:
        """Raises TemplateError."""
        self._parts = _parse(text)
        self.names = tuple(dict.fromkeys(part.name for part in self._parts if isinstance(part, _Slot)))

    def render(self, values: Mapping[str, object]) -> str:
        """The text with its values, cut at ``LONGEST_TEXT`` characters."""
        return truncate("".join(_fill(part, values) for part in self._parts), LONGEST_TEXT)


def _fill(part: str | _Slot, values: Mapping[str, object]) -> str:
    if isinstance(part, str):
        return part
    value = values.get(part.name)
    if value is None or value == "":
        return MISSING
    for formatter in part.formatters:
        value = formatter(value)
    return plain(value)


def _parse(text: str) -> tuple[str | _Slot, ...]:
    parts: list[str | _Slot] = []
    rest = text
    while rest:
        before, opened, after = rest.partition("{{")
        if "}}" in before:
            raise TemplateError("`}}` without `{{`", "write a value as {{ name }}")
        parts.append(before)
        if not opened:
            break
        inside, closed, rest = after.partition("}}")
        if not closed or "{{" in inside:
            raise TemplateError("`{{` without `}}`", "write a value as {{ name }}")
        parts.append(_slot(inside.strip()))
    return tuple(part for part in parts if part)


def _slot(inside: str) -> _Slot:
    name, *formatters = (piece.strip() for piece in inside.split("|"))
    if not _NAME.fullmatch(name):
        raise TemplateError(
            f"`{name}` is no name of a value", "a dotted name such as value, labels.table or gen_ai.request.model"
        )
    return _Slot(name, tuple(_formatter(formatter) for formatter in formatters))


def _formatter(text: str) -> Callable[[object], object]:
    match = _FORMATTER.fullmatch(text)
    if match and match[1] == "truncate" and match[2] and int(match[2]) > 0:
        length = int(match[2])
        return lambda value: truncate(plain(value), length)
    if match and match[1] in FORMATTERS and not match[2]:
        return FORMATTERS[match[1]]
    raise TemplateError(f"unknown formatter `{text}`", f"{', '.join(FORMATTERS)} or truncate(160)")


def plain(value: object) -> str:
    """A value as people write it: whole numbers without a fraction, others with six significant digits at most."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"  # noqa: PLR2004 - beyond it floats skip whole numbers
    return str(value)


def truncate(text: str, length: int) -> str:
    """The text, its end replaced by an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def duration(value: object) -> object:
    """Seconds as ``340 ms``, ``1.84 s``, ``2 min 5 s``, ``3 h 10 min`` or ``4 d 2 h``."""
    seconds = _number(value)
    if seconds is None:
        return value
    if abs(seconds) < 1:
        return f"{plain(round(seconds * 1000, 1))} ms"
    if abs(seconds) < _MINUTE:
        return f"{plain(round(seconds, 2))} s"
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min")):
        if abs(whole) >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {smaller_unit}"
    return f"{whole // _MINUTE} min {whole % _MINUTE} s"


def usd(value: object) -> object:
    """US dollars: cents, or four significant digits below one cent."""
    amount = _number(value)
    if amount is None:
        return value
    return f"${amount:,.2f}" if amount == 0 or abs(amount) >= 0.01 else f"${amount:.4g}"  # noqa: PLR2004 - one cent


def percent(value: object) -> object:
    """A share as percent with one decimal at most: 0.9 is ``90 %``."""
    share = _number(value)
    return value if share is None else f"{plain(round(share * 100, 1))} %"


def _number(value: object) -> float | None:
    """Finite numbers only: a formatter leaves all else as it came."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:  # noqa: PLR2004 - no unit of ours counts so far
        return None
    return float(value)


FORMATTERS: dict[str, Callable[[object], object]] = {"duration": duration, "usd": usd, "percent": percent}
