"""Anomaly rules with a window: what the events of each window come to is judged at the window's end."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from logagent.alerting.anomaly.alerts import current, told
from logagent.alerting.anomaly.collection import ENTRY, PANE, Groups, is_number
from logagent.alerting.anomaly.group import Sample, Turn
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.running import NEVER
from logagent.alerting.windows.collection import MOST_AHEAD
from logagent.alerting.windows.farthest import Farthest
from logagent.alerting.windows.instants import LATEST, Instants
from logagent.alerting.windows.plan import Reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logagent.alerting.anomaly.group import AnomalyGroup
    from logagent.alerting.anomaly.plan import AnomalyPlan
    from logagent.alerting.compiling import Watch
    from logagent.alerting.state import Journal, Key
    from logagent.alerting.windows.pane import Example, Pane
    from logagent.alerting.windows.plan import WindowPlan
    from logagent.model import Alert


def _no_example() -> Example:
    return b"", {}


class WindowAnomalies:
    """One anomaly rule on windows that follow each other, with its groups."""

    def __init__(self, plan: AnomalyPlan, window: WindowPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = (plan.labels["severity"],)
        self.rooms = {ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self._window = window
        self._groups = Groups(plan, journal)
        self._by_key = self._groups.by_key
        self._instants = Instants(window.interval, window.lateness, self._groups.entry())
        self._journal = journal
        self._lost = lost
        self._farthest = Farthest(MOST_AHEAD)
        self._ahead = 0
        """Windows of all groups that wait for their instant."""
        self._waiting: list[tuple[int, Key]] = []
        """A heap of instants and groups; those that are not their group's ``next`` mean nothing any more."""
        self._is_settled = True
        """Whether all groups wait for the next instant that means something to them."""

    @property
    def due(self) -> int:
        """When the next instant can be decided."""
        return self._instants.due

    # -- events --------------------------------------------------------------------------------------------

    def react(self, event: object, time: int, value: object, key: Key) -> None:
        """Take an event that the rule's condition holds for."""
        if self._window.reads is Reads.NUMBERS and not is_number(value):
            if value is not None:
                self._lost(Loss.EVENT_VALUE)
            return
        group = self._by_key.get(key)
        pane = group.current if group is not None else None
        if pane is None or not pane.start < time <= pane.stop:
            pane = self._turn(key, time)
            if pane is None:
                return
        pane.take(event, time, value)
        if not pane.dirty:
            self._journal.touch(pane)

    def _turn(self, key: Key, time: int) -> Pane | None:
        """The window of an event that is not of the same one as the last; None where it cannot count."""
        if not 0 <= time <= LATEST:
            self._lost(Loss.EVENT_TIME)
            return None
        index = self._instants.index(time)
        if self._instants.is_decided(index):
            self._lost(Loss.EXPIRED_EVENT)
            return None
        group = self._by_key.get(self._groups.kept(key))
        if group is not None and index in group.ahead:
            group.current = group.ahead[index]
            return group.current
        if self._ahead >= MOST_AHEAD and not self._make_room(index):
            self._lost(Loss.EVENT_AHEAD)
            return None
        return self._begin(self._groups.kept(key), index)

    def _begin(self, key: Key, index: int) -> Pane:
        """A new window, and its group where that is new too."""
        group = self._by_key.get(key)
        if group is None:
            group = self._groups.begin(key)
            group.since, group.last = index, index * self._window.interval
            self._journal.touch(group)
        elif index < group.since:
            group.since = index
            self._journal.touch(group)
        pane = group.current = group.ahead[index] = self._pane(group, index)
        self._ahead += 1
        self._farthest.add(index, key)
        self._wait(group, index)
        return pane

    def _pane(self, group: AnomalyGroup, index: int) -> Pane:
        return self._window.pane(self._window, self._groups.entry(PANE, str(index), *group.key), index)

    def _make_room(self, index: int) -> bool:
        """Give up the window that is farthest ahead; False where that would be the new one."""
        last, key = self._farthest.find(self._all_ahead, self._is_ahead)
        if last <= index:
            return False
        group = self._by_key[key]
        for _ in range(self._take_out(group, last).count):
            self._lost(Loss.EVENT_AHEAD)
        if not group.ahead and not group.seen and group.since == last:
            self._groups.forget(group)
        return True

    def _all_ahead(self) -> Iterator[tuple[int, Key]]:
        return ((index, key) for key, group in self._by_key.items() for index in group.ahead)

    def _is_ahead(self, index: int, key: Key) -> bool:
        group = self._by_key.get(key)
        return group is not None and index in group.ahead

    def _take_out(self, group: AnomalyGroup, index: int) -> Pane:
        pane = group.ahead.pop(index)
        self._ahead -= 1
        if pane is group.current:
            group.current = None
        self._journal.forget(pane.entry)
        return pane

    def _wait(self, group: AnomalyGroup, index: int) -> None:
        if index < group.next:
            group.next = index
            heapq.heappush(self._waiting, (index, group.key))

    # -- instants ------------------------------------------------------------------------------------------

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Judge the windows that are over, in order; at each instant the groups in the order of their keys."""
        ripe = self._instants.ripe(time_unix_nano)
        if self._instants.is_decided(ripe):
            return []
        self._settle()
        came: list[Alert] = []
        while self._waiting and self._waiting[0][0] <= ripe:
            index, key = heapq.heappop(self._waiting)
            group = self._by_key.get(key)
            if group is not None and group.next == index:
                came += self._decide(group, index)
        self._instants.decided = ripe
        self._journal.touch(self._instants)
        return came

    def _decide(self, group: AnomalyGroup, index: int) -> list[Alert]:
        """What an instant comes to for a group."""
        time = index * self._window.interval
        group.next = NEVER
        pane = self._take_out(group, index) if index in group.ahead else None
        if pane is not None:
            group.last = time
        elif time >= group.last + self.plan.forget_after:
            turn = group.end(Reason.FORGOTTEN, time)
            alerts = [told(group, turn)] if turn else []
            self._leave(group)
            return alerts
        turn = self._judge(group, index, pane)
        self._wait(group, self._following(group, index))
        return [told(group, turn)] if turn else []

    def _leave(self, group: AnomalyGroup) -> None:
        """Have nothing known of a group but the windows that wait."""
        ahead = group.ahead
        self._groups.forget(group)
        if ahead:
            again = self._groups.begin(group.key)
            again.ahead, again.since = ahead, min(ahead)
            again.last = again.since * self._window.interval
            self._journal.touch(again)
            self._wait(again, again.since)

    def _judge(self, group: AnomalyGroup, index: int, pane: Pane | None) -> Turn | None:
        time = index * self._window.interval
        if pane is None and not self.plan.is_filled:
            if not group.is_firing or time < group.last + self.plan.quiet:
                return None
            self._journal.touch(group)
            return group.end(Reason.QUIET, time)
        self._journal.touch(group)
        count = 0 if pane is None else pane.count
        # the first window of a group had begun before the group did
        is_sample = index > group.since if self.plan.is_filled else count >= self.plan.min_count
        if not is_sample:
            return None
        total = self._window.total(self._window)
        panes = []
        if pane is not None:
            total.enter(pane)
            panes.append(pane)
        example = _no_example if pane is None else lambda: pane.example() or _no_example()
        middle = time - self._window.interval // 2
        value = float(total.value(panes))
        if group.passes(middle, value):
            return None
        return group.judge(Sample(time, middle, value, count, example), self._lost)

    def _following(self, group: AnomalyGroup, index: int) -> int:
        """The next instant after one that means something to a group."""
        if self.plan.is_filled:
            return index + 1
        deadline = group.last + (self.plan.quiet if group.is_firing else self.plan.forget_after)
        ends = max(-(-deadline // self._window.interval), index + 1)
        return min(*group.ahead, ends) if group.ahead else ends

    def _settle(self) -> None:
        """Have restored groups wait for what comes next."""
        if self._is_settled:
            return
        self._is_settled = True
        self._ahead = sum(len(group.ahead) for group in self._by_key.values())
        decided = self._instants.decided
        for group in self._by_key.values():
            first = min(group.ahead, default=NEVER)
            self._wait(group, first if decided is None else min(first, self._following(group, decided)))

    # -- what is kept and shown ----------------------------------------------------------------------------

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:  # noqa: ARG002 - part of the seam
        """Take back an entry of the ledger. Raises ValueError or TypeError where it is none of this rule's."""
        self._is_settled = False
        if not parts:
            self._instants.restore(data)
        elif parts[0] == PANE:
            index = int(parts[1])
            group = self._groups.begin(tuple(parts[2:]))
            pane = self._pane(group, index)
            pane.restore(data)
            group.ahead[index] = pane
        else:
            self._groups.restore(parts, data)
        return []

    def firing(self) -> list[Alert]:
        """The groups that fire, in the order in which they began."""
        return [alert for group in self._groups.in_order() if (alert := current(group))]
