"""A budget rule, compiled: its thresholds, burn rates, calendars and texts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from logagent.alerting.state import OVERFLOW, OVERFLOW_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logagent.alerting.periods import Calendar
    from logagent.alerting.state import Key, Texts

    Mark = tuple["Basis", float]
    """Basis and share of a threshold."""


class Basis(Enum):
    """What a threshold looks at."""

    SPEND = "spend"
    FORECAST = "forecast"
    UNPRICED = "unpriced"
    """Not a share of the limit but the period's first call without a price."""


@dataclass(frozen=True, slots=True)
class ThresholdPlan:
    """A threshold, compiled."""

    at: float
    """Share of the limit."""
    severity: str
    basis: Basis = Basis.SPEND
    confidence: float = 1.0
    """Least probability of reaching it, of a forecast."""
    not_before_nano: int | None = None
    """From the period's start on; None for a tenth of it."""

    @property
    def mark(self) -> Mark:
        """What an account knows it by."""
        return self.basis, self.at


@dataclass(frozen=True, slots=True)
class BurnPlan:
    """A burn rate that is worth an alert. Nanoseconds, whole minutes."""

    window: int
    short_window: int
    consumed: float
    """Share of the limit that the window may cost."""
    severity: str
    label: str
    """The window as people write it."""


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """A budget rule, compiled."""

    name: str
    fingerprint: str
    past_fingerprint: str
    """Of what past days mean: they are the same whatever the period is."""
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert of this budget, ``alertname`` included."""
    thresholds: tuple[ThresholdPlan, ...]
    """Of spend, ascending."""
    forecasts: tuple[ThresholdPlan, ...]
    unpriced: ThresholdPlan | None
    burn_rates: tuple[BurnPlan, ...]
    limit: float
    limits: Mapping[str, float]
    currency: str
    unit: str
    calendar: Calendar
    days: Calendar
    texts: Mapping[Basis, Texts]
    burn_texts: Texts
    max_groups: int
    capture: Callable[[Any], tuple[bytes, dict[str, object]]]

    def limit_of(self, key: Key) -> float:
        """The limit of a group."""
        return self.limits.get(key[0], self.limit) if key else self.limit

    def group_labels(self, key: Key) -> dict[str, str]:
        """The labels of a group; empty ones are left out."""
        own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(self.label_names, key, strict=True))
        return {name: text for name, text in own.items() if text}
