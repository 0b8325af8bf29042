"""Event alerts: a group fires with its first event, tells again while it goes on, and resolves when it is quiet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from logagent.alerting.reasons import Reason
from logagent.alerting.running import NEVER
from logagent.alerting.state import OVERFLOW, OVERFLOW_KEY, Change, Journal, Key, entry_key, label_text, usable
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logagent.alerting.compiling import Watch
    from logagent.alerting.state import Texts

ENTRY = "event"
"""First part of the ledger keys of event groups."""


@dataclass(slots=True)
class EventGroup:
    """What is known of a group since it began firing."""

    entry: str
    labels: dict[str, str]
    """As sent when it began: what resolves must be what fired."""
    starts_unix_nano: int
    last_unix_nano: int
    sent_unix_nano: int
    """Event time of the last notification."""
    count: int = 1
    worst: float | None = None
    example: dict[str, object] = field(default_factory=dict)
    """The fields of the worst event that the rule's texts name."""
    trace_id: bytes = b""
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value of this group."""
        times = [self.starts_unix_nano, self.last_unix_nano, self.sent_unix_nano]
        return orjson.dumps([self.labels, *times, self.count, self.worst, self.example, self.trace_id.hex()])

    @classmethod
    def unpack(cls, entry: str, data: bytes) -> EventGroup:
        """The group that ``pack`` told of. Raises ValueError or TypeError where it is none."""
        labels, starts, last, sent, count, worst, example, trace_id = orjson.loads(data)
        return cls(entry, labels, starts, last, sent, count, worst, example, bytes.fromhex(trace_id))


@dataclass(frozen=True, slots=True)
class EventPlan:
    """An event rule, compiled."""

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert of this rule, ``alertname`` and ``severity`` included."""
    texts: Texts
    repeat_nano: int
    quiet_nano: int
    max_groups: int
    capture: Callable[[Any], tuple[bytes, dict[str, object]]]
    """Trace id and the fields that the texts name, of an event that is kept as the example."""


class EventRule:
    """The groups of one event rule that fire."""

    def __init__(self, plan: EventPlan, journal: Journal) -> None:
        self.plan = plan
        self.name = plan.name
        self.severities = (plan.labels["severity"],)
        self.rooms = {ENTRY: plan.fingerprint}
        self.watches: tuple[Watch, ...] = ()
        self.due = NEVER
        """No group is quiet before this; a lower bound."""
        self._journal = journal
        self._groups: dict[Key, EventGroup] = {}

    def match(self, event: object, time: int, value: object, key: Key) -> None:
        """Take an event that the rule's condition holds for."""
        group = self._groups.get(key)
        if group is None:
            key = self._admit(key, time)
            group = self._groups.get(key)
        if group is not None and time >= group.last_unix_nano + self.plan.quiet_nano:
            self._journal.alerts.append(self._resolve(key, group))
            group = None
        if group is None:
            self._begin(key, time, event, usable(value))
        else:
            self._continue(group, time, event, usable(value))

    def _admit(self, key: Key, time: int) -> Key:
        """The key under which a group that is not known yet is kept."""
        key = tuple(map(label_text, key))
        if key in self._groups or len(self._groups) < self.plan.max_groups:
            return key
        self._journal.alerts.extend(self.advance(time))
        return key if len(self._groups) < self.plan.max_groups else OVERFLOW_KEY

    def _begin(self, key: Key, time: int, event: object, value: float | None) -> None:
        plan = self.plan
        own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(plan.label_names, key, strict=True))
        labels = {**plan.labels, **{name: text for name, text in own.items() if text}}
        entry = entry_key(ENTRY, plan.name, plan.fingerprint, *key)
        trace_id, example = plan.capture(event)
        group = EventGroup(entry, labels, time, time, time, 1, value, example, trace_id)
        self._groups[key] = group
        self.due = min(self.due, time + plan.quiet_nano)
        self._journal.touch(group)
        self._journal.alerts.append(self.alert(group, Change(AlertState.FIRING, Reason.MATCH, time)))

    def _continue(self, group: EventGroup, time: int, event: object, value: float | None) -> None:
        plan = self.plan
        group.count += 1
        group.last_unix_nano = max(group.last_unix_nano, time)
        if value is not None and (group.worst is None or value > group.worst):
            group.worst = value
            group.trace_id, group.example = plan.capture(event)
        if time - group.sent_unix_nano >= plan.repeat_nano:
            group.sent_unix_nano = time
            self._journal.alerts.append(self.alert(group, Change(AlertState.FIRING, Reason.REPEAT, time)))
        if not group.dirty:
            self._journal.touch(group)

    def _resolve(self, key: Key, group: EventGroup) -> Alert:
        """The end of a group that is quiet, at the moment that made it so."""
        del self._groups[key]
        self._journal.forget(group.entry)
        quiet_since = group.last_unix_nano + self.plan.quiet_nano
        return self.alert(group, Change(AlertState.RESOLVED, Reason.QUIET, quiet_since))

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """Resolve the groups that are quiet at this time, in the order in which they became so."""
        if time_unix_nano < self.due:
            return []
        latest = time_unix_nano - self.plan.quiet_nano
        quiet = [(group.last_unix_nano, key) for key, group in self._groups.items() if group.last_unix_nano <= latest]
        alerts = [self._resolve(key, self._groups[key]) for _, key in sorted(quiet)]
        self.due = min((group.last_unix_nano for group in self._groups.values()), default=NEVER) + self.plan.quiet_nano
        return alerts

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:  # noqa: ARG002 - part of the seam
        """Take back a group as the ledger kept it. Raises ValueError, TypeError, … where the entry is unreadable."""
        key = tuple(parts)
        entry = entry_key(ENTRY, self.plan.name, self.plan.fingerprint, *key)
        group = EventGroup.unpack(entry, data)
        self._groups[key] = group
        self.due = min(self.due, group.last_unix_nano + self.plan.quiet_nano)
        return []

    def firing(self) -> list[Alert]:
        """The groups that fire, in the order in which they began."""
        groups = sorted(self._groups.values(), key=lambda group: (group.starts_unix_nano, group.entry))
        return [self.alert(group, Change(AlertState.FIRING, Reason.MATCH, group.last_unix_nano)) for group in groups]

    def alert(self, group: EventGroup, change: Change) -> Alert:
        """The group as an alert: its value is the worst one, or the number of events where the rule has none."""
        value = group.count if group.worst is None else group.worst
        values = {"value": value, "count": group.count, "trace_id": group.trace_id.hex()}
        values |= {f"labels.{name}": text for name, text in group.labels.items()}
        annotations = self.plan.texts.render({**group.example, **values}, group.trace_id)
        ends = change.time_unix_nano if change.state is AlertState.RESOLVED else 0
        return Alert(
            self.plan.name,
            dict(group.labels),
            annotations,
            change.state,
            change.reason.value,
            float(value),
            change.time_unix_nano,
            group.starts_unix_nano,
            ends,
            group.trace_id,
        )
