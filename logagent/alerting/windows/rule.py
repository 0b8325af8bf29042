"""Window rules at work: events into panes, and at each instant a look at the groups that something may change for."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from logagent.alerting.reasons import Loss
from logagent.alerting.running import NEVER
from logagent.alerting.state import LARGEST_VALUE, Journal, Key
from logagent.alerting.windows import alerts
from logagent.alerting.windows.collection import ENTRY, GROUP, PANE, Groups
from logagent.alerting.windows.instants import LATEST, Instants
from logagent.alerting.windows.plan import Reads, WindowPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.compiling import Watch
    from logagent.alerting.windows.groups import WindowGroup
    from logagent.alerting.windows.pane import Pane
    from logagent.model import Alert


class WindowRule:
    """One window rule with its groups."""

    def __init__(self, plan: WindowPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = (plan.labels["severity"],)
        self.rooms = {ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self._groups = Groups(plan, journal, lost)
        self._by_key = self._groups.by_key
        self._instants = Instants(plan.interval, plan.lateness, self._groups.entry())
        self._journal = journal
        self._lost = lost
        self._waiting: list[tuple[int, Key]] = []
        """A heap of instants and groups; those that are not their group's ``next`` mean nothing any more."""
        self._is_settled = False
        """Whether the members are there, and restored panes where they belong."""
        self.due = 0
        """When the next instant can be decided."""
        self._reads_numbers = plan.reads is Reads.NUMBERS
        self._reads_values = plan.reads is not Reads.ANY

    # -- events --------------------------------------------------------------------------------------------

    def react(self, event: object, time: int, value: Any, key: Key) -> None:
        """Take an event that the rule's condition holds for."""
        if self._reads_values:
            if value is None:
                return
            if self._reads_numbers and not (
                (value.__class__ is float or value.__class__ is int) and -LARGEST_VALUE <= value <= LARGEST_VALUE
            ):
                self._lost(Loss.EVENT_VALUE)
                return
        group = self._by_key.get(key)
        pane = group.current if group is not None else None
        if pane is None or not pane.start < time <= pane.stop:
            pane = self._turn(key, event, time, value)
            if pane is None:
                return
        pane.take(event, time, value)
        if not pane.dirty:
            self._journal.touch(pane)

    def _turn(self, key: Key, event: object, time: int, value: object) -> Pane | None:
        """The pane ahead for an event of another pane than the last one's; None where the event is dealt with."""
        if not 0 <= time <= LATEST:
            self._lost(Loss.EVENT_TIME)
            return None
        index = self._instants.index(time)
        decided = self._instants.decided
        if decided is not None and index <= decided:
            self._take_late(key, (event, time, value), index, decided)
            return None
        found = self._groups.pane_ahead(key, index)
        if found is None:
            self._lost(Loss.EVENT_AHEAD)
            return None
        group, group.current = found[0], found[1]
        self._wait(group, index)
        return found[1]

    def _take_late(self, key: Key, event: tuple[object, int, object], index: int, decided: int) -> None:
        """An event whose instant was decided counts in those that follow."""
        if index <= decided - self.plan.length:
            self._lost(Loss.EXPIRED_EVENT)
            return
        self._lost(Loss.LATE_EVENT)
        self._settle(decided)
        group = self._groups.find(key) or self._groups.begin(key, index)
        pane = group.panes.find(index)
        if pane is not None:
            group.total.leave(pane)
        elif self._is_outdone(group, index):
            return
        else:
            pane = self._groups.pane(group, index)
            group.panes.put(pane, inside=True)
        pane.take(*event)
        self._journal.touch(pane)
        self._groups.enter(group, pane)
        self._wait(group, decided + 1)

    def _is_outdone(self, group: WindowGroup, index: int) -> bool:
        """Whether a newer pane says all that one of this index could: that there was an event."""
        newest = group.panes.newest()
        return self.plan.is_absence and newest is not None and newest.index > index

    def _wait(self, group: WindowGroup, index: int) -> None:
        if index < group.next:
            group.next = index
            heapq.heappush(self._waiting, (index, group.key))

    # -- instants ------------------------------------------------------------------------------------------

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Decide the instants that are ripe, in order; at each the groups in the order of their keys."""
        self._settle(self._instants.index(time_unix_nano))
        ripe = self._instants.ripe(time_unix_nano)
        if self._instants.is_decided(ripe):
            self.due = self._instants.due
            return []
        came: list[Alert] = []
        while self._waiting and self._waiting[0][0] <= ripe:
            index, key = heapq.heappop(self._waiting)
            group = self._by_key.get(key)
            if group is not None and group.next == index:
                came += self._decide(group, index)
        self._instants.decided = ripe
        self.due = self._instants.due
        self._journal.touch(self._instants)
        return came

    def _decide(self, group: WindowGroup, index: int) -> list[Alert]:
        """What an instant comes to for a group."""
        self._slide(group, index)
        group.next = NEVER
        is_over = group.key not in self.plan.members and group.panes.newest() is None and index >= group.end()
        alert, changed = (alerts.end(group, index), True) if is_over else alerts.step(group, index)
        if is_over and not len(group.panes):
            self._groups.forget(group)
            return [alert] if alert else []
        if is_over:
            group.since = next(group.panes.ahead()).index
        if changed:
            self._journal.touch(group)
        self._wait(group, group.following(index))
        return [alert] if alert else []

    def _slide(self, group: WindowGroup, index: int) -> None:
        entering, leaving = group.panes.slide(index)
        for pane in leaving:
            group.total.leave(pane)
            self._journal.forget(pane.entry)
        for pane in entering:
            self._groups.ahead -= 1
            if pane is group.current:
                group.current = None
            self._groups.enter(group, pane)
        if leaving and group.panes.newest() is None:
            group.last = leaving[-1].latest
            self._journal.touch(group)

    def _settle(self, now: int) -> None:
        """Have the members that are not there yet begin, and restored panes enter the windows that they are inside."""
        if self._is_settled:
            return
        self._is_settled = True
        decided = self._instants.decided
        for group in self._by_key.values():
            if decided is not None:
                for pane in group.panes.slide(decided)[0]:
                    self._groups.enter(group, pane)
                self._wait(group, decided + 1)
            elif (first := next(group.panes.ahead(), None)) is not None:
                self._wait(group, first.index)
        ahead = [pane.index for group in self._by_key.values() for pane in group.panes.ahead()]
        self._groups.ahead = len(ahead)
        for key in sorted(self.plan.members - self._by_key.keys()):
            group = self._groups.restored(key, min([now, *ahead]))
            self._journal.touch(group)
            self._wait(group, group.since + self.plan.length)

    # -- what is kept and shown ----------------------------------------------------------------------------

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:  # noqa: ARG002 - part of the seam
        """Take back an entry of the ledger. Raises ValueError or TypeError where it is none of this rule's."""
        if not parts:
            self._instants.restore(data)
        elif parts[0] == GROUP:
            self._groups.restored(tuple(parts[1:]), 0).restore(data)
        elif parts[0] == PANE:
            index = int(parts[1])
            group = self._groups.restored(tuple(parts[2:]), index)
            pane = self._groups.pane(group, index)
            pane.restore(data)
            group.panes.put(pane)
        else:
            raise ValueError(parts)
        return []

    def firing(self) -> list[Alert]:
        """The groups that are pending or fire, in the order in which they began."""
        decided = self._instants.decided
        if decided is None:
            return []
        self._settle(decided)
        groups = sorted(self._by_key.values(), key=lambda group: group.entry)
        told = [alert for group in groups if (alert := alerts.current(group, decided))]
        return sorted(told, key=lambda alert: alert.starts_unix_nano)
