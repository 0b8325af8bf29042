"""Quantiles of many numbers in little memory, with a bound on the error.

The buckets are those of Prometheus's native histograms of schema 5: their bounds are the powers of 2^(1/32). A quantile is
told as the geometric middle of the bucket that its number lies in, so that it is off by 2^(1/64) - 1 = 1.09 % at most,
whatever the numbers are. (Interpolation between a bucket's bounds, as in Prometheus's ``histogram_quantile``, is off by up
to twice as much.) Counts are whole numbers: what was added can be taken away again without a trace.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from math import frexp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 5
LARGEST_ERROR = 2 ** (1 / 64) - 1
"""Relative, of a quantile."""
ZERO = 2.0**-40
"""Numbers nearer to nought count as nought: far less than a nanosecond or the price of a token."""
_PER_OCTAVE = 1 << SCHEMA
_BOUNDS = [2 ** (step / _PER_OCTAVE - 1) for step in range(_PER_OCTAVE)]
_SHIFT = 1 - _PER_OCTAVE * -40
"""Lifts the index of the lowest bucket above nought to 1, so that the sign of a code is that of its numbers."""
_OFFSET = _SHIFT - _PER_OCTAVE
"""``frexp`` gives fractions from a half, and the buckets of index 0 end at 1."""
_ROUNDING = 1e-9


def bucket_of(number: float) -> int:
    """The code of a finite number's bucket: codes are ordered as their numbers are; 0 is the bucket of nought."""
    if number >= ZERO:
        fraction, exponent = frexp(number)
        return bisect_left(_BOUNDS, fraction) + exponent * _PER_OCTAVE + _OFFSET
    return -bucket_of(-number) if number <= -ZERO else 0


def middle(code: int) -> float:
    """The number that stands for a bucket: no number in it is further away than ``LARGEST_ERROR``."""
    if code == 0:
        return 0.0
    size: float = 2.0 ** ((abs(code) - _SHIFT - 0.5) / _PER_OCTAVE)
    return size if code > 0 else -size


def quantile(counts: Mapping[int, int], count: int, share: float) -> float:
    """The smallest number that at least this share of all is not above, told by its bucket.

    ``counts`` has the number of members of each bucket, ``count`` is their sum and at least 1.
    """
    # the product of a share and a count may lie a hair above the whole number that it is
    rank = max(math.ceil(share * count - _ROUNDING), 1)
    if rank > count // 2:
        return _from_above(counts, count - rank)
    for code in sorted(counts):
        rank -= counts[code]
        if rank <= 0:
            return middle(code)
    raise ValueError(count)


def _from_above(counts: Mapping[int, int], above: int) -> float:
    """The number that has so many others above it."""
    for code in sorted(counts, reverse=True):
        above -= counts[code]
        if above < 0:
            return middle(code)
    raise ValueError(above)
