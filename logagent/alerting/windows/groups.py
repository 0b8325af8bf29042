"""A group of a window rule: its panes, what is measured of them, and the state of its alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from logagent.alerting.lifecycle import Lifecycle
from logagent.alerting.reasons import Reason
from logagent.alerting.running import NEVER
from logagent.alerting.windows.panes import Panes
from logagent.alerting.windows.plan import NoData
from logagent.model import AlertState

if TYPE_CHECKING:
    from logagent.alerting.state import Key
    from logagent.alerting.windows.pane import Pane
    from logagent.alerting.windows.plan import WindowPlan


class Verdict(NamedTuple):
    """What an instant says about a group."""

    value: float | None
    """The measure; None where there are too few events for one."""
    holds: bool | None
    """Whether the condition is true; None where that cannot be told."""
    reason: Reason


class WindowGroup:
    """An entry of the ledger beside those of its panes; it changes when the alert's state does.

    ``since`` is the first instant from which the group is known.
    """

    __slots__ = (
        *("current", "dirty", "entry", "key", "labels", "last", "lifecycle", "next"),
        *("panes", "plan", "reason", "since", "total", "trace_id", "value"),
    )

    def __init__(self, plan: WindowPlan, entry: str, key: Key, since: int) -> None:
        self.plan = plan
        self.entry = entry
        self.key = key
        self.since = since
        self.dirty = False
        self.panes: Panes[Pane] = Panes(plan.length)
        self.total = plan.total(plan)
        self.lifecycle = Lifecycle()
        self.labels: dict[str, str] = {}
        """As sent when it began: what resolves must be what fired. Empty while inactive."""
        self.reason = Reason.CONDITION
        """Why it is pending or fires."""
        self.value = 0.0
        """The measure when it began, and an example of then."""
        self.trace_id = b""
        self.last: int | None = None
        """When the last event was that no pane has any more; event time."""
        self.current: Pane | None = None
        """The pane ahead that took the last event: the next one is mostly of the same."""
        self.next = NEVER
        """The next instant at which something may change."""

    def judge(self, index: int) -> Verdict:
        """What the instant that the panes slid to says."""
        plan, count = self.plan, self.total.count
        is_whole = self.is_whole(index)
        if count < plan.min_count:
            if not is_whole or plan.no_data is NoData.KEEP:
                return Verdict(None, None, Reason.NO_DATA)
            return Verdict(None, plan.no_data is NoData.ALERT, Reason.NO_DATA)
        if plan.is_absence:
            return Verdict(self.silence(index), count == 0 if is_whole else None, self.cause(holds=count == 0))
        value = self.total.value(self.panes.inside())
        if plan.needs_whole and not is_whole:
            return Verdict(value, None, Reason.CONDITION)
        is_firing = self.lifecycle.state is AlertState.FIRING
        holds = plan.is_bad(value, plan.recover if is_firing else plan.limit)
        return Verdict(value, holds, self.cause(holds=holds))

    def cause(self, *, holds: bool) -> Reason:
        """Why an alert begins or ends that has data."""
        if self.plan.is_absence:
            return Reason.ABSENT if holds else Reason.RETURNED
        return Reason.CONDITION if holds else Reason.RECOVERED

    def is_whole(self, index: int) -> bool:
        """Whether the group is known for as long as the window is."""
        return index - self.plan.length >= self.since

    def seen(self) -> int:
        """When the last event inside the window or before it was, as far as it is known; Unix nanoseconds."""
        newest = self.panes.newest()
        if newest is not None:
            return newest.latest
        return self.since * self.plan.interval if self.last is None else self.last

    def silence(self, index: int) -> float:
        """Seconds without an event at an instant."""
        return max(index * self.plan.interval - self.seen(), 0) / 1e9

    def following(self, index: int) -> int:
        """The next instant after one at which something may change."""
        plan = self.plan
        candidates = [self.panes.change()]
        due = self.lifecycle.due(plan.patience)
        if due is not None:
            candidates.append(-(-due // plan.interval))
        if not self.is_whole(index):
            candidates.append(self.since + plan.length)
        if self.key not in plan.members and self.panes.newest() is None:
            candidates.append(self.end())
        return max(min((one for one in candidates if one is not None), default=NEVER), index + 1)

    def end(self) -> int:
        """The instant at which the group is forgotten unless an event comes before."""
        return -(-(self.seen() + self.plan.forget_after) // self.plan.interval)

    def pack(self) -> bytes:
        """The ledger's value of this group."""
        began = [self.labels, self.reason.value, self.value, self.trace_id.hex()]
        return orjson.dumps([self.lifecycle.pack(), self.since, self.last, began])

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        lifecycle, since, last, (labels, reason, value, trace_id) = orjson.loads(data)
        self.lifecycle = Lifecycle.unpack(lifecycle)
        self.since = int(since)
        self.last = None if last is None else int(last)
        self.labels = dict(labels)
        self.reason = Reason(reason)
        self.value = float(value)
        self.trace_id = bytes.fromhex(trace_id)
