"""What ``logagent demo`` says: where to look, how it goes, what happened."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from logagent.cli.terminal_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOUND = ("requests", "llm_calls", "queries")
"""Totals without which the demonstration has failed."""
_COLUMNS = (
    ("lines", "lines"),
    ("requests", "requests"),
    ("LLM calls", "llm_calls"),
    ("queries", "queries"),
    ("errors", "errors"),
)
_NO_DATA = "–"  # noqa: RUF001 - the sign for no data on every surface

AlertKey = tuple[object, ...]


def program() -> str:
    """What to type for this program: its name where the shell finds it, else its path."""
    path = Path(sys.argv[0])
    return "logagent" if shutil.which("logagent") else os.path.relpath(path) if path.exists() else "logagent"


def introduction(address: str, directory: Path) -> list[str]:
    """Give the lines that say where everything is and what to try."""
    return [
        f"A sample application writes its logs to {directory / 'logs'}; logagent reads them and nothing else.",
        "",
        f"  page      {address}/",
        f"  metrics   {address}/metrics",
        "",
        "Try in another terminal:",
        f"  {program()} tail {directory / 'logs'}/*.log",
        f"  {program()} tail {directory / 'logs'}/*.log --kind llm",
        f"  curl -s {address}/metrics | grep llm_cost_usd_total",
        "",
    ]


def status_line(seconds: float, totals: Mapping[str, object], firing: int) -> str:
    """Give one line about how it goes; what is not known is a dash."""
    parts = [f"{_number(totals.get(key))} {title}" for title, key in _COLUMNS]
    cost = totals.get("cost_usd")
    parts.append(f"${cost:.4f}" if isinstance(cost, float | int) else f"${_NO_DATA}")
    parts.append(f"{firing} alert{'' if firing == 1 else 's'} firing")
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}  " + " · ".join(parts)


def firing_count(alerts: Sequence[Mapping[str, object]]) -> int:
    """Give how many of the alerts are firing."""
    return sum(alert.get("state") == "firing" for alert in alerts)


def missing(totals: Mapping[str, object]) -> list[str]:
    """Give what should have been found and was not."""
    return [title for title, key in _COLUMNS if key in FOUND and not totals.get(key)]


class AlertLog:
    """Tells each alert once for each of its states; of a budget's thresholds crossed at once only the highest."""

    def __init__(self) -> None:
        self._states: dict[AlertKey, object] = {}

    def news(self, alerts: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
        """Give (state, line) of each alert that is new or changed since the last time, and of each that is gone."""
        now = {_key(alert): alert for alert in alerts}
        changed = [alert for key, alert in now.items() if self._states.get(key) != alert.get("state")]
        told = [(str(alert.get("state")), _line(alert)) for alert in _highest(changed)]
        gone = dict.fromkeys(str(key[0]) for key in self._states if key not in now)
        told += [("resolved", f"resolved  {visible(name)}") for name in gone]
        self._states = {key: alert.get("state") for key, alert in now.items()}
        return told


def _highest(alerts: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Give the alerts without those of a lower threshold beside a higher one of the same name, state and labels."""
    chosen: dict[AlertKey, Mapping[str, object]] = {}
    for alert in alerts:
        labels = _labels(alert)
        if "threshold" not in labels:
            chosen[_key(alert)] = alert
            continue
        rest = sorted((name, value) for name, value in labels.items() if name not in ("threshold", "severity"))
        family = (alert.get("name"), alert.get("state"), *rest)
        if family not in chosen or _threshold(alert) > _threshold(chosen[family]):
            chosen[family] = alert
    return list(chosen.values())


def _threshold(alert: Mapping[str, object]) -> float:
    try:
        return float(str(_labels(alert).get("threshold")).removesuffix("%"))
    except ValueError:
        return 0.0


def _labels(alert: Mapping[str, object]) -> dict[str, object]:
    labels = alert.get("labels")
    return labels if isinstance(labels, dict) else {}


def _key(alert: Mapping[str, object]) -> AlertKey:
    return (alert.get("name"), *sorted(_labels(alert).items()))


def _line(alert: Mapping[str, object]) -> str:
    text = f"{alert.get('state')}  {alert.get('name')}: {alert.get('summary') or 'no summary'}"
    return visible(text)


def _number(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else _NO_DATA
