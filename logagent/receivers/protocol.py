"""What the agent asks of a receiver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from logagent.model import RawBatch

Emit = Callable[["RawBatch"], Awaitable[None]]
"""Hands one batch to the agent; returns when the agent has taken it, which may be long."""


@dataclass(slots=True, frozen=True)
class ReceiverState:
    """How far a receiver is behind, as of its last look at its sources."""

    lag_bytes: int = 0
    lag_seconds: float = 0.0
    """Since the source that is furthest behind was last read to its end."""
    open_files: int = 0
    polling: bool = False
    """Change notifications cannot be had, so sources are looked at on a timer."""


class Receiver(Protocol):
    """A source of lines that can resume where the ledger left it."""

    name: str

    def restore(self, positions: Mapping[str, bytes]) -> None:
        """Take the positions of the last run: stream -> position."""
        ...

    async def run(self, emit: Emit, *, once: bool, stop: asyncio.Event) -> None:
        """Emit batches until ``stop`` is set; with ``once``, until the end of all that exists.

        May be cancelled at any await: a position travels only inside its batch, so what was
        not taken is read again by the next run.
        """
        ...

    @property
    def caught_up(self) -> bool:
        """Whether everything that existed at the last look has been emitted."""
        ...

    def observe(self) -> ReceiverState:
        """Give the numbers behind the agent's own metrics."""
        ...
