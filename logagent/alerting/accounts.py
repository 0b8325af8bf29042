"""What a budget knows of one group in one period, as the ledger keeps it and as people see it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from logagent.alerting.budget_plans import Basis
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logagent.alerting.budget_plans import BudgetPlan, Mark
    from logagent.alerting.forecasting import Estimate
    from logagent.alerting.periods import Period
    from logagent.alerting.spending import Past
    from logagent.alerting.state import Change, Key

ENTRY = "budget"
"""First part of the ledger keys of accounts."""
ROUNDING = 1 - 1e-9
"""A sum of many floats may stay this far below its true value; a threshold must not wait for one more call."""


@dataclass(slots=True)
class Fired:
    """A threshold that was reached."""

    at: float
    time_unix_nano: int
    labels: dict[str, str]
    """As sent: what resolves must be what fired."""
    trace_id: bytes
    resolved: bool = False
    basis: Basis = Basis.SPEND
    amount: float = 0.0
    """What the threshold came to when it fired."""
    told: dict[str, float] = field(default_factory=dict)
    """What was expected then: names of texts → values."""


@dataclass(slots=True)
class Account:
    """One group in one period."""

    entry: str
    key: Key
    labels: dict[str, str]
    """The group's own."""
    period: Period
    limit: float
    past: Past | None = None
    """What the group spent before; None where there are too many groups to know."""
    since_unix_nano: int = 0
    """The end of the call that opened it."""
    spent: float = 0.0
    calls: int = 0
    unpriced: int = 0
    """Calls of which nobody knows what they cost."""
    fired: dict[Mark, Fired] = field(default_factory=dict)
    next_amount: float = math.inf
    """Spend that reaches the lowest threshold that has not been."""
    dirty: bool = False

    @property
    def share(self) -> float:
        """Part of the limit that is spent."""
        return self.spent / self.limit

    def arm(self, plan: BudgetPlan) -> None:
        """Work out which amount is the next to look for."""
        waiting = (one.at for one in plan.thresholds if one.mark not in self.fired)
        self.next_amount = next((at * self.limit * ROUNDING for at in waiting), math.inf)

    def reached(self, at: float) -> bool:
        """Whether so much of the limit is spent."""
        return self.spent >= at * self.limit * ROUNDING

    def out_of_reach(self, fired: Fired) -> bool:
        """Whether a limit that was raised since puts a threshold ahead again."""
        if fired.basis is Basis.SPEND:
            return not self.reached(fired.at)
        return fired.at * self.limit > fired.amount

    def firing(self) -> Iterator[Fired]:
        """The thresholds that were reached and have not resolved, by time."""
        return (fired for fired in self.in_order() if not fired.resolved)

    def in_order(self) -> list[Fired]:
        """All that were reached, by time: forecasts are decided later than spend of the same time."""
        return sorted(self.fired.values(), key=lambda fired: (fired.time_unix_nano, fired.basis.value, fired.at))

    def pack(self) -> bytes:
        """The ledger's value of this account."""
        fired = [
            [
                *(one.at, one.time_unix_nano, one.labels, one.trace_id.hex(), one.resolved),
                *(one.basis.value, one.amount, one.told),
            ]
            for one in self.in_order()
        ]
        return orjson.dumps([self.since_unix_nano, self.spent, self.calls, self.unpriced, fired])

    def unpack(self, data: bytes) -> None:
        """Take over what the ledger kept. Raises ValueError, TypeError or KeyError where it is no account."""
        self.since_unix_nano, self.spent, self.calls, self.unpriced, reached = orjson.loads(data)
        for at, time, labels, trace_id, resolved, basis, amount, told in reached:
            one = Fired(at, time, labels, bytes.fromhex(trace_id), resolved, Basis(basis), amount, told)
            self.fired[one.basis, at] = one


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
class Progress:
    """How far a budget has come: where its calendar begins, and the last instants that were decided."""

    entry: str
    start: int = 0
    """Calls that ended before it come too late."""
    hour: int = 0
    """The last instant at which forecasts were compared with thresholds."""
    minute: int = 0
    """The last instant at which burn rates were looked at."""
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value."""
        return orjson.dumps([self.start, self.hour, self.minute])

    def unpack(self, data: bytes) -> None:
        """Take over what the ledger kept. Raises ValueError or TypeError where it is none."""
        self.start, self.hour, self.minute = map(int, orjson.loads(data))


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
    """Of spend."""
    fired: tuple[float, ...]
    """Of those, the reached ones."""
    projection: Estimate | None
    """What the period will come to; None where nothing is known of the group's past."""
    forecast_30d: Estimate | None
    """What the next 30 days will come to."""
    note: str
    """What to know of the two; empty where there is nothing."""
    burn_rates: dict[str, float]
    """Window → how many times faster than evenly the budget was spent in it."""

    @property
    def share(self) -> float:
        """Part of the limit that is spent."""
        return self.spent / self.limit


def alert_of(plan: BudgetPlan, account: Account, fired: Fired, change: Change) -> Alert:
    """A threshold as an alert: its value is the share of the limit that is spent, or will be."""
    value = account.share
    if fired.basis is Basis.FORECAST:
        value = fired.told["projected"] / account.limit
    elif fired.basis is Basis.UNPRICED:
        value = float(account.unpriced)
    values = values_of(plan, account, fired.told) | {"threshold": fired.at, "value": value}
    values |= {f"labels.{name}": text for name, text in fired.labels.items()} | {"trace_id": fired.trace_id.hex()}
    return Alert(
        plan.name,
        dict(fired.labels),
        plan.texts[fired.basis].render(values, fired.trace_id),
        change.state,
        change.reason.value,
        value,
        change.time_unix_nano,
        fired.time_unix_nano,
        change.time_unix_nano if change.state is AlertState.RESOLVED else 0,
        fired.trace_id,
    )


def values_of(plan: BudgetPlan, account: Account, told: Mapping[str, float]) -> dict[str, object]:
    """What the texts of every alert of an account may name."""
    return {
        "budget": plan.name,
        "spent": account.spent,
        "limit": account.limit,
        "left": max(account.limit - account.spent, 0.0),
        "share": account.share,
        "calls": account.calls,
        "unpriced": account.unpriced,
        "currency": plan.currency,
        "unit": plan.unit,
        "period": account.period.label,
        **told,
    }
