"""Routes alerts to destinations, in event time: the same alerts give the same notifications, however often it restarts.

Grouping is Alertmanager's: a group's first notification waits ``group_wait`` for more alerts, changes are told at most
every ``group_interval``, and a group that does not change is told again after ``repeat``. An alert that ends before it
was told is not told at all.
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from logagent.alerting.reasons import Loss
from logagent.alerting.routing.groups import GROUP, MEMBER, Group, label_key
from logagent.alerting.routing.intervals import SECOND, WeekTimes, quiet_until
from logagent.alerting.state import Journal, entry_key, fingerprint
from logagent.expr import compile_condition, parse
from logagent.model import AlertState, Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logagent.alerting.routing.tables import Routing
    from logagent.alerting.rules.routes import Mute, Route
    from logagent.model import Alert

_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


def _label_source(name: str) -> str:
    """How a condition reads a label: by its name, or as ``labels.NAME``."""
    if name == "value":
        return "x.value"
    return f"x.labels.get({name.removeprefix('labels.')!r})"


def _condition(text: str) -> Callable[[Any], bool]:
    return compile_condition(parse(text, levels=False), _label_source) if text else _always


def _always(alert: object) -> bool:  # noqa: ARG001 - a condition like the others
    return True


@dataclass(frozen=True, slots=True)
class _Path:
    """A route, compiled."""

    position: int
    route: Route
    fingerprint: str
    holds: Callable[[Any], bool]
    quiet: tuple[WeekTimes, ...]


@dataclass(frozen=True, slots=True)
class _Silence:
    """A mute, compiled."""

    holds: Callable[[Any], bool]
    starts: int
    ends: int

    def until(self, alert: Alert, time: int) -> int:
        """When it ends for this alert; 0 where it does not mute it."""
        return self.ends if self.starts <= time < self.ends and self.holds(alert) else 0


class Router:
    """All groups of all routes."""

    def __init__(self, routing: Routing, lost: Callable[[Loss], None] | None = None) -> None:
        self._journal = Journal()
        self._lost = lost
        self._paths = [
            _Path(
                position,
                route,
                fingerprint(route.where, route.to, route.group_by),
                _condition(route.where),
                tuple(WeekTimes(routing.intervals[name]) for name in route.quiet),
            )
            for position, route in enumerate(routing.routes)
        ]
        self._mutes = [_silence(mute) for mute in routing.mutes]
        self._groups: dict[str, tuple[_Path, Group]] = {}
        self._out: list[Notification] = []
        self._waiting: list[tuple[int, int, str]] = []
        """A heap of moments, routes and groups; those that are not their group's ``due`` mean nothing any more."""

    def add(self, alerts: Sequence[Alert]) -> list[Notification]:
        """Take changes of alerts, in the order of their times; give what is to be told before the last of them."""
        for alert in alerts:
            if alert.state is AlertState.PENDING:
                continue
            self._flush(alert.time_unix_nano)
            for path in self._paths:
                if path.holds(alert):
                    self._take(path, alert)
                    if not path.route.further:
                        break
        return self._taken()

    def tick(self, time_unix_nano: int) -> list[Notification]:
        """What is to be told now that no alert of before this time is expected any more."""
        self._flush(time_unix_nano)
        return self._taken()

    def _taken(self) -> list[Notification]:
        out, self._out = self._out, []
        return out

    def _take(self, path: _Path, alert: Alert) -> None:
        labels = {name: alert.labels.get(name, "") for name in path.route.group_by}
        entry = entry_key(GROUP, path.route.name, path.fingerprint, *labels.values())
        found = self._groups.get(entry)
        if found is None:
            if alert.state is not AlertState.FIRING or not path.route.to:
                return
            found = self._groups[entry] = path, Group(entry, labels, alert.time_unix_nano, alert.time_unix_nano)
        group = found[1]
        group.take(alert, self._journal)
        self._settle(path, group)

    def _settle(self, path: _Path, group: Group) -> None:
        route, before = path.route, group.due
        group.schedule(
            round(route.group_wait * SECOND), round(route.group_interval * SECOND), round(route.repeat * SECOND)
        )
        if group.members or group.sent:
            if group.due != before:
                heapq.heappush(self._waiting, (group.due, path.position, group.entry))
            self._journal.touch(group)
        else:
            self._forget(group)

    def _forget(self, group: Group) -> None:
        del self._groups[group.entry]
        self._journal.forget(group.entry)

    def _flush(self, time: int) -> None:
        """Tell what is due before a time, in the order in which it is due."""
        while self._waiting and time > self._waiting[0][0]:
            due, _, entry = heapq.heappop(self._waiting)
            path, group = self._groups.get(entry, (None, None))
            if path is None or group is None or group.due != due:
                continue
            group.due = 0
            if group.members:
                self._tell(path, group, due)
                self._settle(path, group)
            else:
                self._forget(group)

    def _tell(self, path: _Path, group: Group, moment: int) -> None:
        until = quiet_until(path.quiet, moment)
        if until is not None:
            group.after = until
            return
        muted = {key: until for key, member in group.members.items() if (until := self._muted(member.alert, moment))}
        told = {key: member for key, member in group.in_order() if key not in muted}
        news = any(member.is_news for member in told.values())
        again = group.sent + round(path.route.repeat * SECOND)
        if muted and not news and (not told or moment < again):
            ends = min(muted.values())
            group.after = min(ends, again) if told else ends
            return
        firing = tuple(member.alert for member in told.values() if not member.ended)
        resolved = tuple(member.alert for member in told.values() if member.ended)
        if firing or (resolved and path.route.send_resolved):
            shown = resolved if path.route.send_resolved else ()
            self._out.append(_notification(path.route, group, moment, (firing, shown), news=news))
        group.sent, group.after = moment, 0
        for key in told:
            group.tell(key, self._journal)

    def _muted(self, alert: Alert, time: int) -> int:
        return max((mute.until(alert, time) for mute in self._mutes), default=0)

    # -- what survives a kill ------------------------------------------------------------------------------

    def changes(self) -> dict[str, bytes | None]:
        """The entries that changed since the last call; None deletes one."""
        return self._journal.take_changes()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Take back what ``changes`` gave. Groups of routes that have changed are forgotten; their alerts come anew."""
        paths = {(path.route.name, path.fingerprint): path for path in self._paths}
        # a group comes before its members: sorted by their first part
        for entry in sorted(entries):
            try:
                kind, name, mark, *parts = orjson.loads(entry)
                path = paths.get((name, mark))
                if path is None:
                    self._journal.forget(entry)
                elif kind == GROUP:
                    self._groups[entry] = path, Group.unpack(entry, entries[entry])
                elif kind == MEMBER:
                    of = entry_key(GROUP, name, mark, *parts[:-1])
                    self._groups[of][1].restore(entry, entries[entry])
                else:
                    raise ValueError(kind)
            except _UNREADABLE:
                self._journal.forget(entry)
                if self._lost is not None:
                    self._lost(Loss.ALERT_STATE)
        for path, group in list(self._groups.values()):
            self._settle(path, group)


def _silence(mute: Mute) -> _Silence:
    starts = 0 if mute.starts_at is None else round(mute.starts_at.timestamp()) * SECOND
    return _Silence(_condition(mute.where), starts, round(mute.ends_at.timestamp()) * SECOND)


def _notification(
    route: Route, group: Group, moment: int, told: tuple[tuple[Alert, ...], tuple[Alert, ...]], *, news: bool
) -> Notification:
    """Its id says which alerts it tells of and when, so that a copy can be known as one."""
    firing, resolved = told
    if not firing:
        reason = "resolved"
    elif not group.sent:
        reason = "new"
    else:
        reason = "changed" if news else "repeat"
    keys = [sorted(map(label_key, alerts)) for alerts in told]
    name = hashlib.sha256(orjson.dumps([group.entry, moment, *keys])).hexdigest()[:32]
    return Notification(name, tuple(route.to), route.name, dict(group.labels), reason, moment, firing, resolved)
