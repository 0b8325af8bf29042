"""A pane of a window: what is counted between two instants, and the event that tells most of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from logagent.alerting.windows.plan import WindowPlan

Example = tuple[bytes, dict[str, object]]
"""Trace id of an event, and those of its fields that a rule's texts name."""
Capture = Callable[[Any], Example]


class Pane:
    """The number of events after one instant and not after the next; an entry of the ledger.

    The most telling event, here the last, is kept as it is until somebody asks for its trace id and fields: most are
    outdone before.
    """

    __slots__ = ("_event", "_example", "_plan", "count", "dirty", "entry", "index", "rank", "start", "stop")

    def __init__(self, plan: WindowPlan, entry: str, index: int) -> None:
        self.entry = entry
        self.dirty = False
        self.index = index
        self.stop = index * plan.interval
        self.start = self.stop - plan.interval
        self.count = 0
        self.rank: float = -1
        """How telling the example is; of panes of this class the event's time."""
        self._plan = plan
        self._event: Any = None
        self._example: Example | None = None

    def take(self, event: object, time: int, value: Any) -> None:  # noqa: ARG002 - other panes measure it
        """Count an event in."""
        self.count += 1
        if time >= self.rank:
            self.rank, self._event = time, event

    def show(self, rank: float, event: object) -> None:
        """Keep an event as the example."""
        self.rank, self._event = rank, event

    @property
    def latest(self) -> int:
        """When the last event was, as far as it is known: not after this, in Unix nanoseconds."""
        return int(self.rank)

    def example(self) -> Example | None:
        """The most telling event; None where there is none."""
        if self._event is not None:
            self._example, self._event = self._plan.capture(self._event), None
        return self._example

    def content(self) -> list[Any]:
        """What a pane holds beside the number of its events, for the ledger."""
        return []

    def restore_content(self, content: list[Any]) -> None:
        """Take back what ``content`` gave. Raises ValueError or TypeError where it is something else."""
        if content:
            raise ValueError(content)

    def pack(self) -> bytes:
        """The ledger's value of this pane."""
        example = self.example()
        trace_id, fields = (b"", None) if example is None else example
        return orjson.dumps([self.count, self.rank, trace_id.hex(), fields, self.content()])

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        self.count, self.rank, trace_id, fields, content = orjson.loads(data)
        self._example = None if fields is None else (bytes.fromhex(trace_id), dict(fields))
        self.restore_content(content)


class RatioPane(Pane):
    """Also how many events the rule's condition is true for. The example is the last of those that the rule minds."""

    __slots__ = ("bad",)

    def __init__(self, plan: WindowPlan, entry: str, index: int) -> None:
        super().__init__(plan, entry, index)
        self.bad = 0

    def take(self, event: object, time: int, value: Any) -> None:
        """Count an event in; a true value is bad."""
        self.count += 1
        bad = bool(value)
        self.bad += bad
        if bad is self._plan.is_above and time >= self.rank:
            self.show(time, event)

    @property
    def latest(self) -> int:
        """Not before the last event."""
        return self.stop

    def content(self) -> list[Any]:
        """How many were bad."""
        return [self.bad]

    def restore_content(self, content: list[Any]) -> None:
        """How many were bad."""
        (self.bad,) = content


class NumberPane(Pane):
    """Also the sum of numbers. The example is the event of the one that is furthest to where the rule's limit lies."""

    __slots__ = ("sign", "sum")

    def __init__(self, plan: WindowPlan, entry: str, index: int) -> None:
        super().__init__(plan, entry, index)
        self.rank = float("-inf")
        self.sign = 1 if plan.is_above else -1
        self.sum = 0.0

    def take(self, event: object, time: int, value: Any) -> None:  # noqa: ARG002 - the number decides about the example
        """Count an event in; its value is a finite number."""
        self.count += 1
        self.sum += value
        if value * self.sign > self.rank:
            self.show(value * self.sign, event)

    @property
    def latest(self) -> int:
        """Not before the last event."""
        return self.stop

    def content(self) -> list[Any]:
        """The sum."""
        return [self.sum]

    def restore_content(self, content: list[Any]) -> None:
        """The sum."""
        (total,) = content
        self.sum = float(total)
