"""What the agent asks of an exporter, and what a drain loop asks of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from logagent.model import Delivery, OutboxDraft, OutboxItem, Outcome

    Entries: TypeAlias = Mapping[tuple[str, str], bytes | None]
    """(room, key) -> value of ledger entries; ``None`` deletes."""


class Exporter(Protocol):
    """A destination."""

    name: str
    """The component's name in the configuration."""

    def add(self, outcome: Outcome) -> None:
        """Encode what matters of the outcome into a buffer. Called on the event loop for every batch: fast, no I/O."""
        ...

    def take(self) -> list[OutboxDraft]:
        """Give what was buffered since the last call, in items of bounded size. Cheap."""
        ...

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Take back the entries of the room ``exporter/<name>``."""
        ...

    async def deliver(self, item: OutboxItem) -> Delivery:
        """Make one attempt. Never raises for what the other end does; ends within a time-out of its own."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Splitter(Protocol):
    """An exporter whose items can be split where the other end finds them too large."""

    def split(self, item: OutboxItem) -> list[tuple[int, bytes]]:
        """Give two or more (count, payload) that say together, in this order, what the item says; counts add up to its.

        Called in a thread: may unpack and pack again.
        """
        ...


@runtime_checkable
class Positioned(Protocol):
    """An exporter that remembers how far it got, in the transaction that settles what it delivered."""

    def settled(self, item: OutboxItem) -> Mapping[tuple[str, str], bytes]:
        """Give the ledger entries to write when the item just delivered is settled."""
        ...


class Outbox(Protocol):
    """The ledger, as a drain loop sees it. Every method raises LogagentError with nothing changed."""

    async def outbox(self, exporter: str, *, after: int = 0, limit: int = 16) -> list[OutboxItem]:
        """Give the exporter's items, oldest first."""
        ...

    async def settle(self, ids: Sequence[int], entries: Entries) -> None:
        """Delete delivered items, and write entries in the same transaction."""
        ...

    async def reject(self, item_id: int, reason: str, entries: Entries) -> None:
        """Put an item that will never be delivered aside, and write entries in the same transaction."""
        ...

    async def split(self, item_id: int, parts: Sequence[tuple[int, bytes]]) -> bool:
        """Put parts (count, payload) in the item's place; False where it has been split too often for that."""
        ...
