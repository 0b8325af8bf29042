"""A group of an anomaly rule: what it has learned, what its last samples were like, and the state of its alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from logagent.alerting.anomaly.baseline import Baseline
from logagent.alerting.lifecycle import Lifecycle, Patience
from logagent.alerting.reasons import Loss, Reason
from logagent.alerting.running import NEVER
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.alerting.anomaly.history import Usual
    from logagent.alerting.anomaly.plan import AnomalyPlan
    from logagent.alerting.state import Journal, Key
    from logagent.alerting.windows.pane import Example, Pane

_AT_ONCE = Patience()
_HIGHEST_SCORE = 1000.0
"""Further off all is the same; infinities are no numbers for an alert."""


class Sample(NamedTuple):
    """An event, or what the events of a window come to."""

    time: int
    """When it is judged."""
    at: int
    """What it tells of: the middle of a window."""
    value: float
    events: int
    example: Callable[[], Example]
    """Called only for what an alert tells of."""


class Sight(NamedTuple):
    """What a sample was, and what it should have been."""

    value: float
    events: int
    score: float
    low: float
    expected: float
    high: float


class Turn(NamedTuple):
    """A state of the group's alert that begins."""

    state: AlertState
    reason: Reason
    time: int


class AnomalyGroup:
    """An entry of the ledger beside those of what it has learned."""

    __slots__ = (
        *("above", "ahead", "baseline", "below", "current", "dirty", "entry", "example", "held_since", "is_hushed"),
        *("key", "labels", "last", "lifecycle", "next", "plan", "resolved", "seen", "sight", "since", "top"),
    )

    def __init__(self, plan: AnomalyPlan, key: Key, entry: Callable[..., str], journal: Journal) -> None:
        self.plan = plan
        self.key = key
        self.entry = entry("g")
        self.dirty = False
        self.baseline = Baseline(plan, entry, journal)
        self.lifecycle = Lifecycle()
        self.seen = 0
        """Samples so far; beyond the warm-up they are not counted."""
        self.above = 0
        """Of the last samples, which were too much: a bit for each, the last one the lowest."""
        self.below = 0
        self.held_since: int | None = None
        """Since when enough of the last samples were unusual."""
        self.resolved: int | None = None
        """When the last alert ended."""
        self.is_hushed = False
        """Whether the cooldown keeps what holds now from firing, and that was counted."""
        self.since = 0
        """The first window of the group."""
        self.last = 0
        """When its last event was, or the last window with one."""
        self.labels: dict[str, str] = {}
        """As sent when it began: what resolves must be what fired. Empty while inactive."""
        self.sight: Sight | None = None
        """The last sample, while it fires."""
        self.example: Example = (b"", {})
        """Of the most unusual sample since it began, whose score was ``top``."""
        self.top = 0.0
        self.ahead: dict[int, Pane] = {}
        """Windows that wait for their instant."""
        self.current: Pane | None = None
        self.next = NEVER

    @property
    def is_firing(self) -> bool:
        """Whether its alert fires."""
        return self.lifecycle.state is AlertState.FIRING

    def passes(self, at: int, value: float) -> bool:
        """Take a value about which there is nothing to say: it warms up, or all is as usual. Give whether it was one."""
        plan, baseline = self.plan, self.baseline
        number = plan.scale.forward(value)
        if self.seen < plan.warm_up or (usual := baseline.usual(at)) is None:
            self.seen += self.seen < plan.warm_up
            baseline.learn(at, number, is_warm=False)
            return True
        distance = number - usual.middle
        far = plan.sensitivity * (usual.above if distance > 0 else usual.below)
        if self.labels or self.above or self.below or not -far <= distance <= far:
            return False
        baseline.learn(at, number, is_warm=True)
        return True

    def judge(self, sample: Sample, lost: Callable[[Loss], None]) -> Turn | None:
        """Take a sample that does not pass, and give the state that begins with it."""
        number = self.plan.scale.forward(sample.value)
        usual = self.baseline.usual(sample.at)
        if usual is None:
            return None
        distance = number - usual.middle
        score = distance / (usual.above if distance > 0 else usual.below)
        holds = self._mark(sample, usual, score)
        if not holds and not self.labels:
            self.held_since, self.is_hushed = None, False
            self.baseline.learn(sample.at, number, is_warm=True)
            return None
        return self._consider(sample, self._sight(sample, usual, score), distance, lost, holds=holds)

    def _mark(self, sample: Sample, usual: Usual, score: float) -> bool:
        """Note whether a sample is unusual. Give whether enough of the last ones are."""
        mask = (1 << self.plan.of) - 1
        self.above = (self.above << 1 | self._is_above(sample, score)) & mask
        self.below = (self.below << 1 | self._is_below(usual, score)) & mask
        return max(self.above.bit_count(), self.below.bit_count()) >= self.plan.datapoints

    def _is_above(self, sample: Sample, score: float) -> bool:
        return self.plan.looks_up and score > self.plan.sensitivity and sample.events >= self.plan.min_count

    def _is_below(self, usual: Usual, score: float) -> bool:
        plan = self.plan
        return plan.looks_down and score < -plan.sensitivity and usual.middle >= plan.least_usual

    def _sight(self, sample: Sample, usual: Usual, score: float) -> Sight:
        scale, sensitivity = self.plan.scale, self.plan.sensitivity
        return Sight(
            sample.value,
            sample.events,
            max(-_HIGHEST_SCORE, min(score, _HIGHEST_SCORE)),
            scale.backward(usual.middle - sensitivity * usual.below),
            scale.backward(usual.middle),
            scale.backward(usual.middle + sensitivity * usual.above),
        )

    def _consider(
        self, sample: Sample, sight: Sight, distance: float, lost: Callable[[Loss], None], *, holds: bool
    ) -> Turn | None:
        """What a sample comes to while something is unusual, or was until now."""
        time, reason = sample.time, Reason.ANOMALY if holds else Reason.RECOVERED
        if not holds:
            self.held_since, self.is_hushed = None, False
            self.baseline.learn(sample.at, self.plan.scale.forward(sample.value), is_warm=True)
        elif self._lasts(sample, distance):
            self.baseline.accept()
            self.held_since, self.above, self.below = None, 0, 0
            holds, reason = False, Reason.NEW_LEVEL
        elif not self.is_firing and self._cools(time):
            if not self.is_hushed:
                self.is_hushed = True
                lost(Loss.COOLDOWN)
            holds = False
        state = self.lifecycle.step(time, _AT_ONCE, holds=holds)
        self._show(sample, sight, state)
        return Turn(state, reason, time) if state else None

    def _lasts(self, sample: Sample, distance: float) -> bool:
        """Whether what is unusual has lasted so long that it is the new level."""
        if self.held_since is None or sample.time < self.held_since:
            self.held_since = sample.time
        self.baseline.put_aside(sample.at, self.plan.scale.forward(sample.value), distance)
        return sample.time - self.held_since >= self.plan.accept_after

    def _cools(self, time: int) -> bool:
        return self.resolved is not None and 0 <= time - self.resolved < self.plan.cooldown

    def _show(self, sample: Sample, sight: Sight, state: AlertState | None) -> None:
        """Keep what an alert tells."""
        if state is AlertState.FIRING:
            self.top = 0.0
        if state is None and not self.is_firing:
            return
        self.sight = sight
        if abs(sight.score) > self.top:
            self.top, self.example = abs(sight.score), sample.example()

    def end(self, reason: Reason, time: int) -> Turn | None:
        """Have the alert end that fires because no samples come."""
        if not self.is_firing:
            return None
        self.above = self.below = 0
        self.held_since = None
        self.lifecycle.step(time, _AT_ONCE, holds=False)
        return Turn(AlertState.RESOLVED, reason, time)

    def rest(self, time: int) -> None:
        """Have no alert any more since a moment."""
        self.labels, self.sight, self.example, self.top = {}, None, (b"", {}), 0.0
        self.resolved = time

    def pack(self) -> bytes:
        """The ledger's value of this group."""
        trace_id, fields = self.example
        sight = tuple(self.sight or ())
        began = [self.labels, sight, self.top, trace_id.hex(), fields] if self.labels else None
        marks = [self.seen, self.above, self.below, self.held_since, self.resolved, self.is_hushed]
        return orjson.dumps([self.lifecycle.pack(), self.since, self.last, marks, self.baseline.pack(), began])

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        lifecycle, since, last, marks, baseline, began = orjson.loads(data)
        self.lifecycle = Lifecycle.unpack(lifecycle)
        self.since, self.last = int(since), int(last)
        seen, above, below, self.held_since, self.resolved, is_hushed = marks
        self.seen, self.above, self.below, self.is_hushed = int(seen), int(above), int(below), bool(is_hushed)
        self.baseline.restore(baseline)
        if began is not None:
            self._restore_began(*began)

    def _restore_began(self, labels: Any, sight: Any, top: float, trace_id: str, fields: Any) -> None:
        self.labels, self.top = dict(labels), float(top)
        self.sight = Sight(*sight)
        self.example = (bytes.fromhex(trace_id), dict(fields))
