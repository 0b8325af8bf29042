"""From a value of a field to its slot, and from the slot to the conditions that the value leaves possible.

A slot is a number, the same for all values that leave the same conditions possible. ``0`` is that of a value of a kind
that no constant is compared with.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from logagent.expr.conjuncts import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from logagent.expr.conjuncts import Aspect
    from logagent.expr.tree import Value

    Groups = Mapping[int, frozenset[Value]]

_IS_NUMBER = "v.__class__ is float or v.__class__ is int"


class Lookup(Protocol):
    """One field's part of an index."""

    field: str

    def names(self, name: str) -> dict[str, object]:
        """Give what the source needs by name."""
        ...

    def source(self, name: str) -> str:
        """Give source of the slot of ``v``; it may raise TypeError, for slot 0."""
        ...

    def positions(self, slot: int) -> Iterable[int]:
        """Tell which conditions a value of this slot leaves possible."""
        ...

    def every(self) -> Iterable[int]:
        """Tell which conditions this decides on."""
        ...


class _Among:
    """Values that equal a constant."""

    def __init__(self, field: str, groups: Groups) -> None:
        self.field = field
        self._every = tuple(groups)
        by_value: defaultdict[Value, list[int]] = defaultdict(list)
        for position, values in groups.items():
            for value in values:
                by_value[value].append(position)
        self._sets = [(), *dict.fromkeys(map(tuple, by_value.values()))]
        numbers = {positions: slot for slot, positions in enumerate(self._sets)}
        self._slots = {value: numbers[tuple(positions)] for value, positions in by_value.items()}

    def names(self, name: str) -> dict[str, object]:
        return {name: self._slots.get}

    def source(self, name: str) -> str:
        return f"{name}(v, 0)"

    def positions(self, slot: int) -> Iterable[int]:
        return self._sets[slot]

    def every(self) -> Iterable[int]:
        return self._every


class _Prefix:
    """Text that begins with a constant: the slot is that of the longest one, and the others are prefixes of it."""

    def __init__(self, field: str, groups: Groups) -> None:
        self.field = field
        self._every = tuple(groups)
        by_prefix: defaultdict[str, list[int]] = defaultdict(list)
        for position, prefixes in groups.items():
            for prefix in prefixes:
                by_prefix[str(prefix)].append(position)
        self._prefixes = sorted(by_prefix)
        self._own = [by_prefix[prefix] for prefix in self._prefixes]
        self._shorter: list[int] = []
        """Slot of the longest prefix of each prefix; 0 where there is none."""
        for index, prefix in enumerate(self._prefixes):
            self._shorter.append(self._up(prefix, index))

    def _up(self, text: str, slot: int) -> int:
        """Slots count from 1, in the order of the alphabet: what begins a text stands before it."""
        while slot and not text.startswith(self._prefixes[slot - 1]):
            slot = self._shorter[slot - 1]
        return slot

    def find(self, text: str) -> int:
        """Give the slot of a text."""
        return self._up(text, bisect_right(self._prefixes, text))

    def names(self, name: str) -> dict[str, object]:
        return {name: self.find}

    def source(self, name: str) -> str:
        return f"{name}(v) if v.__class__ is str else 0"

    def positions(self, slot: int) -> Iterable[int]:
        while slot:
            yield from self._own[slot - 1]
            slot = self._shorter[slot - 1]

    def every(self) -> Iterable[int]:
        return self._every


class _Above:
    """Numbers that reach a bound: the slot is how many bounds they reach."""

    def __init__(self, field: str, groups: Groups) -> None:
        self.field = field
        self._bounds, self._ordered, self._counts = _sorted(groups, min)

    def names(self, name: str) -> dict[str, object]:
        return {name: self._bounds, "bisect_right": bisect_right}

    def source(self, name: str) -> str:
        return f"bisect_right({name}, v) if {_IS_NUMBER} else 0"

    def positions(self, slot: int) -> Iterable[int]:
        return self._ordered[: self._counts[slot]]

    def every(self) -> Iterable[int]:
        return self._ordered


class _Below:
    """Numbers that stay under a bound: the slot is how many bounds do not lie below them."""

    def __init__(self, field: str, groups: Groups) -> None:
        self.field = field
        self._bounds, self._ordered, self._counts = _sorted(groups, max)

    def names(self, name: str) -> dict[str, object]:
        return {name: self._bounds, "bisect_left": bisect_left}

    def source(self, name: str) -> str:
        return f"{len(self._bounds)} - bisect_left({name}, v) if {_IS_NUMBER} else 0"

    def positions(self, slot: int) -> Iterable[int]:
        return self._ordered[self._counts[len(self._bounds) - slot] :]

    def every(self) -> Iterable[int]:
        return self._ordered


def _sorted(
    groups: Groups, widest: Callable[[Iterable[Any]], Any]
) -> tuple[list[float], tuple[int, ...], tuple[int, ...]]:
    """Bounds, ascending; positions by their bounds; how many positions the first 0, 1, … bounds have."""
    by_bound: defaultdict[float, list[int]] = defaultdict(list)
    for position, values in groups.items():
        by_bound[widest(values)].append(position)
    bounds = sorted(by_bound)
    ordered = tuple(position for bound in bounds for position in by_bound[bound])
    return bounds, ordered, tuple(accumulate((len(by_bound[bound]) for bound in bounds), initial=0))


_LOOKUPS: dict[Way, Callable[[str, Groups], Lookup]] = {
    Way.AMONG: _Among,
    Way.PREFIX: _Prefix,
    Way.ABOVE: _Above,
    Way.BELOW: _Below,
}


def lookup_of(aspect: Aspect, groups: Groups) -> Lookup:
    """The look-up of an aspect, for conditions by their positions."""
    return _LOOKUPS[aspect.way](aspect.field, groups)
