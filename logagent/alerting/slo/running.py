"""An SLO while it runs: events are counted as they come, and judged minute by minute when no more are expected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.slo.books import SloBooks
from logagent.alerting.slo.group import Burning, SloGroup
from logagent.alerting.slo.plan import ENTRY, GROUP_ENTRY, BurnAlert, SloPlan
from logagent.alerting.slo.spans import MINUTE
from logagent.alerting.slo.state import SloState, alert_of, state_of
from logagent.alerting.state import Change
from logagent.alerting.windows import LATEST
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logagent.alerting.compiling import Watch
    from logagent.alerting.state import Journal, Key
    from logagent.model import Alert

_LAST_MINUTE = LATEST // MINUTE
_MOST_AHEAD = 50_000
"""Minutes of a group that may wait to be decided: a month in one batch, and no more of what a broken clock wrote."""


class SloRule:
    """One SLO. Its minutes are decided in order, each once, ``lateness`` after they are over."""

    def __init__(self, plan: SloPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = tuple(dict.fromkeys(alert.severity for alert in plan.alerts))
        self.rooms = {ENTRY: plan.fingerprint, GROUP_ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self._journal = journal
        self._lost = lost
        self._books = SloBooks(plan, journal)
        self._groups = self._books.groups
        self._bad_value = plan.bad_value
        self.restore = self._books.restore
        self.take_events = self._books.take_events

    @property
    def due(self) -> int:
        """When the next minute can be decided."""
        return self._books.instants.due

    def count(self, event: object, time: int, value: object, key: Key) -> None:
        """Take a valid event; its value tells whether it was bad."""
        group = self._groups.get(key)
        if group is None or not group.start < time < group.stop:
            self._turn(event, time, key, is_bad=value is self._bad_value)
            return
        group.more_valid += 1
        if value is self._bad_value:
            group.more_bad += 1
            if not group.has_example:
                self._keep_example(event, group.minute, group)

    def _turn(self, event: object, time: int, key: Key, *, is_bad: bool) -> None:
        """Take an event of another minute than its group's last one, or the first since that was written down."""
        books = self._books
        minute = self.plan.span.minute_of(time)
        if minute <= books.decided or time < 0 or minute > _LAST_MINUTE:
            if not self._may_enter(time, minute):
                return
            self._lost(Loss.LATE_EVENT)
        group = books.groups.get(key) or books.admit(key)
        if not group.counts.has_room(_MOST_AHEAD):
            self._lost(Loss.EVENT_AHEAD)
            return
        books.count(group, minute, int(is_bad))
        if is_bad:
            self._keep_example(event, minute, group)
        if minute > books.decided and group.counts.has_room(_MOST_AHEAD):
            group.open_minute(minute)

    def _may_enter(self, time: int, minute: int) -> bool:
        """Whether an event that is late, or of a strange time, is still in a window."""
        if time < 0 or minute > _LAST_MINUTE:
            self._lost(Loss.EVENT_TIME)
            return False
        if minute <= self._books.oldest:
            self._lost(Loss.EXPIRED_EVENT)
            return False
        return True

    def _keep_example(self, event: object, minute: int, group: SloGroup) -> None:
        for one in (group, self._books.total):
            if one is not None and one.wants_example(minute):
                one.keep_example(minute, self.plan.capture(event)[0])
                self._journal.touch(one)
        group.has_example = True

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Decide every minute that is over."""
        minute = self._books.instants.ripe(time_unix_nano)
        if minute <= self._books.decided:
            return []
        self._books.close_minutes()
        alerts = [alert for group in self._books.everyone() for alert in self._decide(group, minute)]
        self._books.decide(minute)
        return sorted(alerts, key=lambda alert: (alert.time_unix_nano, sorted(alert.labels.items())))

    def _decide(self, group: SloGroup, last: int) -> Iterator[Alert]:
        """Walk a group through the minutes at which something enters or leaves a window: nothing changes between."""
        counts = group.counts
        while (minute := counts.next_change()) <= last:
            counts.move(minute)
            if group.pass_minute(minute):
                self._journal.touch(group)
            if group.burning or any(counts.bad):
                yield from self._judge(group, minute * MINUTE)
        if counts.now < last:
            counts.move(last)

    def _judge(self, group: SloGroup, time: int) -> Iterator[Alert]:
        for index, alert in enumerate(self.plan.alerts):
            burning = group.burning.get(alert.key)
            if burning is None and group.counts.bad[alert.long] < self.plan.min_bad:
                continue
            holds = group.holds(index, alert, self.plan.min_bad)
            if burning is None and holds:
                yield self._fire(group, alert, time)
            elif burning is not None and holds is False:
                del group.burning[alert.key]
                self._journal.touch(group)
                change = Change(AlertState.RESOLVED, Reason.RECOVERED, time)
                yield alert_of(self.plan, group, alert, burning, change)

    def _fire(self, group: SloGroup, alert: BurnAlert, time: int) -> Alert:
        own = {"severity": alert.severity, "window": alert.window}
        trace_id = group.example if group.example_minute > group.counts.edges()[alert.long] else b""
        burning = Burning(time, {**self.plan.labels, **group.labels, **own}, trace_id)
        group.burning[alert.key] = burning
        self._journal.touch(group)
        return alert_of(self.plan, group, alert, burning, Change(AlertState.FIRING, alert.reason, time))

    def firing(self) -> list[Alert]:
        """The alerts that fire, in the order in which they began."""
        now = self._books.decided * MINUTE
        found = [
            alert_of(self.plan, group, alert, group.burning[alert.key], Change(AlertState.FIRING, alert.reason, now))
            for group in self._books.everyone()
            for alert in self.plan.alerts
            if alert.key in group.burning
        ]
        return sorted(found, key=lambda alert: (alert.starts_unix_nano, sorted(alert.labels.items())))

    def states(self, now_unix_nano: int | None) -> list[SloState]:
        """The composite and every group at a time (None: at their last event); without groups also without events."""
        plan, books = self.plan, self._books
        books.close_minutes()
        minute = None if now_unix_nano is None else min(plan.span.minute_of(now_unix_nano), _LAST_MINUTE)
        groups = [books.groups[key] for key in sorted(books.groups)]
        if not groups and not plan.label_names:
            groups = [SloGroup(plan, (), books.decided)]
        if books.total is not None and groups:
            groups.insert(0, books.total)
        states = [state_of(plan, group, group.counts.latest if minute is None else minute) for group in groups]
        if plan.composite == "worst" and states:
            states.insert(0, replace(min(states, key=_left), group={"composite": "worst"}))
        return states


def _left(state: SloState) -> float:
    return 1.0 if state.budget_left is None else state.budget_left
