"""What the numbers of a window alert must be: limits with units, shares, intervals that fit into their window."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from logagent.alerting.state import LARGEST_VALUE
from logagent.expr import ExpressionError, compile_value, parse
from logagent.settings.values import custom_error, format_duration

MOST_PANES = 240
"""Looks within a window: what a group keeps of it is bounded by this."""
_USUAL = 15.0
_SHORTER = (15.0, 10.0, 5.0, 1.0)
_WIDER = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0)
_NANO = 1_000_000_000


def interval_of(window: float, interval: float | None) -> float:
    """The time between two looks that was given, or the one that fits. Raises a validator's error where it does not."""
    if interval is None:
        return _fitting(window)
    if round(window * _NANO) % round(interval * _NANO):
        near = format_duration(max(round(window / interval), 1) * interval)
        raise custom_error(
            "the window is no multiple of the interval",
            f'window = "{near}", or interval = "{format_duration(_fitting(window))}"',
        )
    if window > interval * MOST_PANES:
        raise custom_error(
            f"a window has at most {MOST_PANES} intervals", f'interval = "{format_duration(_fitting(window))}", or none'
        )
    return interval


def _fitting(window: float) -> float:
    """15 seconds where they fit; else the widest of the shorter ones, for long windows the shortest of the wider ones."""
    whole = round(window * _NANO)
    choices = _WIDER if window > _USUAL * MOST_PANES else _SHORTER
    for choice in choices:
        if whole % round(choice * _NANO) == 0 and choice * MOST_PANES >= window:
            return choice
    panes = next(panes for panes in range(min(MOST_PANES, int(window)), 0, -1) if whole % panes == 0)
    return window / panes


def _amount(value: object) -> object:
    """A number of text in the language of conditions, which has units: ``"5s"``, ``"10MiB"``, ``"-3"``."""
    if not isinstance(value, str):
        return value
    try:
        expression = parse(value)
    except ExpressionError:
        expression = None
    if expression is None or expression.fields:
        raise custom_error("not a number", 'a number, or text with a unit such as "5s", "250ms" or "10MiB"')
    return compile_value(expression, str)(None)


def _bounded(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_VALUE:
        raise custom_error(
            "not a number that a value can reach", 'a number, or text with a unit such as "5s" or "10MiB"'
        )
    return float(value)


Amount = Annotated[
    float,
    BeforeValidator(_bounded),
    BeforeValidator(_amount),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [100, "5s", "10MiB"]}),
]
"""A number; text may have the units of conditions: seconds of durations, bytes of sizes."""


def check_share(share: float, *, least: float = 1e-6, most: float = 1 - 1e-6) -> float:
    """A share of all. Raises a validator's error for percent."""
    if least <= share <= most:
        return share
    hint = f"{share:g} % is {share / 100:g}" if 1 <= share <= 100 else "a number between 0 and 1"  # noqa: PLR2004 - percent
    raise custom_error(f"{share:g} is no share", hint)


def check_limits(above: float | None, below: float | None, recover: float | None) -> None:
    """One limit, and a way back that begins on its good side. Raises a validator's error."""
    if (above is None) == (below is None):
        found = "neither `above` nor `below`" if above is None else "both `above` and `below`"
        raise custom_error(found, "one of them: the condition is true while the value is above, or below, it")
    if recover is None:
        return
    if above is not None and recover > above:
        raise custom_error(
            "`recover` is on the bad side: the alert would never hold", f"at most {above:g}, such as {above / 2:g}"
        )
    if below is not None and recover < below:
        raise custom_error(
            "`recover` is on the bad side: the alert would never hold", f"at least {below:g}, such as {below * 2:g}"
        )
