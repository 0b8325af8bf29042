"""Why an alert changed its state: the values of ``Alert.reason``."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Named causes, for people, logs and tests."""

    MATCH = "match"
    """A group's first event, or its first after it was quiet."""
    REPEAT = "repeat"
    """The group goes on matching, and ``repeat`` has passed since its last notification."""
    QUIET = "quiet"
    """No event of the group for ``resolve_after``."""
    THRESHOLD = "threshold"
    """Spend reached a threshold of the budget."""
    PERIOD_END = "period_end"
    """The budget's period ended."""
    SUPERSEDED = "superseded"
    """The rule was changed or removed."""


class Loss(Enum):
    """Why something that a rule should have seen did not count."""

    BUDGET_LATE = "budget_late"
    """The call ended before the budget's previous period."""
    BUDGET_TIME = "budget_time"
    """The call's end is no time of a calendar that can be kept beside the present."""
    ALERT_STATE = "alert_state"
    """An entry of the ledger that cannot be read."""
