"""What a budget knows of one group in one period, as the ledger keeps it and as people see it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from logagent.alerting.periods import Calendar, Period
    from logagent.alerting.state import Change, Key, Texts

ENTRY = "budget"
"""First part of the ledger keys of accounts."""
_ROUNDING = 1 - 1e-9
"""A sum of many floats may stay this far below its true value; a threshold must not wait for one more call."""


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """A budget rule, compiled."""

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    labels: Mapping[str, str]
    """Of every alert of this budget, ``alertname`` included."""
    thresholds: tuple[tuple[float, str], ...]
    """Share of the limit and severity, ascending."""
    limit: float
    limits: Mapping[str, float]
    currency: str
    unit: str
    calendar: Calendar
    texts: Texts
    max_groups: int
    capture: Callable[[Any], tuple[bytes, dict[str, object]]]


@dataclass(slots=True)
class Fired:
    """A threshold that was reached."""

    at: float
    time_unix_nano: int
    labels: dict[str, str]
    """As sent: what resolves must be what fired."""
    trace_id: bytes
    resolved: bool = False


@dataclass(slots=True)
class Account:
    """One group in one period."""

    entry: str
    labels: dict[str, str]
    """The group's own."""
    period: Period
    limit: float
    spent: float = 0.0
    calls: int = 0
    unpriced: int = 0
    """Calls of which nobody knows what they cost."""
    fired: dict[float, Fired] = field(default_factory=dict)
    next_amount: float = math.inf
    """Spend that reaches the lowest threshold that has not been."""
    dirty: bool = False

    @property
    def share(self) -> float:
        """Part of the limit that is spent."""
        return self.spent / self.limit

    def arm(self, plan: BudgetPlan) -> None:
        """Work out which amount is the next to look for."""
        waiting = (at for at, _ in plan.thresholds if at not in self.fired)
        self.next_amount = next((at * self.limit * _ROUNDING for at in waiting), math.inf)

    def reached(self, at: float) -> bool:
        """Whether so much of the limit is spent."""
        return self.spent >= at * self.limit * _ROUNDING

    def firing(self) -> Iterator[Fired]:
        """The thresholds that were reached and have not resolved, in the order in which they were."""
        return (fired for fired in self.fired.values() if not fired.resolved)

    def pack(self) -> bytes:
        """The ledger's value of this account."""
        fired = [
            [one.at, one.time_unix_nano, one.labels, one.trace_id.hex(), one.resolved] for one in self.fired.values()
        ]
        return orjson.dumps([self.spent, self.calls, self.unpriced, fired])

    def unpack(self, data: bytes) -> None:
        """Take over what the ledger kept. Raises ValueError, TypeError or KeyError where it is no account."""
        self.spent, self.calls, self.unpriced, reached = orjson.loads(data)
        for at, time, labels, trace_id, resolved in reached:
            self.fired[at] = Fired(at, time, labels, bytes.fromhex(trace_id), resolved)


@dataclass(slots=True)
class Book:
    """All accounts of one period."""

    start: int
    end: int
    period: Period
    accounts: dict[Key, Account] = field(default_factory=dict)

    @property
    def is_firing(self) -> bool:
        """Whether a threshold was reached that has not resolved."""
        return any(not fired.resolved for account in self.accounts.values() for fired in account.fired.values())


@dataclass(slots=True)
class Floor:
    """Where a budget's calendar begins: calls that ended before it come too late."""

    entry: str
    start: int = 0
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value: a decimal number."""
        return str(self.start).encode()


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget as the page, ``status`` and the metrics show it."""

    name: str
    group: dict[str, str]
    """The group's labels; empty for a budget without groups."""
    unit: str
    """Currency, or what is counted."""
    spent: float
    limit: float
    period: str
    period_start_unix_nano: int
    period_end_unix_nano: int
    calls: int
    unpriced: int
    thresholds: tuple[float, ...]
    fired: tuple[float, ...]

    @property
    def share(self) -> float:
        """Part of the limit that is spent."""
        return self.spent / self.limit


def state_of(plan: BudgetPlan, account: Account) -> BudgetState:
    """What there is to show of an account."""
    return BudgetState(
        plan.name,
        account.labels,
        plan.currency or plan.unit,
        account.spent,
        account.limit,
        account.period.label,
        account.period.start_unix_nano,
        account.period.end_unix_nano,
        account.calls,
        account.unpriced,
        tuple(at for at, _ in plan.thresholds),
        tuple(sorted(account.fired)),
    )


def alert_of(plan: BudgetPlan, account: Account, fired: Fired, change: Change) -> Alert:
    """A threshold as an alert: its value is the share of the limit that is spent."""
    values: dict[str, object] = {
        "budget": plan.name,
        "spent": account.spent,
        "limit": account.limit,
        "left": max(account.limit - account.spent, 0.0),
        "share": account.share,
        "value": account.share,
        "threshold": fired.at,
        "calls": account.calls,
        "unpriced": account.unpriced,
        "currency": plan.currency,
        "unit": plan.unit,
        "period": account.period.label,
        "trace_id": fired.trace_id.hex(),
    }
    values |= {f"labels.{name}": text for name, text in fired.labels.items()}
    return Alert(
        plan.name,
        dict(fired.labels),
        plan.texts.render(values, fired.trace_id),
        change.state,
        change.reason.value,
        account.share,
        change.time_unix_nano,
        fired.time_unix_nano,
        change.time_unix_nano if change.state is AlertState.RESOLVED else 0,
        fired.trace_id,
    )
