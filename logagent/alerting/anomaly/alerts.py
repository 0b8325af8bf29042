"""A group of an anomaly rule as an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.anomaly.group import Turn
from logagent.alerting.reasons import Reason
from logagent.alerting.state import OVERFLOW, OVERFLOW_KEY
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from logagent.alerting.anomaly.group import AnomalyGroup


def told(group: AnomalyGroup, turn: Turn) -> Alert:
    """The alert of a state that begins, under the labels that it began with."""
    if turn.state is AlertState.FIRING:
        group.labels = _labels(group)
    alert = _alert(group, turn)
    if turn.state is AlertState.RESOLVED:
        group.rest(turn.time)
    return alert


def current(group: AnomalyGroup) -> Alert | None:
    """The alert that fires, with the last sample; None where none does."""
    if not group.is_firing:
        return None
    return _alert(group, Turn(AlertState.FIRING, Reason.ANOMALY, group.lifecycle.firing_since))


def _labels(group: AnomalyGroup) -> dict[str, str]:
    names, key = group.plan.label_names, group.key
    own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(names, key, strict=True))
    return {**group.plan.labels, **{name: text for name, text in own.items() if text}}


def _alert(group: AnomalyGroup, turn: Turn) -> Alert:
    plan, sight = group.plan, group.sight
    trace_id, fields = group.example
    values: dict[str, object] = {**fields, "trace_id": trace_id.hex()}
    if sight is not None:
        values |= {
            "value": sight.value,
            "count": sight.events,
            "score": round(sight.score, 1),
            "expected": sight.expected,
            "expected_low": sight.low,
            "expected_high": sight.high,
        }
    values |= {f"labels.{name}": text for name, text in group.labels.items()}
    return Alert(
        plan.name,
        dict(group.labels),
        plan.texts.render(values, trace_id),
        turn.state,
        turn.reason.value,
        0.0 if sight is None else float(sight.value),
        turn.time,
        group.lifecycle.firing_since,
        turn.time if turn.state is AlertState.RESOLVED else 0,
        trace_id,
    )
