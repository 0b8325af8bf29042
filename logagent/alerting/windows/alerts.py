"""A group of a window rule as an alert, and what an instant makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.lifecycle import Lifecycle
from logagent.alerting.reasons import Reason
from logagent.alerting.state import OVERFLOW, OVERFLOW_KEY, Change
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from logagent.alerting.windows.groups import WindowGroup
    from logagent.alerting.windows.pane import Example


def step(group: WindowGroup, index: int) -> tuple[Alert | None, bool]:
    """Have an instant that the group's panes slid to change its state. Give the alert, and whether anything changed."""
    verdict = group.judge(index)
    lifecycle, before = group.lifecycle, group.lifecycle.pack()
    time = index * group.plan.interval
    state = lifecycle.step(time, group.plan.patience, holds=verdict.holds)
    changed = lifecycle.pack() != before
    if state is None:
        if lifecycle.state is None:
            group.labels = {}
        return None, changed
    if state is AlertState.RESOLVED:
        alert = alert_of(group, Change(state, verdict.reason, time), verdict.value)
        group.labels = {}
        return alert, changed
    group.labels = group.labels or _labels(group)
    group.reason = verdict.reason
    alert = alert_of(group, Change(state, verdict.reason, time), verdict.value)
    group.value, group.trace_id = alert.value, alert.trace_id
    return alert, changed


def end(group: WindowGroup, index: int) -> Alert | None:
    """Have the group be as if it was never seen. Give the end of its alert, if it fires."""
    alert = None
    if group.lifecycle.state is AlertState.FIRING:
        change = Change(AlertState.RESOLVED, Reason.FORGOTTEN, index * group.plan.interval)
        alert = alert_of(group, change, group.judge(index).value)
    group.lifecycle, group.labels, group.last = Lifecycle(), {}, None
    return alert


def current(group: WindowGroup, decided: int) -> Alert | None:
    """The alert that a group is since it began, with the measure at the last instant; None where it is inactive."""
    lifecycle = group.lifecycle
    if lifecycle.state is None:
        return None
    began = lifecycle.firing_since if lifecycle.state is AlertState.FIRING else lifecycle.true_since
    return alert_of(group, Change(lifecycle.state, group.reason, began), group.judge(decided).value)


def _labels(group: WindowGroup) -> dict[str, str]:
    names, key = group.plan.label_names, group.key
    own = OVERFLOW if key == OVERFLOW_KEY else dict(zip(names, key, strict=True))
    return {**group.plan.labels, **{name: text for name, text in own.items() if text}}


def _example(group: WindowGroup) -> Example:
    """Of the events inside the window the one that tells most: that of the furthest number, else the last."""
    shown = [(pane.rank, pane.index, example) for pane in group.panes.inside() if (example := pane.example())]
    return max(shown, key=lambda one: one[:2])[2] if shown else (b"", {})


def alert_of(group: WindowGroup, change: Change, value: float | None) -> Alert:
    """The alert that a group has become, under the labels it began with; ``value`` is the measure of now."""
    plan, lifecycle = group.plan, group.lifecycle
    trace_id, fields = _example(group)
    values: dict[str, object] = {
        **fields,
        "value": value,
        "threshold": plan.limit,
        "count": group.total.count,
        "window": plan.window_seconds,
        "trace_id": trace_id.hex(),
    }
    if plan.is_absence:
        values["since"] = value
    values |= {f"labels.{name}": text for name, text in group.labels.items()}
    return Alert(
        plan.name,
        dict(group.labels),
        plan.texts.render(values, trace_id),
        change.state,
        change.reason.value,
        0.0 if value is None else float(value),
        change.time_unix_nano,
        lifecycle.true_since if change.state is AlertState.PENDING else lifecycle.firing_since,
        change.time_unix_nano if change.state is AlertState.RESOLVED else 0,
        trace_id,
    )
