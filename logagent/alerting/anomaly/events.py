"""Anomaly rules without a window: each event is judged as it comes, against those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.anomaly.alerts import current, told
from logagent.alerting.anomaly.collection import ENTRY, Groups, is_number
from logagent.alerting.anomaly.group import Sample
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.running import NEVER
from logagent.alerting.windows.instants import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.anomaly.group import AnomalyGroup
    from logagent.alerting.anomaly.plan import AnomalyPlan
    from logagent.alerting.compiling import Watch
    from logagent.alerting.state import Journal, Key
    from logagent.model import Alert


class EventAnomalies:
    """One anomaly rule on single events, with its groups."""

    def __init__(self, plan: AnomalyPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = (plan.labels["severity"],)
        self.rooms = {ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self.due = NEVER
        """No group is quiet or to be forgotten before this; a lower bound."""
        self._groups = Groups(plan, journal)
        self._by_key = self._groups.by_key
        self._journal = journal
        self._lost = lost
        self._patience = min(plan.quiet, plan.forget_after)

    def react(self, event: object, time: int, value: object, key: Key) -> None:
        """Take an event that the rule's condition holds for."""
        if not is_number(value):
            if value is not None:
                self._lost(Loss.EVENT_VALUE)
            return
        if not 0 <= time <= LATEST:
            self._lost(Loss.EVENT_TIME)
            return
        group = self._by_key.get(key) or self._find(key, time)
        if time >= group.last + self._patience and time >= self._deadline(group):
            group = self._lapse(group, time) or self._find(key, time)
        group.last = time
        if not group.passes(time, value):
            self._judge(group, event, time, value)
        if not group.dirty:
            self._journal.touch(group)

    def _judge(self, group: AnomalyGroup, event: object, time: int, value: float) -> None:
        turn = group.judge(Sample(time, time, float(value), 1, lambda: self.plan.capture(event)), self._lost)
        if turn is not None:
            self._journal.alerts.append(told(group, turn))
            self.due = min(self.due, self._deadline(group))

    def _find(self, key: Key, time: int) -> AnomalyGroup:
        kept = self._groups.kept(key)
        if kept not in self._by_key and self._groups.is_full:
            self._journal.alerts.extend(self.advance(time))
            kept = self._groups.kept(key)
        group = self._by_key.get(kept)
        if group is None:
            group = self._groups.begin(kept)
            group.last = time
            self.due = min(self.due, self._deadline(group))
        return group

    def _deadline(self, group: AnomalyGroup) -> int:
        """When the group, if it stays without events, resolves or is forgotten."""
        return group.last + (self.plan.quiet if group.labels else self.plan.forget_after)

    def _lapse(self, group: AnomalyGroup, time: int) -> AnomalyGroup | None:
        """What the time without events has come to. Give the group, if it is still known."""
        turn = group.end(Reason.QUIET, group.last + self.plan.quiet)
        if turn is not None:
            self._journal.alerts.append(told(group, turn))
            self._journal.touch(group)
        if time >= group.last + self.plan.forget_after:
            self._groups.forget(group)
            return None
        return group

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Resolve the alerts of groups that are quiet at this time, and forget groups, in the order of their deadlines."""
        if time_unix_nano < self.due:
            return []
        late = [(at, group.key) for group in self._by_key.values() if (at := self._deadline(group)) <= time_unix_nano]
        for _, key in sorted(late):
            self._lapse(self._by_key[key], time_unix_nano)
        self.due = min(map(self._deadline, self._by_key.values()), default=NEVER)
        return []

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:  # noqa: ARG002 - part of the seam
        """Take back an entry of the ledger. Raises ValueError or TypeError where it is none of this rule's."""
        self._groups.restore(parts, data)
        self.due = 0
        return []

    def firing(self) -> list[Alert]:
        """The groups that fire, in the order in which they began."""
        return [alert for group in self._groups.in_order() if (alert := current(group))]
