"""What the ledger kept of window rules that were changed or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.alerting.leftovers import name_of, superseded_end
from logagent.alerting.lifecycle import Lifecycle
from logagent.alerting.windows.collection import GROUP
from logagent.model import AlertState

if TYPE_CHECKING:
    from logagent.model import Alert


def window_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The end of a group's alert, if it fires. Raises ValueError, TypeError, … where the entry is unreadable."""
    _, _, _, *parts = orjson.loads(entry)
    if not parts or parts[0] != GROUP:
        return []
    packed, _, _, (labels, _, value, trace_id) = orjson.loads(data)
    lifecycle = Lifecycle.unpack(packed)
    if lifecycle.state is not AlertState.FIRING:
        return []
    times = (lifecycle.firing_since, lifecycle.firing_since)
    return [superseded_end(name_of(entry), labels, times, value, bytes.fromhex(trace_id))]
