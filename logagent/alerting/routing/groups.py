"""The alerts of one group of one route: what its destinations have been told, and when they are told next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from logagent.model import Alert, AlertState


@dataclass(slots=True)
class Member:
    """An alert of a group."""

    alert: Alert
    """As it was last."""
    told: bool = False
    """The destinations know that it fires."""

    @property
    def ended(self) -> bool:
        """Whether it has resolved."""
        return self.alert.state is AlertState.RESOLVED


@dataclass(slots=True)
class Group:
    """Alerts that come in one notification. Times are event times in Unix nanoseconds."""

    entry: str
    labels: dict[str, str]
    begun: int
    """When the first of its alerts came."""
    latest: int
    """When the last change of an alert came: nothing is told before what it tells of."""
    sent: int = 0
    """When its last notification went out; 0 before the first."""
    after: int = 0
    """Nothing is told before this: a quiet time or a mute ends then."""
    members: dict[str, Member] = field(default_factory=dict)
    """Alerts by their labels."""
    due: int = 0
    dirty: bool = False

    def take(self, alert: Alert) -> None:
        """Take a change of an alert. One that ends before it was told is forgotten."""
        self.latest = max(self.latest, alert.time_unix_nano)
        key = label_key(alert)
        member = self.members.get(key)
        if member is None:
            if alert.state is AlertState.FIRING:
                self.members[key] = Member(alert)
            return
        if alert.state is AlertState.RESOLVED and not member.told:
            del self.members[key]
            return
        if alert.state is AlertState.FIRING and member.ended:
            # it was told as firing and began anew before its end was told: for the destinations it goes on
            member.told = True
        member.alert = alert

    @property
    def changed(self) -> bool:
        """Whether there is something that the destinations do not know."""
        return any(member.ended or not member.told for member in self.members.values())

    def schedule(self, wait: int, interval: int, repeat: int) -> None:
        """Work out when it is told next."""
        if not self.members:
            # it is remembered for so long, so that alerts that come and go are not told each time
            self.due = self.sent + interval
        elif not self.sent:
            self.due = max(self.begun + wait, self.after)
        elif self.changed:
            self.due = max(self.sent + interval, self.after, self.latest)
        else:
            self.due = max(self.sent + repeat, self.after)

    def pack(self) -> bytes:
        """The ledger's value."""
        members = [[_packed(member.alert), member.told] for member in self.members.values()]
        return orjson.dumps([self.labels, self.begun, self.latest, self.sent, self.after, members])

    @classmethod
    def unpack(cls, entry: str, data: bytes) -> Group:
        """The group that ``pack`` told of. Raises ValueError, TypeError, … where it is none."""
        labels, begun, latest, sent, after, members = orjson.loads(data)
        group = cls(entry, labels, begun, latest, sent, after)
        for packed, told in members:
            alert = _unpacked(packed)
            group.members[label_key(alert)] = Member(alert, told)
        return group


def label_key(alert: Alert) -> str:
    """An alert's identity: its labels."""
    return orjson.dumps(alert.labels, option=orjson.OPT_SORT_KEYS).decode()


def _packed(alert: Alert) -> list[Any]:
    return [
        alert.name, alert.labels, alert.annotations, alert.state.value, alert.reason, alert.value,
        alert.time_unix_nano, alert.starts_unix_nano, alert.ends_unix_nano, alert.trace_id.hex(),
    ]  # fmt: skip


def _unpacked(packed: list[Any]) -> Alert:
    name, labels, annotations, state, reason, value, time, starts, ends, trace_id = packed
    return Alert(
        name, labels, annotations, AlertState(state), reason, float(value), int(time), int(starts), int(ends),
        bytes.fromhex(trace_id),
    )  # fmt: skip
