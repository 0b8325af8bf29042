"""What the ledger kept of anomaly rules that were changed or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.alerting.anomaly.collection import GROUP
from logagent.alerting.leftovers import name_of, superseded_end
from logagent.alerting.lifecycle import Lifecycle

if TYPE_CHECKING:
    from logagent.model import Alert


def anomaly_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The end of a group's alert, if it fires. Raises ValueError, TypeError, … where the entry is unreadable."""
    _, _, _, *parts = orjson.loads(entry)
    if not parts or parts[0] != GROUP:
        return []
    packed, *_, began = orjson.loads(data)
    if began is None:
        return []
    labels, sight, _, trace_id, _ = began
    since = Lifecycle.unpack(packed).firing_since
    return [superseded_end(name_of(entry), labels, (since, since), float(sight[0]), bytes.fromhex(trace_id))]
