"""What the ledger kept of rules that were changed or removed: their firing alerts resolve under the labels they had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.alerting.accounts import Account
from logagent.alerting.burning import Fires
from logagent.alerting.events import EventGroup
from logagent.alerting.periods import Period
from logagent.alerting.reasons import Reason
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Mapping


def event_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The end of an event alert's group. Raises ValueError, TypeError, … where the entry is unreadable."""
    group = EventGroup.unpack(entry, data)
    value = float(group.count if group.worst is None else group.worst)
    times = (group.starts_unix_nano, group.last_unix_nano)
    return [superseded_end(name_of(entry), group.labels, times, value, group.trace_id)]


def budget_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The ends of the thresholds of an account. Raises ValueError, TypeError, … where the entry is unreadable."""
    _, name, _, *parts = orjson.loads(entry)
    if not parts:
        return []
    account = Account(entry, (), {}, Period(0, 0, ""), 1.0)
    account.unpack(data)
    return [
        superseded_end(name, fired.labels, (fired.time_unix_nano, fired.time_unix_nano), fired.at, fired.trace_id)
        for fired in account.firing()
    ]


def past_leftovers(entry: str, data: bytes) -> list[Alert]:  # noqa: ARG001 - as all of its kind
    """Past spend has nothing that could end."""
    return []


def burn_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The ends of a group's burn rates. Raises ValueError, TypeError, … where the entry is unreadable."""
    fires = Fires(entry)
    fires.unpack(data)
    return [
        superseded_end(name_of(entry), fire.labels, (since, since), 0.0, fire.trace_id)
        for fire in fires.burning.values()
        for since in (fire.lifecycle.firing_since,)
    ]


def name_of(entry: str) -> str:
    """The name of the rule that a ledger key belongs to."""
    return str(orjson.loads(entry)[1])


def superseded_end(
    name: str, labels: Mapping[str, str], times: tuple[int, int], value: float, trace_id: bytes = b""
) -> Alert:
    """The end of an alert that fired from the first to the second time: event time knows no better moment for it."""
    start, last = times
    return Alert(
        name, dict(labels), {}, AlertState.RESOLVED, Reason.SUPERSEDED.value, value, last, start, last, trace_id
    )
