"""Burn rates of budgets: sudden spend, which no forecast sees coming.

A burn rate is how many times faster than evenly the limit is spent. An alert fires while it is at least
``budget_consumed`` x period / window in the window and in its short window, so that it neither tells of a single burst
that is over nor waits for the whole window to fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from logagent.alerting.accounts import ROUNDING
from logagent.alerting.lifecycle import Lifecycle, Patience
from logagent.alerting.reasons import Reason
from logagent.alerting.running import NEVER
from logagent.alerting.spending import MINUTE, Hour, Past
from logagent.alerting.state import Change, entry_key
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.alerting.budget_plans import BudgetPlan, BurnPlan
    from logagent.alerting.periods import Period
    from logagent.alerting.state import Journal

BURNS = "budget_burns"
"""First part of the ledger keys of the states of burn rates."""
_AT_ONCE = Patience()
_SECOND = 1_000_000_000


@dataclass(slots=True)
class Fire:
    """A burn rate of a group that fires."""

    labels: dict[str, str]
    values: dict[str, object]
    trace_id: bytes
    lifecycle: Lifecycle = field(default_factory=Lifecycle)


@dataclass(slots=True)
class Fires:
    """All of a group's."""

    entry: str
    burning: dict[str, Fire] = field(default_factory=dict)
    """By window."""
    dirty: bool = False

    def pack(self) -> bytes:
        """The ledger's value."""
        return orjson.dumps(
            [
                [window, fire.labels, fire.values, fire.trace_id.hex(), fire.lifecycle.pack()]
                for window, fire in self.burning.items()
            ]
        )

    def unpack(self, data: bytes) -> None:
        """Take over what the ledger kept. Raises ValueError or TypeError where it is none."""
        for window, labels, values, trace_id, lifecycle in orjson.loads(data):
            self.burning[window] = Fire(labels, values, bytes.fromhex(trace_id), Lifecycle.unpack(lifecycle))


class Burning:
    """The burn rates of one budget's groups."""

    def __init__(self, plan: BudgetPlan, journal: Journal) -> None:
        self._plan = plan
        self._journal = journal
        self._fires: dict[tuple[str, ...], Fires] = {}
        self._due: dict[tuple[str, ...], int] = {}
        """Group → the next instant at which its burn rates may change."""
        self.due = NEVER
        """No group is due before this; a lower bound."""

    def spent(self, past: Past, time: int, last: int) -> None:
        """Look at a group when the minute of a call is over; where that was decided, the call counts with the next."""
        end = (time // MINUTE + 1) * MINUTE
        if end > last:
            self._wake(past, end)

    def _wake(self, past: Past, instant: int) -> None:
        if instant < self._due.get(past.key, NEVER):
            self._due[past.key] = instant
            self.due = min(self.due, instant)

    def decide(self, pasts: dict[tuple[str, ...], Past], last: int, time: int) -> Iterator[Alert]:
        """The changes at the minutes after ``last`` up to ``time``, all of whose calls are known."""
        for key in sorted(key for key, due in self._due.items() if due <= time):
            del self._due[key]
            past = pasts.get(key)
            if past is not None:
                yield from self._group(past, last, time)
        self.due = min(self._due.values(), default=NEVER)

    def _group(self, past: Past, last: int, time: int) -> Iterator[Alert]:
        ends = past.minute_ends()
        for instant in sorted(self._instants(ends, last)):
            if instant > time:
                break
            for burn in self._plan.burn_rates:
                yield from self._step(past, burn, instant)
        self._await_next(past, ends, time)

    def _instants(self, ends: list[int], last: int) -> set[int]:
        """When minutes enter or leave a window, after a time."""
        windows = {0, *(window for burn in self._plan.burn_rates for window in (burn.window, burn.short_window))}
        return {end + window for end in ends for window in windows if end + window > last}

    def _await_next(self, past: Past, ends: list[int], last: int) -> None:
        """Look at a group again when its spend may begin to be fast, or while it is, to be so no longer."""
        burning = past.key in self._fires
        instants = self._instants(ends, last) if burning else {end for end in ends if end > last}
        if instants:
            self._wake(past, min(instants))

    def _step(self, past: Past, burn: BurnPlan, instant: int) -> Iterator[Alert]:
        plan = self._plan
        period = plan.calendar.period(instant - 1)
        fires = self._fires.get(past.key)
        fire = fires.burning.get(burn.label) if fires else None
        long, short = (self.rate(past, window, instant) for window in (burn.window, burn.short_window))
        least = burn.consumed * _length(period) / burn.window if period else NEVER
        holds = min(long, short) >= least * ROUNDING
        if fire is None and not holds:
            return
        if fire is None:
            fire = self._begin(past, burn, instant, long, period)
            fires = self._fires.setdefault(past.key, self._state(past))
            fires.burning[burn.label] = fire
        state = fire.lifecycle.step(instant, _AT_ONCE, holds=holds)
        if state is None or fires is None:
            return
        self._journal.touch(fires)
        if state is AlertState.RESOLVED:
            del fires.burning[burn.label]
            if not fires.burning:
                self._journal.forget(self._fires.pop(past.key).entry)
        reason = Reason.RECOVERED if state is AlertState.RESOLVED else Reason.BURN_RATE
        yield self._alert(fire, Change(state, reason, instant))

    def rate(self, past: Past, window: int, instant: int) -> float:
        """How many times faster than evenly a group spent its limit in the window up to an instant."""
        period = self._plan.calendar.period(instant - 1)
        if period is None:
            return 0.0
        return past.minutes(instant - window, instant) / self._plan.limit_of(past.key) * (_length(period) / window)

    def _begin(self, past: Past, burn: BurnPlan, instant: int, rate: float, period: Period | None) -> Fire:
        plan, limit = self._plan, self._plan.limit_of(past.key)
        own = {"severity": burn.severity, "basis": "burn_rate", "window": burn.label}
        spent = past.minutes(instant - burn.window, instant)
        label = period.label if period else ""
        values: dict[str, object] = {
            "budget": plan.name,
            "limit": limit,
            "spent": spent,
            "share": spent / limit,
            "currency": plan.currency,
            "unit": plan.unit,
            "period": label,
            "burn_rate": float(f"{rate:.3g}"),
            "exhausted_in": limit / spent * burn.window / _SECOND,
            "value": rate,
        }
        labels = {**plan.labels, **plan.group_labels(past.key), **own}
        return Fire(labels, values, self._example(past, instant))

    def _example(self, past: Past, instant: int) -> bytes:
        """The trace of the dearest call of the hour."""
        hours = [hour for index in (0, 1) if (hour := past.hours.get((instant - MINUTE) // (60 * MINUTE) - index))]
        return max(hours, key=lambda hour: hour.largest, default=Hour("")).trace_id

    def _alert(self, fire: Fire, change: Change) -> Alert:
        values = fire.values | {f"labels.{name}": text for name, text in fire.labels.items()}
        texts = self._plan.burn_texts.render(values | {"trace_id": fire.trace_id.hex()}, fire.trace_id)
        rate = fire.values["value"]
        return Alert(
            self._plan.name,
            dict(fire.labels),
            texts,
            change.state,
            change.reason.value,
            float(rate) if isinstance(rate, int | float) else 0.0,
            change.time_unix_nano,
            fire.lifecycle.firing_since,
            change.time_unix_nano if change.state is AlertState.RESOLVED else 0,
            fire.trace_id,
        )

    def _state(self, past: Past) -> Fires:
        return Fires(entry_key(BURNS, self._plan.name, self._plan.past_fingerprint, *past.key))

    def take_back(self, past: Past, data: bytes) -> None:
        """Take over a group's entry. Raises ValueError or TypeError where it is none."""
        fires = self._state(past)
        fires.unpack(data)
        self._fires[past.key] = fires

    def resume(self, past: Past, hour: Hour, last: int) -> None:
        """Look again at a group of which an hour was taken back after its burn rates were."""
        self._await_next(past, [(minute + 1) * MINUTE for minute in hour.minutes], last)

    def firing(self) -> list[Alert]:
        """What fires, by group and window."""
        return [
            self._alert(fire, Change(AlertState.FIRING, Reason.BURN_RATE, fire.lifecycle.firing_since))
            for _, fires in sorted(self._fires.items())
            for _, fire in sorted(fires.burning.items())
        ]


def _length(period: Period) -> int:
    return period.end_unix_nano - period.start_unix_nano
