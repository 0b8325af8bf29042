"""The recent samples of a group: bounded, kept in the ledger piece by piece, with what is usual among them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from math import isnan, nan
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from logagent.alerting.state import Journal

SIZE = 288
"""Samples that are kept at least: a day of 5-minute windows."""
_PIECE = 16
_NORMAL_QUARTILE = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation (Rousseeuw and Croux 1993)."""
_NORMAL_TAIL = 1.2816
"""Its 90 % quantile, in standard deviations."""


class Usual(NamedTuple):
    """The middle of some numbers and their spread on both sides of it, as standard deviations."""

    middle: float
    below: float
    above: float


def usual_of(ordered: Sequence[float]) -> Usual:
    """The median, and on each side the wider of two robust spreads.

    One is the median absolute deviation of that side; it alone calls too much of a heavy tail unusual. The other takes
    the tail's 90 % quantile for what it would be of a normal distribution.
    """
    last = len(ordered) - 1
    middle = (ordered[last // 2] + ordered[(last + 1) // 2]) / 2
    near, far = round(last / 4), round(last / 10)
    below = max((middle - ordered[near]) * _NORMAL_QUARTILE, (middle - ordered[far]) / _NORMAL_TAIL)
    above = max((ordered[last - near] - middle) * _NORMAL_QUARTILE, (ordered[last - far] - middle) / _NORMAL_TAIL)
    return Usual(middle, below, above)


class Piece:
    """Some samples that follow each other: an entry of the ledger."""

    __slots__ = ("dirty", "entry", "samples")

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.dirty = False
        self.samples = array("d")
        """Of each sample what it was, and its distance from its season: not a number where that was not known."""

    def pairs(self) -> Iterator[tuple[float, float]]:
        """The samples one by one."""
        return zip(self.samples[::2], self.samples[1::2], strict=True)

    def pack(self) -> bytes:
        """The ledger's value of this piece."""
        return orjson.dumps(list(self.samples))

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        numbers = [nan if number is None else float(number) for number in orjson.loads(data)]
        if len(numbers) % 2 or any(map(isnan, numbers[::2])):
            raise ValueError(data)
        self.samples = array("d", numbers)


class History:
    """Samples in the order in which they came: what each was, and how far it was from its season where that was known."""

    __slots__ = ("_entry", "_journal", "_last", "_pieces", "levels", "residuals")

    def __init__(self, entry: Callable[[int], str], journal: Journal) -> None:
        self._entry = entry
        self._journal = journal
        self._pieces: dict[int, Piece] = {}
        self._last = 0
        self.levels = array("d")
        """What the samples were, ascending."""
        self.residuals = array("d")
        """Their distances from their season, ascending."""

    def add(self, level: float, residual: float | None) -> None:
        """Take a sample; the oldest ones go where there are too many."""
        piece = self._pieces.get(self._last)
        if piece is None or len(piece.samples) >= 2 * _PIECE:
            self._last += 1
            piece = self._pieces[self._last] = Piece(self._entry(self._last))
        piece.samples.extend((level, nan if residual is None else residual))
        self._journal.touch(piece)
        insort(self.levels, level)
        if residual is not None:
            insort(self.residuals, residual)
        if len(self.levels) >= SIZE + _PIECE:
            self._drop(min(self._pieces))

    def _drop(self, number: int) -> None:
        piece = self._pieces.pop(number)
        self._journal.forget(piece.entry)
        for level, residual in piece.pairs():
            del self.levels[bisect_left(self.levels, level)]
            if not isnan(residual):
                del self.residuals[bisect_left(self.residuals, residual)]

    def restore(self, number: int, data: bytes) -> None:
        """Take back a piece. Raises ValueError or TypeError where it is none."""
        piece = Piece(self._entry(number))
        piece.restore(data)
        self._pieces[number] = piece
        self._last = max(self._last, number)
        for level, residual in piece.pairs():
            insort(self.levels, level)
            if not isnan(residual):
                insort(self.residuals, residual)

    def clear(self) -> None:
        """Have no samples, and no entries of them."""
        for piece in self._pieces.values():
            self._journal.forget(piece.entry)
        self._pieces.clear()
        self.levels, self.residuals = array("d"), array("d")
