"""A window rule, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logagent.alerting.lifecycle import Patience
    from logagent.alerting.state import Key, Texts
    from logagent.alerting.windows.pane import Capture, Pane


class NoData(Enum):
    """What becomes of an alert while a window has too few events to be judged."""

    KEEP = "keep"
    OK = "ok"
    ALERT = "alert"


class Reads(Enum):
    """Which values of events a window takes."""

    ANY = "any"
    """All, and none as well."""
    NUMBERS = "numbers"
    """Finite ones."""
    PRESENT = "present"
    """All that are not missing."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Everything that the groups of a window rule have in common. Times are nanoseconds where nothing else is said."""

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert of this rule, ``alertname`` and ``severity`` included."""
    texts: Texts
    capture: Capture
    pane: type[Pane]
    total: Callable[[WindowPlan], Any]
    """Makes the ``Total`` of a group."""
    reads: Reads
    interval: int
    length: int
    """Of the window, in panes."""
    lateness: int
    is_above: bool
    """Whether values above the limit are bad; otherwise those below are."""
    limit: float
    recover: float
    """A value that is not on the bad side of it ends a firing alert."""
    patience: Patience
    min_count: int
    """Events that a window needs to be judged; with 0 an empty one has the value 0."""
    no_data: NoData
    needs_whole: bool
    """Whether a group is judged only after it is known for a whole window."""
    forget_after: int
    max_groups: int
    members: frozenset[Key]
    """Groups that are there from the beginning and are never forgotten."""
    is_absence: bool = False
    """Whether the alert is about groups without events."""
    quantile: float = 0.5

    @property
    def window_seconds(self) -> float:
        """How long the window is."""
        return self.interval * self.length / 1e9

    def is_bad(self, value: float, limit: float) -> bool:
        """Whether a value is on the bad side of a limit."""
        return value > limit if self.is_above else value < limit
