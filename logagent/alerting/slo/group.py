"""One group of an SLO: its counts, what fires in it, and an example of what was bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from logagent.alerting.slo.burn_rates import budget_share
from logagent.alerting.slo.counts import NO_MINUTE, MinuteCounts, Sums
from logagent.alerting.slo.plan import ENTRY, GROUP_ENTRY, BurnAlert, SloPlan, limits_of
from logagent.alerting.slo.spans import MINUTE
from logagent.alerting.state import OVERFLOW, OVERFLOW_KEY, Key, entry_key

COMPOSITE_KEY: Key = ("\0composite",)
"""A value no group has: text from a line has its NUL replaced."""


@dataclass(slots=True)
class Burning:
    """An alert that fires."""

    starts_unix_nano: int
    labels: dict[str, str]
    """As sent when it began: what resolves must be what fired."""
    trace_id: bytes


class Kept(NamedTuple):
    """What the ledger keeps of a group beside its counts."""

    example_minute: int
    example: bytes
    waiting: dict[int, bytes]
    burning: dict[str, Burning]


class SloGroup:
    """The state of one group; also the ledger's entry of what fires in it."""

    def __init__(self, plan: SloPlan, key: Key, now: int, total: SloGroup | None = None) -> None:
        self.key = key
        self.labels = _labels(plan, key)
        self.entry = entry_key(GROUP_ENTRY, plan.name, plan.fingerprint, *key)
        self.dirty = False
        self.objective = plan.objectives.get(key[0], plan.objective) if key else plan.objective
        self.limits = limits_of(plan, self.objective)
        share = budget_share(self.objective)
        self._share = (share.numerator, share.denominator)
        self.counts = MinuteCounts(plan.windows, plan.span, now)
        self.burning: dict[str, Burning] = {}
        """By the alerts' keys."""
        self.example_minute = NO_MINUTE
        """Minute of the latest bad event whose trace id is known."""
        self.example = b""
        self.waiting: dict[int, bytes] = {}
        """Trace ids of bad events in minutes that are not decided yet."""
        self.new_valid = self.new_bad = 0
        """Events since they were last asked for."""
        self.hour = HourEntry(plan, self, NO_MINUTE)
        """The hour that was last counted in."""
        self.start = self.stop = 0
        """Bounds, not inclusive, of the open minute: the one that the last event was in, where more of its events only
        have to be counted. It is closed whenever somebody looks at the counts. There is none where the bounds are equal."""
        self.minute = NO_MINUTE
        self.more_valid = self.more_bad = 0
        """Events of the open minute that ``counts`` does not have yet."""
        self.has_example = False
        """Whether the open minute's bad events are told of by an earlier one."""
        self._total = total

    @property
    def text(self) -> str:
        """The group as a label of metrics."""
        return ",".join(self.labels.values())

    def open_minute(self, minute: int) -> None:
        """More events of a minute that ``counts`` has, which is not over and whose hour is to be written, are expected."""
        self.minute = minute
        self.start, self.stop = max((minute - 1) * MINUTE, -1), minute * MINUTE
        self.has_example = False

    def close_minute(self) -> None:
        """Have the counts complete."""
        self.start = self.stop = 0
        if self.more_valid:
            valid, bad = self.more_valid, self.more_bad
            self.more_valid = self.more_bad = 0
            self.add(self.minute, valid, bad)

    def add(self, minute: int, valid: int, bad: int) -> None:
        """Count events, also in the composite."""
        self.new_valid += valid
        self.new_bad += bad
        self.counts.add(minute, valid, bad)
        if self._total is not None:
            self._total.counts.add(minute, valid, bad)

    def wants_example(self, minute: int) -> bool:
        """Whether the trace id of a bad event of a minute is worth knowing: of each minute's first, late ones apart."""
        if minute <= self.counts.now:
            return minute > self.example_minute
        return minute not in self.waiting

    def keep_example(self, minute: int, trace_id: bytes) -> None:
        """Keep a bad event's trace id; whether it is told is decided when its minute is over."""
        if minute <= self.counts.now:
            self.example_minute, self.example = minute, trace_id
        else:
            self.waiting[minute] = trace_id

    def pass_minute(self, minute: int) -> bool:
        """A minute is over: its example, if there is one, is the latest. Whether there is."""
        trace_id = self.waiting.pop(minute, None)
        if trace_id is None:
            return False
        self.example_minute, self.example = minute, trace_id
        return True

    def holds(self, index: int, alert: BurnAlert, min_bad: int) -> bool | None:
        """Whether an alert's condition holds now; None where its short window has nothing to go by."""
        numerator, denominator = self.limits[index]
        valid, bad = self.counts.valid[alert.long], self.counts.bad[alert.long]
        if bad < min_bad or valid < alert.min_valid or bad * denominator <= numerator * valid:
            return False
        valid = self.counts.valid[alert.short]
        if alert.most_valid is not None and valid >= alert.most_valid:
            return False
        return self.counts.bad[alert.short] * denominator > numerator * valid if valid else None

    def burn_rate(self, sums: Sums) -> float | None:
        """How many times faster than evenly these events spend the budget; None without events."""
        numerator, denominator = self._share
        return sums.bad * denominator / (sums.valid * numerator) if sums.valid else None

    def budget_left(self, sums: Sums) -> float | None:
        """The part of the period's error budget that is left, below 0 where it is overspent; None without events."""
        numerator, denominator = self._share
        allowed = sums.valid * numerator
        return (allowed - sums.bad * denominator) / allowed if sums.valid else None

    def pack(self) -> bytes:
        """The ledger's value of the group."""
        waiting = [[minute, trace_id.hex()] for minute, trace_id in self.waiting.items()]
        burning = [[key, one.starts_unix_nano, one.labels, one.trace_id.hex()] for key, one in self.burning.items()]
        return orjson.dumps([self.example_minute, self.example.hex(), waiting, burning])

    def restore(self, kept: Kept) -> None:
        """Take over what the ledger kept."""
        self.example_minute, self.example, self.waiting, self.burning = kept


class HourEntry:
    """The ledger's entry of an hour's counts."""

    def __init__(self, plan: SloPlan, group: SloGroup, hour: int) -> None:
        self.hour = hour
        self.entry = entry_key(ENTRY, plan.name, plan.fingerprint, str(hour), *group.key)
        self.dirty = False
        self._group = group

    def pack(self) -> bytes:
        """The ledger's value: for each minute its place in the hour, valid and bad events."""
        self._group.close_minute()
        return self._group.counts.pack_hour(self.hour)


def unpack_group(data: bytes) -> Kept:
    """What ``SloGroup.pack`` gave. Raises ValueError or TypeError where it is no group."""
    minute, example, waiting, burning = orjson.loads(data)
    return Kept(
        int(minute),
        bytes.fromhex(example),
        {int(minute): bytes.fromhex(trace_id) for minute, trace_id in waiting},
        {key: Burning(int(starts), dict(labels), bytes.fromhex(trace_id)) for key, starts, labels, trace_id in burning},
    )


def _labels(plan: SloPlan, key: Key) -> dict[str, str]:
    if key == COMPOSITE_KEY:
        return {"composite": plan.composite}
    own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(plan.label_names, key, strict=True))
    return {name: text for name, text in own.items() if text}
