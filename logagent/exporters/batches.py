"""What an exporter has encoded since the last commit, cut into outbox items of bounded size."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from logagent.model import OutboxDraft

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.model import Resource, Signal

ITEMS_LIMIT: Final = 2_000
BYTES_LIMIT: Final = 4 * 1024 * 1024
"""Of what was encoded, before compression; receivers take several times as much (the Collector 20 MiB)."""


@dataclass(slots=True, frozen=True)
class Group:
    """Encoded spans or records of one resource and one instrumentation scope, in order."""

    resource: Resource
    scope: str
    fragments: list[bytes]


@dataclass(slots=True)
class _Batch:
    # By identity: a resource is shared, and its attributes, being a dict, cannot be hashed.
    groups: dict[tuple[int, str], Group] = field(default_factory=dict)
    count: int = 0
    size: int = 0


class Batches:
    """Collects fragments of one signal; ``pack`` joins the groups of one item, in the ledger's thread."""

    def __init__(self, exporter: str, signal: Signal, pack: Callable[[list[Group]], bytes]) -> None:
        self._exporter = exporter
        self._signal = signal
        self._pack = pack
        self._full: list[_Batch] = []
        self._open = _Batch()

    def add(self, resource: Resource, scope: str, fragment: bytes) -> None:
        """Put one encoded span or record behind the others."""
        batch = self._open
        size = len(fragment)
        if batch.count >= ITEMS_LIMIT or (batch.count and batch.size + size > BYTES_LIMIT):
            self._full.append(batch)
            batch = self._open = _Batch()
        batch.count += 1
        batch.size += size
        self._group(batch, resource, scope).fragments.append(fragment)

    def extend(self, resource: Resource, scope: str, fragments: list[bytes]) -> None:
        """Put several encoded spans or records of one resource and scope behind the others."""
        batch = self._open
        size = sum(map(len, fragments))
        if batch.count + len(fragments) > ITEMS_LIMIT or batch.size + size > BYTES_LIMIT:
            for fragment in fragments:
                self.add(resource, scope, fragment)
            return
        batch.count += len(fragments)
        batch.size += size
        self._group(batch, resource, scope).fragments.extend(fragments)

    @staticmethod
    def _group(batch: _Batch, resource: Resource, scope: str) -> Group:
        group = batch.groups.get((id(resource), scope))
        if group is None:
            group = batch.groups[id(resource), scope] = Group(resource, scope, [])
        return group

    def take(self) -> list[OutboxDraft]:
        """Give all that was added since the last call."""
        batches = [*self._full, self._open] if self._open.count else self._full
        self._full, self._open = [], _Batch()
        return [
            OutboxDraft(self._exporter, self._signal, batch.count, partial(self._pack, list(batch.groups.values())))
            for batch in batches
        ]
