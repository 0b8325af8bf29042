"""The alerts of one group of one route: what its destinations have been told, and when they are told next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from logagent.alerting.state import entry_key
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from logagent.alerting.state import Journal

GROUP, MEMBER = "group", "member"
"""First parts of the ledger keys of groups and of their alerts."""


@dataclass(slots=True)
class Member:
    """An alert of a group; an entry of the ledger, so that a commit writes those that changed and not the whole group."""

    entry: str
    alert: Alert
    """As it was last."""
    told: bool = False
    """The destinations know that it fires."""
    dirty: bool = False

    @property
    def ended(self) -> bool:
        """Whether it has resolved."""
        return self.alert.state is AlertState.RESOLVED

    @property
    def is_news(self) -> bool:
        """Whether the destinations do not know it as it is."""
        return self.ended or not self.told

    def pack(self) -> bytes:
        """The ledger's value."""
        return orjson.dumps([_packed(self.alert), self.told])


@dataclass(slots=True)
class Group:
    """Alerts that come in one notification. Times are event times in Unix nanoseconds.

    An entry of the ledger beside those of its members.
    """

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
    _news: set[str] = field(default_factory=set)
    """Those of which there is something that the destinations do not know."""

    def take(self, alert: Alert, journal: Journal) -> None:
        """Take a change of an alert. One that ends before it was told is forgotten."""
        self.latest = max(self.latest, alert.time_unix_nano)
        key = label_key(alert)
        member = self.members.get(key)
        if member is None:
            if alert.state is not AlertState.FIRING:
                return
            member = Member(self._entry_of(key), alert)
        elif alert.state is AlertState.RESOLVED and not member.told:
            self.drop(key, journal)
            return
        elif alert.state is AlertState.FIRING and member.ended:
            # it was told as firing and began anew before its end was told: for the destinations it goes on
            member.told = True
        member.alert = alert
        self._put(key, member)
        journal.touch(member)

    def _entry_of(self, key: str) -> str:
        _, *parts = orjson.loads(self.entry)
        return entry_key(MEMBER, *parts, key)

    def _put(self, key: str, member: Member) -> None:
        self.members[key] = member
        if member.is_news:
            self._news.add(key)
        else:
            self._news.discard(key)

    def drop(self, key: str, journal: Journal) -> None:
        """Forget an alert."""
        journal.forget(self.members.pop(key).entry)
        self._news.discard(key)

    def tell(self, key: str, journal: Journal) -> None:
        """The destinations know an alert as it is."""
        member = self.members[key]
        if member.ended:
            self.drop(key, journal)
        elif not member.told:
            member.told = True
            self._news.discard(key)
            journal.touch(member)

    @property
    def changed(self) -> bool:
        """Whether there is something that the destinations do not know."""
        return bool(self._news)

    def in_order(self) -> list[tuple[str, Member]]:
        """All alerts by when they began, with their keys."""
        return sorted(self.members.items(), key=lambda item: (item[1].alert.starts_unix_nano, item[0]))

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
        return orjson.dumps([self.labels, self.begun, self.latest, self.sent, self.after])

    @classmethod
    def unpack(cls, entry: str, data: bytes) -> Group:
        """The group that ``pack`` told of. Raises ValueError, TypeError, … where it is none."""
        labels, begun, latest, sent, after = orjson.loads(data)
        return cls(entry, labels, begun, latest, sent, after)

    def restore(self, entry: str, data: bytes) -> None:
        """Take back a member. Raises ValueError, TypeError, … where it is none."""
        packed, told = orjson.loads(data)
        member = Member(entry, _unpacked(packed), told)
        self._put(label_key(member.alert), member)


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
