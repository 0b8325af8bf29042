"""Scales on which values are compared: those on which their spread does not depend on how large they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST = 1e-9
"""Where the logarithmic scale passes nought: a nanosecond, and far below the price of a token."""
_LEAST_SHARE = 0.05
"""Of the usual value: what is nearer to it is never unusual, however steady the values were until now."""
_POISSON = 0.5
"""Standard deviation of the square root of a count of independent events, whatever their rate is."""


class Scale(NamedTuple):
    """A value's way to its scale and back, and the least spread that is believed."""

    forward: Callable[[float], float]
    backward: Callable[[float], float]
    least: Callable[[float], float]
    """Of the usual value, on the scale: one standard deviation."""


def _logarithm(value: float) -> float:
    # the inverse hyperbolic sine is the logarithm of what is far from nought, and takes nought and less too
    return math.asinh(value / (2 * _SMALLEST))


def _power(number: float) -> float:
    # beyond the largest value no exponential is needed, and none overflows
    return 2 * _SMALLEST * math.sinh(max(-_WIDEST, min(number, _WIDEST)))


_WIDEST = _logarithm(1e18)


def _same(value: float) -> float:
    return value


LOGARITHMIC = Scale(_logarithm, _power, lambda _: _LEAST_SHARE)
LINEAR = Scale(_same, _same, lambda usual: max(_LEAST_SHARE * abs(usual), _SMALLEST))


def square_root(unit: float = 1.0, least: float = _SMALLEST) -> Scale:
    """The scale of values that are ``unit`` times a count or a sum: the variance of both grows as they do.

    ``least`` is the least spread near nought, on the scale.
    """

    def forward(value: float) -> float:
        return math.copysign(math.sqrt(abs(value) / unit), value)

    def backward(number: float) -> float:
        return number * abs(number) * unit

    # a square root is off by half the share that its square is off by
    return Scale(forward, backward, lambda usual: max(_LEAST_SHARE / 2 * abs(usual), least))


def counted(unit: float = 1.0) -> Scale:
    """The scale of counts, and of what is ``unit`` times a count."""
    return square_root(unit, _POISSON)
