"""What the shipped rule files define, as tables for docs/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = Path(__file__).parents[1] / "rules"
KINDS = ("alert", "budget", "slo")
"""Tables of a rule file that alerts come from."""


def tables(*kinds: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every table of these kinds: its file, its kind and what it says, in the order of the files' names."""
    for path in sorted(RULES.glob("*.toml")):
        data = tomli.loads(path.read_text(encoding="utf-8"))
        for kind in kinds:
            for table in data.get(kind, []):
                yield path.stem, kind, table


def metric_table() -> str:
    """One row a metric: where it is defined, what it is, what it tells."""
    rows: dict[str, str] = {}
    for file, _, table in tables("metric"):
        labels = ", ".join(f"`{name}`" for name in (*table.get("by", {}), *table.get("labels", {})))
        row = f"| `{file}` | `{table['name']}` | {table['type']} | {labels} | {table['help']} |"
        rows.setdefault(table["name"], row.replace("__", r"\_\_"))
    return "\n".join(["| file | metric | type | labels | meaning |", "|---|---|---|---|---|", *rows.values(), ""])


def alert_table() -> str:
    """One row an alert, budget or objective: when it fires, how severe that is, where to read on."""
    rows = [
        f"| `{file}` | {_linked(table)} | {_WHEN[kind](table)} | {_severities(kind, table)} |"
        for file, kind, table in tables(*KINDS)
    ]
    return "\n".join(["| file | alert | fires when | severity |", "|---|---|---|---|", *rows, ""])


def _linked(table: dict[str, Any]) -> str:
    return f"[{table['name']}]({table['runbook_url'].removeprefix('docs/')})"


def _severities(kind: str, table: dict[str, Any]) -> str:
    nested = (*table.get("thresholds", ()), *table.get("burn_rates", ()))
    found = [one["severity"] for one in nested if isinstance(one, dict) and "severity" in one]
    if kind == "slo" and not found:
        found = ["critical", "warning"]
    return ", ".join(word for word in ("critical", "warning", "info") if word in (found or [table["severity"]]))


def _alert(table: dict[str, Any]) -> str:
    parts = [_MEASURES[table["kind"]](table)]
    if "min_count" in table:
        parts.append(f"of at least {table['min_count']} in a window")
    if "for" in table:
        parts.append(f"for {table['for']}")
    if table.get("by"):
        parts.append(f"by {', '.join(f'`{label}`' for label in table['by'])}")
    return ", ".join(parts)


def _events(table: dict[str, Any]) -> str:
    where = table.get("where", "")
    if len(where) > _LONGEST:
        where = "…"
    return f"`{table['from']}`" + (f" where `{where}`" if where else "").replace("|", r"\|")


_LONGEST = 110
"""Characters of a condition; longer ones are looked up in the file."""


def _limit(table: dict[str, Any]) -> str:
    return f"above {table['above']}" if "above" in table else f"below {table['below']}"


def _anomaly(table: dict[str, Any]) -> str:
    measure = f"{table['aggregate']} {table.get('quantile', '')}".strip()
    what = f" of `{table['value']}`" if "value" in table else ""
    return f"unusual {measure}{what} in {_events(table)} in {table['window']}"


_MEASURES = {
    "event": lambda table: f"each {_events(table)}",
    "count": lambda table: f"number of {_events(table)} {_limit(table)} in {table['window']}",
    "ratio": lambda table: f"share of `{table['bad']}` in {_events(table)} {_limit(table)} in {table['window']}",
    "sum": lambda table: f"sum of `{table['value']}` in {_events(table)} {_limit(table)} in {table['window']}",
    "mean": lambda table: f"mean of `{table['value']}` {_limit(table)} in {table['window']}",
    "quantile": lambda table: (
        f"P{table['quantile'] * 100:g} of `{table['value']}` in {_events(table)} {_limit(table)} in {table['window']}"
    ),
    "distinct": lambda table: f"different `{table['value']}` in {_events(table)} {_limit(table)} in {table['window']}",
    "absence": lambda table: f"no {_events(table)} for {table['window']}",
    "anomaly": _anomaly,
}


def _budget(table: dict[str, Any]) -> str:
    shares = ", ".join(
        f"{one['at'] * 100:g} %{' forecast' if one.get('basis') == 'forecast' else ''}" for one in table["thresholds"]
    )
    return (
        f"{shares} of {table['limit']} {table['currency']} a {table['period']}; spent too fast; a call without a price"
    )


def _slo(table: dict[str, Any]) -> str:
    wanted = f"good is `{table['good']}`" if "good" in table else f"bad is `{table['bad']}`"
    return f"the budget of {table['objective']} % is spent too fast: {wanted}".replace("|", r"\|")


_WHEN = {"alert": _alert, "budget": _budget, "slo": _slo}
