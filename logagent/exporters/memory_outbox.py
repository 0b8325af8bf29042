"""An outbox in memory, for work that begins anew when it is interrupted."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from logagent.model import OutboxItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logagent.exporters.protocol import Entries
    from logagent.model import OutboxDraft


class MemoryOutbox:
    """What waits for delivery, oldest first. Entries are not kept."""

    def __init__(self) -> None:
        self._items: dict[int, OutboxItem] = {}
        self._numbers = itertools.count(1)
        self.rejected = 0
        """Spans, records or alerts that nobody will take."""

    def put(self, drafts: Iterable[OutboxDraft], now: int) -> None:
        """Add what an exporter gave."""
        for draft in drafts:
            number = next(self._numbers)
            self._items[number] = OutboxItem(number, draft.exporter, draft.signal, draft.count, draft.pack(), now)

    @property
    def waiting(self) -> int:
        """Spans, records or alerts that have not been delivered."""
        return sum(item.count for item in self._items.values())

    async def outbox(self, exporter: str, *, after: int = 0, limit: int = 16) -> list[OutboxItem]:
        """Give the exporter's items, oldest first."""
        own = (self._items[key] for key in sorted(self._items) if key > after)
        return list(itertools.islice((item for item in own if item.exporter == exporter), limit))

    async def settle(self, ids: Sequence[int], entries: Entries) -> None:  # noqa: ARG002 - part of the seam
        """Delete delivered items."""
        for number in ids:
            self._items.pop(number, None)

    async def reject(self, item_id: int, reason: str, entries: Entries) -> None:  # noqa: ARG002 - part of the seam
        """Delete an item that will never be delivered."""
        self.rejected += self._items.pop(item_id).count

    async def split(self, item_id: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        """Put parts in the item's place."""
        item = self._items.pop(item_id)
        rest = {number: other for number, other in self._items.items() if number > item_id}
        self._items = {number: other for number, other in self._items.items() if number < item_id}
        made = [OutboxItem(0, item.exporter, item.signal, count, data, item.created_unix_nano) for count, data in parts]
        for part in [*made, *rest.values()]:
            number = next(self._numbers)
            self._items[number] = OutboxItem(
                number, part.exporter, part.signal, part.count, part.payload, part.created_unix_nano
            )
        return True
