"""Which of many groups' windows is farthest ahead, without a look at all of them for every event."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from logagent.alerting.state import Key


class Farthest:
    """A heap of the windows ahead, made when it is asked for first and kept while it is worth it.

    ``most``: how many windows may be ahead at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, Key]] = []
        """Negated indexes; some windows are not ahead any more."""

    def add(self, index: int, key: Key) -> None:
        """Tell of a new window ahead."""
        if self._heap:
            if len(self._heap) > 2 * self._most:
                self._heap.clear()
            else:
                heapq.heappush(self._heap, (-index, key))

    def find(
        self, everything: Callable[[], Iterable[tuple[int, Key]]], is_ahead: Callable[[int, Key], bool]
    ) -> tuple[int, Key]:
        """Index and key of the farthest window; there must be one. ``everything`` gives all that are ahead."""
        while self._heap and not is_ahead(-self._heap[0][0], self._heap[0][1]):
            heapq.heappop(self._heap)
        if not self._heap:
            self._heap = [(-index, key) for index, key in everything()]
            heapq.heapify(self._heap)
        index, key = self._heap[0]
        return -index, key
