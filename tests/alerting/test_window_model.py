"""Every kind against a plain model that keeps all events and looks at every instant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from alert_samples import SECOND, START
from hypothesis import given, settings
from hypothesis import strategies as st
from window_samples import at, changes, engine, look, rule

from logagent.alerting.lifecycle import Lifecycle, Patience
from logagent.alerting.windows.groups import WindowGroup
from logagent.alerting.windows.quantiles import bucket_of, middle
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURES = {
    "count": (len, ()),
    "rate": (lambda values: len(values) / 60, ()),
    "sum": (math.fsum, ('value = "duration"',)),
    "distinct": (lambda values: len(set(values)), ('value = "duration"',)),
    "ratio": (lambda values: sum(value > 2 for value in values) / len(values), ('bad = "duration > 2"',)),
    "mean": (lambda values: math.fsum(values) / len(values), ('value = "duration"',)),
    "quantile": (
        lambda values: middle(bucket_of(sorted(values)[math.ceil(0.9 * len(values) - 1e-9) - 1])),
        ('value = "duration"', "quantile = 0.9"),
    ),
}
SAMPLES = ("ratio", "mean", "quantile")
LIMITS = {"count": 3, "rate": 0.05, "sum": 6.0, "distinct": 2, "ratio": 0.4, "mean": 2.2, "quantile": 2.5}
UNTIL = 480


@dataclass(frozen=True)
class Case:
    kind: str
    is_above: bool
    band: float
    """Between the limit and where it recovers, as a share of the limit."""
    hold: int
    keep: int

    @property
    def limit(self) -> float:
        return LIMITS[self.kind]

    @property
    def recover(self) -> float:
        return self.limit * (1 - self.band if self.is_above else 1 + self.band)

    def rule(self) -> str:
        keys = [f"{'above' if self.is_above else 'below'} = {self.limit}", f"recover = {self.recover}"]
        keys += [f'for = "{self.hold}s"'] * bool(self.hold) + [f'keep_firing_for = "{self.keep}s"'] * bool(self.keep)
        return rule(self.kind, *keys, *MEASURES[self.kind][1])


def model(case: Case, events: list[tuple[int, float]]) -> list[tuple[float, str]]:
    """The changes, by looking at all events at each instant."""
    measure, is_above = MEASURES[case.kind][0], case.is_above
    lifecycle, patience, told = Lifecycle(), Patience(case.hold * SECOND, case.keep * SECOND), []
    since = min([math.ceil(time / 15) * 15 for time, _ in events], default=0)
    for instant in range(0, UNTIL + 1, 15):
        values = [value for time, value in events if instant - 60 < time <= instant]
        holds: bool | None = None
        is_known = is_above or instant - 60 >= since
        if values if case.kind in SAMPLES else is_known:
            edge = case.recover if lifecycle.state is AlertState.FIRING else case.limit
            holds = measure(values) > edge if is_above else measure(values) < edge
        state = lifecycle.step(instant * SECOND, patience, holds=holds)
        if state:
            told.append((float(instant), state.value))
    return told


waits = st.sampled_from([0, 15, 30, 50, 60])
events = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 16).map(lambda quarter: quarter / 4)), max_size=50)


cases = st.builds(Case, st.sampled_from(sorted(MEASURES)), st.booleans(), st.sampled_from([0.0, 0.25]), waits, waits)


@settings(max_examples=400)
@given(cases, events, st.data())
def test_a_window_says_what_all_events_looked_at_anew_say(
    case: Case, events: list[tuple[int, float]], data: st.DataObject
) -> None:
    rules = engine(case.rule())
    events.sort()
    alerts = []
    if events:
        cut = data.draw(st.integers(0, len(events)))
        alerts = rules.spans([at(*one) for one in events[:cut]])
        alerts += look(rules, min([time - 30 for time, _ in events[cut:]], default=0)) if cut else []
        alerts += rules.spans([at(*one) for one in events[cut:]])
    else:
        rules.tick(START)
    alerts += look(rules, UNTIL)
    assert [(second, state) for second, state, _ in changes(alerts)] == model(case, events)


@pytest.mark.parametrize("kind", ["count", "absence"])
def test_a_quiet_month_is_looked_at_only_where_something_changes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    judge: Callable[[WindowGroup, int], object] = WindowGroup.judge

    def counted(group: WindowGroup, index: int) -> object:
        nonlocal looks
        looks += 1
        return judge(group, index)

    monkeypatch.setattr(WindowGroup, "judge", counted)
    rules = engine(rule(kind, *(["above = 0"] if kind == "count" else []), window="5m"))
    for hour in range(720):
        rules.spans([at(hour * 3600 + 1)])
        look(rules, hour * 3600)
    assert len(look(rules, 720 * 3600)) <= 3
    assert looks <= 720 * 4
