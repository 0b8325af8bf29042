"""The panes of a sliding window: those inside it, and those ahead of it that wait for their instant."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class Indexed(Protocol):
    """What lies in a window."""

    index: int
    """Of the instant that is the first to see it."""


P = TypeVar("P", bound=Indexed)


class Panes(Generic[P]):
    """Panes by index, of a window that is ``length`` panes long and ends at the instant it last slid to.

    Only panes that were put are there, so that quiet times cost nothing.
    """

    __slots__ = ("_edge", "_order", "_panes", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self._panes: dict[int, P] = {}
        self._order: list[int] = []
        self._edge = 0
        """How many of the panes are inside; the others are ahead."""

    def __len__(self) -> int:
        """How many panes there are, inside and ahead."""
        return len(self._order)

    def find(self, index: int) -> P | None:
        """The pane of an index."""
        return self._panes.get(index)

    def put(self, pane: P, *, inside: bool = False) -> None:
        """Add a pane whose index has none yet. ``inside``: its instant is not ahead any more."""
        insort(self._order, pane.index)
        self._panes[pane.index] = pane
        self._edge += inside

    def remove(self, pane: P) -> None:
        """Take a pane out, wherever it is."""
        at = self._order.index(pane.index)
        del self._order[at]
        del self._panes[pane.index]
        self._edge -= at < self._edge

    def slide(self, index: int) -> tuple[list[P], list[P]]:
        """Move the window's end to an instant. Give the panes that enter it and those that leave it, in order.

        Every instant at which ``change`` says that a pane enters or leaves must be slid to.
        """
        order = self._order
        gone = bisect_right(order, index - self.length, 0, self._edge)
        now = bisect_right(order, index, self._edge)
        entering = [self._panes[one] for one in order[self._edge : now]]
        leaving = [self._panes.pop(one) for one in order[:gone]]
        del order[:gone]
        self._edge = now - gone
        return entering, leaving

    def change(self) -> int | None:
        """The next instant at which a pane enters or leaves; None where none will."""
        order, edge = self._order, self._edge
        leaves = order[0] + self.length if edge else None
        if edge == len(order):
            return leaves
        return order[edge] if leaves is None else min(order[edge], leaves)

    def inside(self) -> Iterator[P]:
        """The panes inside the window, oldest first."""
        return (self._panes[index] for index in self._order[: self._edge])

    def ahead(self) -> Iterator[P]:
        """The panes that wait for their instant, next first."""
        return (self._panes[index] for index in self._order[self._edge :])

    def farthest(self) -> P | None:
        """The last of the panes ahead; None where none is."""
        return self._panes[self._order[-1]] if self._edge < len(self._order) else None

    def newest(self) -> P | None:
        """The last of the panes inside; None where none is."""
        return self._panes[self._order[self._edge - 1]] if self._edge else None
