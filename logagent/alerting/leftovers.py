"""What the ledger kept of rules that were changed or removed: their firing alerts resolve under the labels they had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.alerting import accounts, events
from logagent.alerting.accounts import Account
from logagent.alerting.events import EventGroup
from logagent.alerting.periods import Period
from logagent.alerting.reasons import Reason
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Mapping


def leftover_alerts(entry: str, data: bytes) -> list[Alert]:
    """The ends of the alerts in an entry that no rule owns. Raises ValueError, TypeError, … where it is unreadable."""
    room, name, _, *parts = orjson.loads(entry)
    if room == events.ENTRY:
        group = EventGroup.unpack(entry, data)
        value = float(group.count if group.worst is None else group.worst)
        return [_end(name, group.labels, (group.starts_unix_nano, group.last_unix_nano), value, group.trace_id)]
    if room != accounts.ENTRY or not parts:
        return []
    account = Account(entry, {}, Period(0, 0, ""), 1.0)
    account.unpack(data)
    return [
        _end(name, fired.labels, (fired.time_unix_nano, fired.time_unix_nano), fired.at, fired.trace_id)
        for fired in account.firing()
    ]


def _end(name: str, labels: Mapping[str, str], times: tuple[int, int], value: float, trace_id: bytes) -> Alert:
    """Event time knows no better moment for the end than the alert's last."""
    start, last = times
    return Alert(
        name, dict(labels), {}, AlertState.RESOLVED, Reason.SUPERSEDED.value, value, last, start, last, trace_id
    )
