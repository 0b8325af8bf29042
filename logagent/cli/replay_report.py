"""What a replay came to: for people, and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import click
import orjson

from logagent.alerting.templates import duration, plain
from logagent.cli.terminal import style
from logagent.cli.terminal_text import visible
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.model import Alert
    from logagent.replay import History, Replay

_HIDDEN_LABELS = frozenset({"alertname", "severity", "service", "namespace", "environment"})


def episodes(history: History) -> list[dict[str, Any]]:
    """Each stretch in which an alert fired: from when to when, and the largest value that it told."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for alert in history.alerts:
        if alert.state is AlertState.PENDING:
            continue
        key = (alert.starts_unix_nano, *sorted(alert.labels.items()))
        told = found.setdefault(key, _episode(alert))
        told["summary"] = alert.annotations.get("summary") or told["summary"]
        told["value"] = max(told["value"], alert.value, key=abs)
        if alert.state is AlertState.RESOLVED:
            told["resolved"], told["reason"] = alert.ends_unix_nano or alert.time_unix_nano, alert.reason
    return sorted(found.values(), key=lambda one: (one["fired"], one["alert"]))


def _episode(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "severity": alert.labels.get("severity", ""),
        "labels": {name: text for name, text in alert.labels.items() if name not in _HIDDEN_LABELS},
        "fired": alert.starts_unix_nano,
        "resolved": None,
        "reason": None,
        "value": alert.value,
        "summary": alert.annotations.get("summary", ""),
        "trace_id": alert.trace_id.hex() or None,
    }


def show(replay: Replay, seconds: float, stream: TextIO) -> None:
    """Write the whole for people."""
    for line in _lines(replay, seconds, stream):
        click.echo(line, file=stream)


def _lines(replay: Replay, seconds: float, stream: TextIO) -> Iterator[str]:
    history = replay.history
    rate = history.lines / seconds if seconds else 0.0
    yield f"{history.lines:,} lines in {plain(duration(seconds))} ({rate:,.0f}/s), {_stretch(history)}"
    spans = ", ".join(f"{count:,} {kind}" for kind, count in history.spans.most_common())
    yield f"{history.records:,} records, {history.errors:,} errors, spans: {spans or 'none'}"
    found = episodes(history)
    yield ""
    yield style(f"{len(found)} alerts", "bold", stream=stream) + f", {history.notifications} notifications"
    for one in found:
        colour = "red" if one["severity"] in {"critical", "page"} else "yellow"
        labels = ", ".join(f"{name}={text}" for name, text in one["labels"].items())
        name = style(one["alert"], colour, "bold", stream=stream)
        lasted = "still firing at the end" if one["resolved"] is None else _lasted(one)
        yield f"  {_time(one['fired'])}  {name}{f'{{{visible(labels)}}}' if labels else ''}  {lasted}"
        yield f"      {visible(one['summary'])}"
    yield from _budgets(replay, stream)
    yield from _slos(replay, stream)


def _lasted(one: dict[str, Any]) -> str:
    return f"for {plain(duration((one['resolved'] - one['fired']) / 1e9))}"


def _budgets(replay: Replay, stream: TextIO) -> Iterator[str]:
    states = replay.pipeline.alerts.budgets()
    if states:
        yield ""
        yield style("budgets", "bold", stream=stream) + " in their last period"
    for state in states:
        group = ", ".join(state.group.values())
        unpriced = f", {state.unpriced} unpriced" if state.unpriced else ""
        yield (
            f"  {state.name}{f' {visible(group)}' if group else ''}: {plain(round(state.spent, 2))} of "
            f"{plain(state.limit)} {state.unit} in {state.period} ({state.share:.1%}){unpriced}"
        )


def _slos(replay: Replay, stream: TextIO) -> Iterator[str]:
    states = replay.pipeline.alerts.slos()
    if states:
        yield ""
        yield style("SLOs", "bold", stream=stream) + " at the end"
    for state in states:
        group = ", ".join(state.group.values())
        left = "no traffic" if state.budget_left is None else f"{state.budget_left:.1%} of the error budget left"
        yield f"  {state.name}{f' {visible(group)}' if group else ''}: {state.bad:,} bad of {state.valid:,}, {left}"


def show_json(replay: Replay, seconds: float, stream: TextIO) -> None:
    """Write the whole as one JSON object; times are ISO 8601."""
    history = replay.history
    found = [{**one, "fired": _iso(one["fired"]), "resolved": _iso(one["resolved"])} for one in episodes(history)]
    told = {
        "lines": history.lines,
        "records": history.records,
        "errors": history.errors,
        "spans": dict(history.spans),
        "from": _iso(history.first_unix_nano or None),
        "to": _iso(history.last_unix_nano or None),
        "seconds": round(seconds, 3),
        "notifications": history.notifications,
        "alerts": found,
        "budgets": [
            {"name": s.name, "group": s.group, "period": s.period, "spent": s.spent, "limit": s.limit, "unpriced": s.unpriced}
            for s in replay.pipeline.alerts.budgets()
        ],
        "slos": [
            {"name": s.name, "group": s.group, "valid": s.valid, "bad": s.bad, "budget_left": s.budget_left}
            for s in replay.pipeline.alerts.slos()
        ],
    }  # fmt: skip
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2), file=stream)


def _stretch(history: History) -> str:
    if not history.first_unix_nano:
        return "none of them with a time"
    return f"{_time(history.first_unix_nano)} to {_time(history.last_unix_nano)} UTC"


def _time(unix_nano: int) -> str:
    return datetime.fromtimestamp(unix_nano / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _iso(unix_nano: int | None) -> str | None:
    if unix_nano is None:
        return None
    return datetime.fromtimestamp(unix_nano / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
