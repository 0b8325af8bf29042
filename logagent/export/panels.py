"""Dashboards as Grafana has them: panels in rows, identities that stay, variables that all share."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from logagent.export.promql import text

SCHEMA_VERSION = 39
"""Of Grafana 11; later ones bring it up to date by themselves."""
TAG = "logagent"
GREEN, YELLOW, RED = "green", "orange", "red"
_COLUMNS = 24
_HEIGHT = 8
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_LONGEST_UID = 40

Thresholds = Sequence[tuple[float, str]]
"""Values from which on a colour is shown; below the first one it is the first colour of ``Panel.base``."""


def series(metric: str, matchers: str = "", **labels: str) -> str:
    """The series of a metric on the chosen instances. ``matchers`` are further ones."""
    exact = [f"{name}={text(value)}" for name, value in labels.items()]
    return f"{metric}{{{','.join([*exact, *([matchers] if matchers else []), _INSTANCE])}}}"


_INSTANCE = 'instance=~"$instance"'


def on_instances(expression: str, metrics: Sequence[str]) -> str:
    """A PromQL expression with its metrics read on the chosen instances only."""
    names = "|".join(map(re.escape, metrics))
    return re.sub(rf"\b({names})\b(?!\{{)", lambda found: f"{found[1]}{{{_INSTANCE}}}", expression)


def rate(metric: str, by: str = "", matchers: str = "") -> str:
    """Per second, by labels."""
    head = f"sum by ({by})" if by else "sum"
    return f"{head} (rate({series(metric, matchers)}[$__rate_interval]))"


def or_zero(expression: str) -> str:
    """Nought where there is nothing: what has not happened yet has no series."""
    return f"({expression}) or on () vector(0)"


def quantile(share: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram."""
    labels = ", ".join(name for name in ("le", by) if name)
    return f"histogram_quantile({share}, sum by ({labels}) (rate({series(f'{metric}_bucket')}[$__rate_interval])))"


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks Prometheus, and what its lines are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. ``kind`` and ``unit`` are Grafana's own words."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: str = "timeseries"
    description: str = ""
    width: int = 12
    thresholds: Thresholds = ()
    base: str = GREEN
    """Colour below all thresholds."""
    stacked: bool = False


@dataclass(slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: list[Panel] = field(default_factory=list)


def dashboard(name: str, title: str, prefix: str, rows: Sequence[Row]) -> str:
    """The JSON of a dashboard. ``prefix`` is that of the metrics: another one makes another dashboard."""
    own = re.sub(r"[^a-z0-9]+", "-", prefix.lower()).strip("-")
    parts = [TAG, *([own] if own else []), name]
    uid = "-".join(parts)
    if len(uid) > _LONGEST_UID:
        uid = f"{TAG}-{zlib.crc32(own.encode()):08x}-{name}"
    content: dict[str, Any] = {
        "uid": uid,
        "title": f"{title} ({own})" if own else title,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": TAG,
                "tags": [TAG],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "panels": _placed([row for row in rows if row.panels]),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "Instance",
            "type": "query",
            "datasource": _DATASOURCE,
            "definition": "label_values(logagent_build_info, instance)",
            "query": {"qryType": 1, "query": "label_values(logagent_build_info, instance)", "refId": "instances"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        },
    ]


def _placed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Panels from left to right, under the headings of their rows."""
    found: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        found.append({"id": _identity(row.title, ""), **heading, "gridPos": _place(0, y, _COLUMNS, 1)})
        x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > _COLUMNS:
                x, y = 0, y + _HEIGHT
            found.append(_panel(panel, row.title, _place(x, y, panel.width, _HEIGHT)))
            x += panel.width
        y += _HEIGHT
    return found


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _identity(row: str, title: str) -> int:
    """The same number for the same panel, whatever comes before it: links to it stay."""
    return zlib.crc32(f"{row}\0{title}".encode()) & 0x7FFFFFFF


def _panel(panel: Panel, row: str, place: dict[str, int]) -> dict[str, Any]:
    steps = [{"color": panel.base, "value": None}, *({"color": c, "value": v} for v, c in panel.thresholds)]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        defaults["custom"] = {"fillOpacity": 10, "showPoints": "never", "spanNulls": False}
        if panel.thresholds:
            defaults["custom"]["thresholdsStyle"] = {"mode": "line"}
        if panel.stacked:
            defaults["custom"]["stacking"] = {"mode": "normal", "group": "A"}
    return {
        "id": _identity(row, panel.title),
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(query, position, panel.kind) for position, query in enumerate(panel.queries)],
    }


_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _REDUCED, "colorMode": "value", "graphMode": "area", "textMode": "auto"},
    "bargauge": {"reduceOptions": _REDUCED, "orientation": "horizontal", "displayMode": "gradient"},
}


def _target(query: Query, position: int, kind: str) -> dict[str, Any]:
    is_instant = kind != "timeseries"
    return {
        "refId": chr(ord("A") + position),
        "datasource": _DATASOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": is_instant,
        "range": not is_instant,
    }
