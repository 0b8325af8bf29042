"""What an expectation expects, and what the bench shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logagent.model import Alert, AlertState
from logagent.ruletests.events import SECOND, offset_text
from logagent.ruletests.explaining import explain
from logagent.ruletests.tables import Band, Expectation, Number
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from logagent.catalog import Catalog
    from logagent.ruletests.bench import Bench

_TOLERANCE = 1e-9
"""Relative; sums of floats differ in the last digits from what a person writes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a test did not go as it should."""

    about: str
    """The rule, budget, SLO or metric."""
    when: str
    """``at 7m30s`` or ``from 0s to 20m``."""
    expected: str
    seen: str
    why: tuple[str, ...] = ()
    """What a person needs to understand it, a line each."""


def differences(expectation: Expectation, bench: Bench, catalog: Catalog, start: int) -> list[Difference]:
    """Everything in which the bench is not as expected, now that the expectation's moment has come."""
    told = _Told(expectation, bench, catalog, start)
    if expectation.route:
        return told.notifications()
    if expectation.metric:
        return told.metric()
    if expectation.budget:
        return told.figures(bench.alerts.budgets(), "budget")
    if expectation.slo:
        return told.figures(bench.alerts.slos(), "SLO")
    return told.alert()


class _Told:
    def __init__(self, expectation: Expectation, bench: Bench, catalog: Catalog, start: int) -> None:
        self._expected = expectation
        self._bench = bench
        self._catalog = catalog
        self._start = start

    # -- alerts --------------------------------------------------------------------------------------------

    def alert(self) -> list[Difference]:
        wanted = self._expected
        known = [rule.name for rule in self._catalog.rules]
        if wanted.alert not in known:
            return [self._difference("a rule of this name", did_you_mean(wanted.alert, known) or "none")]
        if wanted.fired is not None or wanted.resolved is not None:
            return self._changes()
        alerts = [alert for alert in self._bench.alerts.firing() if self._is_meant(alert)]
        found: list[Difference] = []
        states = {alert.state for alert in alerts}
        if wanted.state == "inactive" and alerts:
            found.append(self._difference("inactive", self._shown(alerts), explained=True))
        elif wanted.state in {"pending", "firing"} and AlertState(wanted.state) not in states:
            found.append(self._difference(wanted.state, self._shown(alerts), explained=True))
        if wanted.state in {"pending", "firing"}:
            alerts = [alert for alert in alerts if alert.state is AlertState(wanted.state)]
        if wanted.count is not None and not _is(len(alerts), wanted.count):
            found.append(self._difference(f"{_text(wanted.count)} alerts", self._shown(alerts), explained=True))
        if found or (not alerts and (wanted.state or wanted.count is not None)):
            return found
        return self._parts(alerts)

    def _parts(self, alerts: list[Alert]) -> list[Difference]:
        wanted, found = self._expected, []
        if not alerts:
            return [self._difference("an alert", "inactive", explained=True)]
        if wanted.value is not None and not any(_is(alert.value, wanted.value) for alert in alerts):
            found.append(self._difference(f"value {_text(wanted.value)}", self._shown(alerts), explained=True))
        for name, text in wanted.annotations.items():
            seen = [alert.annotations.get(name, "") for alert in alerts]
            if text not in seen:
                found.append(self._difference(f"{name}: {text}", " | ".join(seen)))
        return found

    def _stretch(self) -> tuple[int, float]:
        wanted = self._expected
        since = self._start + round((wanted.since or 0.0) * SECOND)
        return since, math.inf if wanted.until is None else self._start + round(wanted.until * SECOND)

    def notifications(self) -> list[Difference]:
        """A route sent as many notifications as it should."""
        wanted = self._expected
        known = [route.name for route in self._catalog.routing.routes]
        if wanted.route not in known:
            return [self._difference("a route of this name", did_you_mean(wanted.route, known) or "none")]
        groups = next(route.group_by for route in self._catalog.routing.routes if route.name == wanted.route)
        if wrong := [name for name in wanted.labels if name not in groups]:
            hint = did_you_mean(wrong[0], groups)
            return [self._difference(f"groups by `{wrong[0]}`", hint or f"only {', '.join(groups) or 'none'}")]
        since, until = self._stretch()
        sent = [
            one
            for one in self._bench.sent
            if one.route == wanted.route and since <= one.time_unix_nano <= until and _has(one.group, wanted.labels)
        ]
        if len(sent) == wanted.notifications:
            return []
        shown = [f"{offset_text((one.time_unix_nano - self._start) / SECOND)} {one.reason}" for one in sent]
        why = (f"they were: {', '.join(shown) or 'none'}",)
        return [self._difference(f"{wanted.notifications} notifications", f"{len(sent)}", why=why)]

    def _changes(self) -> list[Difference]:
        wanted = self._expected
        since, until = self._stretch()
        changes = [one for one in self._bench.told if self._is_meant(one) and since <= one.time_unix_nano <= until]
        begun = {
            (one.starts_unix_nano, *sorted(one.labels.items())) for one in changes if one.state is AlertState.FIRING
        }
        begun = {key for key in begun if since <= int(key[0]) <= until}  # type: ignore[call-overload]  # a time comes first
        ended = sum(one.state is AlertState.RESOLVED for one in changes)
        found = []
        if wanted.fired is not None and len(begun) != wanted.fired:
            found.append(self._difference(f"fired {_times(wanted.fired)}", _times(len(begun)), explained=True))
        if wanted.resolved is not None and ended != wanted.resolved:
            found.append(self._difference(f"resolved {_times(wanted.resolved)}", _times(ended), explained=True))
        return found

    def _is_meant(self, alert: Alert) -> bool:
        return alert.name == self._expected.alert and _has(alert.labels, self._expected.labels)

    def _shown(self, alerts: Iterable[Alert]) -> str:
        texts = [
            f"{alert.state.value}{_braced(alert.labels, {'alertname', 'service'})} value {_text(alert.value)}"
            for alert in alerts
        ]
        return ", ".join(texts) or "inactive"

    # -- numbers -------------------------------------------------------------------------------------------

    def metric(self) -> list[Difference]:
        wanted = self._expected
        families = self._bench.store.families
        family = families.get(wanted.metric)
        if family is None:
            return [self._difference("a metric of this name", did_you_mean(wanted.metric, families) or "none")]
        if wrong := [name for name in wanted.labels if name not in family.label_names]:
            hint = did_you_mean(wrong[0], family.label_names)
            return [
                self._difference(f"a label `{wrong[0]}`", hint or f"only {', '.join(family.label_names) or 'none'}")
            ]
        series = [
            one
            for values, one in family.series.items()
            if _has(dict(zip(family.label_names, values, strict=True)), wanted.labels)
        ]
        found = []
        shown = ", ".join(f"{one.labels or '(no labels)'} {_text(one.value)}" for one in family.series.values())
        why = (f"all series: {shown or 'none'}",)
        if wanted.value is not None and not _is(value := math.fsum(one.value for one in series), wanted.value):
            found.append(self._difference(_text(wanted.value), _text(value), why=why))
        if wanted.count is not None and not _is(count := sum(sum(one.counts) for one in series), wanted.count):
            found.append(self._difference(f"{_text(wanted.count)} observations", _text(count), why=why))
        return found

    def figures(self, states: Iterable[Any], noun: str) -> list[Difference]:
        wanted = self._expected
        named = [state for state in states if state.name == wanted.about]
        if not named:
            known = [rule.name for rule in self._catalog.rules]
            return [self._difference(f"a {noun} of this name", did_you_mean(wanted.about, known) or "none")]
        states = [state for state in named if _has(state.group, wanted.labels)]
        if not states:
            groups = ", ".join(_braced(state.group) or "(no labels)" for state in named)
            return [self._difference(_braced(wanted.labels), f"only {groups}")]
        found = []
        asked = {**wanted.figures, **({"value": wanted.value} if wanted.value is not None else {})}
        for name, number in asked.items():
            known = [key for key in dir(states[0]) if not key.startswith("_")]
            if name not in known:
                found.append(self._difference(f"{name} {_text(number)}", did_you_mean(name, known) or "no such figure"))
            elif not any(_is(getattr(state, name), number) for state in states):
                seen = ", ".join(f"{_text(getattr(state, name))}{_braced(state.group)}" for state in states)
                found.append(self._difference(f"{name} {_text(number)}", seen, explained=True))
        return found

    def _difference(
        self, expected: str, seen: str, *, why: tuple[str, ...] = (), explained: bool = False
    ) -> Difference:
        wanted = self._expected
        if explained:
            why = tuple(explain(wanted.about, self._bench, self._catalog, self._start))
        if wanted.at is not None:
            when = f"at {offset_text(wanted.at)}"
        else:
            end = "the end" if wanted.until is None else offset_text(wanted.until)
            when = f"from {offset_text(wanted.since or 0.0)} to {end}"
        return Difference(wanted.about + _braced(wanted.labels), when, expected, seen, why)


def _is(seen: object, wanted: Number) -> bool:
    if isinstance(seen, bool) or not isinstance(seen, int | float):
        return False
    if isinstance(wanted, Band):
        low, high = wanted.above, wanted.below
        return (low is None or seen > low) and (high is None or seen < high)
    return math.isclose(seen, wanted, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _text(value: object) -> str:
    if isinstance(value, Band):
        bounds = [("above", value.above), ("below", value.below)]
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == text for name, text in wanted.items())


def _braced(labels: Mapping[str, str], without: Iterable[str] = ()) -> str:
    inside = ", ".join(f"{name}={text}" for name, text in labels.items() if name not in without)
    return f"{{{inside}}}" if inside else ""
