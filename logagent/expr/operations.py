"""What compiled expressions call where the types are known only when the data is there.

None of these raises: a missing value or a wrong type gives ``None`` (a missing value) or ``False``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Datum = Any
"""A value out of somebody's log line: a scalar, a list, an object or None."""

_NUMBERS: frozenset[Datum] = frozenset((int, float))
_ORDERED: frozenset[Datum] = frozenset((int, float, str))
_SCALARS: frozenset[Datum] = frozenset((int, float, str, bool))


def _arithmetic(operate: Callable[[Datum, Datum], Datum]) -> Callable[[Datum, Datum], Datum]:
    def compute(left: Datum, right: Datum) -> Datum:
        if left.__class__ in _NUMBERS and right.__class__ in _NUMBERS:
            try:
                return operate(left, right)
            except (ZeroDivisionError, OverflowError):
                return None
        return None

    return compute


add = _arithmetic(operator.add)
subtract = _arithmetic(operator.sub)
multiply = _arithmetic(operator.mul)
divide = _arithmetic(operator.truediv)
remainder = _arithmetic(operator.mod)


def _comparable(left: Datum, right: Datum) -> bool:
    first, second = left.__class__, right.__class__
    if first is second:
        return first in _SCALARS
    return first in _NUMBERS and second in _NUMBERS


def equal(left: Datum, right: Datum) -> bool:
    """Tell whether two scalars of one type are the same."""
    return _comparable(left, right) and left == right


def unequal(left: Datum, right: Datum) -> bool:
    """Tell whether two scalars of one type differ."""
    return _comparable(left, right) and left != right


def _ordering(compare: Callable[[Datum, Datum], bool]) -> Callable[[Datum, Datum], bool]:
    def decide(left: Datum, right: Datum) -> bool:
        return left.__class__ in _ORDERED and _comparable(left, right) and compare(left, right)

    return decide


less = _ordering(operator.lt)
less_equal = _ordering(operator.le)
greater = _ordering(operator.gt)
greater_equal = _ordering(operator.ge)


def contains(whole: Datum, part: Datum) -> bool:
    """Tell whether a text has a part, or a list of scalars an element."""
    if whole.__class__ is str:
        return part.__class__ is str and part in whole
    return whole.__class__ is list and any(equal(element, part) for element in whole)


def lacks(whole: Datum, part: Datum) -> bool:
    """Tell the opposite of ``contains``, where there is something to look into and something to look for."""
    if whole.__class__ is str:
        return part.__class__ is str and part not in whole
    return whole.__class__ is list and part.__class__ in _SCALARS and not contains(whole, part)


def startswith(whole: Datum, prefix: Datum) -> bool:
    """Tell whether a text begins with another."""
    return whole.__class__ is str and prefix.__class__ is str and whole.startswith(prefix)


def endswith(whole: Datum, suffix: Datum) -> bool:
    """Tell whether a text ends with another."""
    return whole.__class__ is str and suffix.__class__ is str and whole.endswith(suffix)


def length(value: Datum) -> int | None:
    """Count the characters of a text, elements of a list or keys of an object."""
    return len(value) if value.__class__ in {str, list, dict} else None


def absolute(value: Datum) -> Datum:
    """Take a number without its sign."""
    return abs(value) if value.__class__ in _NUMBERS else None


def least(*values: Datum) -> Datum:
    """Take the smallest of some numbers; missing if one of them is."""
    return min(values) if _NUMBERS.issuperset(map(type, values)) else None


def greatest(*values: Datum) -> Datum:
    """Take the largest of some numbers; missing if one of them is."""
    return max(values) if _NUMBERS.issuperset(map(type, values)) else None


def rounded(value: Datum, digits: int = 0) -> Datum:
    """Round a number to some decimal places; missing for what has no rounding (NaN, infinity)."""
    if value.__class__ not in _NUMBERS:
        return None
    try:
        return round(value, digits) if digits else round(value)
    except (ValueError, OverflowError):
        return None


NAMES: dict[str, Callable[..., Datum]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": less_equal,
    ">": greater,
    ">=": greater_equal,
    "contains": contains,
    "not in": lacks,
    "startswith": startswith,
    "endswith": endswith,
    "len": length,
    "abs": absolute,
    "min": least,
    "max": greatest,
    "round": rounded,
}
"""Operators and functions of the language → what computes them."""
