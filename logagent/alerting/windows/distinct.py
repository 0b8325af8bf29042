"""How many different values a window has, exactly up to a bound."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from logagent.alerting.windows.measures import Total
from logagent.alerting.windows.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.alerting.windows.plan import WindowPlan

MOST_VALUES = 10_000
"""Different values of a group's window; what comes beyond is left out, so that the measure says at least."""
_HASH_BYTES = 8
"""Among as many values as are counted, two share a hash once in 370 thousand million windows."""


def hash_of(value: object) -> int:
    """64 bits that stand for a value: a number and a text that look the same are the same."""
    try:
        text = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # an integer of more digits, or lists deeper, than Python converts
        text = type(value).__name__
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_BYTES).digest())


class DistinctPane(Pane):
    """Also the hashes of the values: those that no newer pane inside the window has."""

    __slots__ = ("hashes", "left_out")

    def __init__(self, plan: WindowPlan, entry: str, index: int) -> None:
        super().__init__(plan, entry, index)
        self.hashes: set[int] = set()
        self.left_out = 0
        """Values that found no room since the pane entered last."""

    def take(self, event: object, time: int, value: Any) -> None:
        """Count an event in; its value is anything but missing."""
        self.count += 1
        if len(self.hashes) < MOST_VALUES:
            self.hashes.add(hash_of(value))
        else:
            self.left_out += 1
        if time >= self.rank:
            self.rank, self._event = time, event

    def content(self) -> list[Any]:
        """The hashes."""
        return sorted(self.hashes)

    def restore_content(self, content: list[Any]) -> None:
        """The hashes."""
        self.hashes = {int(one) for one in content}


class Distinct(Total[DistinctPane]):
    """The number of different values: each is kept by the newest pane that has it, so that all leave in time."""

    def __init__(self, plan: WindowPlan) -> None:
        super().__init__(plan)
        self._newest: dict[int, DistinctPane] = {}
        """Hash → the pane that keeps it."""

    def enter(self, pane: DistinctPane) -> int:
        """Take a pane in; older panes give it what both have, it gives to newer ones."""
        newest = self._newest
        for one in sorted(pane.hashes):
            keeper = newest.get(one)
            if keeper is None and len(newest) >= MOST_VALUES:
                pane.hashes.discard(one)
                pane.left_out += 1
            elif keeper is None or keeper.index < pane.index:
                if keeper is not None:
                    keeper.hashes.discard(one)
                newest[one] = pane
            else:
                pane.hashes.discard(one)
        left_out, pane.left_out = pane.left_out, 0
        super().enter(pane)
        return left_out

    def leave(self, pane: DistinctPane) -> None:
        """Take a pane away, and all values that no newer one has."""
        for one in pane.hashes:
            del self._newest[one]
        super().leave(pane)

    def value(self, panes: Iterable[DistinctPane]) -> float:  # noqa: ARG002 - the hashes are enough
        """The number of values."""
        return len(self._newest)
