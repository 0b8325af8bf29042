"""An anomaly rule, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from logagent.alerting.anomaly.scales import Scale
    from logagent.alerting.state import Texts
    from logagent.alerting.windows.pane import Capture
    from logagent.alerting.windows.plan import WindowPlan


@dataclass(frozen=True, slots=True)
class Season:
    """What repeats: the local time of day of the same days."""

    zone: ZoneInfo
    days_back: tuple[int, ...]
    """Days before a day that are like it."""
    slots: int
    """Parts of a local day."""


@dataclass(frozen=True, slots=True)
class AnomalyPlan:
    """Everything that the groups of an anomaly rule have in common. Times are nanoseconds."""

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert of this rule, ``alertname`` and ``severity`` included."""
    texts: Texts
    capture: Capture
    window: WindowPlan | None
    """What a window's events come to; None where each event is a sample."""
    is_filled: bool
    """Whether a window without events has a value, which is 0."""
    scale: Scale
    season: Season | None
    sensitivity: float
    looks_up: bool
    looks_down: bool
    min_count: int
    """Events without which a window is no sample; where windows are filled, without which it is not too much."""
    least_usual: float
    """Usual value, on the scale, below which nothing is too little."""
    warm_up: int
    datapoints: int
    of: int
    accept_after: int
    cooldown: int
    quiet: int
    forget_after: int
    max_groups: int
