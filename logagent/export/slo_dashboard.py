"""The dashboard of service level objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent import telemetry
from logagent.alerting.rules import Slo
from logagent.export.panels import GREEN, RED, YELLOW, Panel, Query, Row, or_zero, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.catalog import Catalog

_GROUP = "{{slo}} {{group}}"
_LOW = 0.25
"""Share of the error budget below which it is shown as low."""


def slo_rows(catalog: Catalog) -> list[Row]:
    """All at a glance, then a row for each."""
    slos = [rule for rule in catalog.rules if isinstance(rule, Slo)]
    if not slos:
        return []
    return [
        Row("All", [_left("Error budget left", "", 24, _GROUP)]),
        *(Row(slo.name, list(_panels(slo))) for slo in slos),
    ]


def _left(title: str, name: str, width: int, legend: str) -> Panel:
    labels = {"slo": name} if name else {}
    left = f"min by (slo, group) ({series(telemetry.SLO_BUDGET_REMAINING.name, **labels)})"
    thresholds = [(0, YELLOW), (_LOW, GREEN)]
    return Panel(title, [Query(left, legend)], "percentunit", "stat", "", width, thresholds, RED)


def _panels(slo: Slo) -> Iterator[Panel]:
    name, objective = slo.name, slo.objective / 100
    valid, bad = (series(row.name, slo=name) for row in (telemetry.SLO_VALID, telemetry.SLO_BAD))

    def grown(counter: str, window: str) -> str:
        return f"sum by (group) (increase({counter}[{window}]))"

    left = f"min by (group) ({series(telemetry.SLO_BUDGET_REMAINING.name, slo=name)})"
    # where nothing happened nothing was bad
    sli = f"1 - {grown(bad, '$__range')} / ({grown(valid, '$__range')} > 0) or ({left} * 0 + 1)"
    text = f"Part of the events of the chosen time that was good; the objective is {slo.objective:g} %."
    yield _left("Error budget left", name, 6, "{{group}}")
    yield Panel("Good events", [Query(sli, "{{group}}")], "percentunit", "stat", text, 6, [(objective, GREEN)], RED)
    yield Panel("Error budget over time", [Query(left, "{{group}}")], "percentunit", thresholds=[(0, GREEN)], base=RED)
    burning = f"max by (group, window) ({series(telemetry.SLO_BURN_RATE.name, slo=name)})"
    factors = sorted({float(one.factor) for one in slo.compiled_burn_rates()})
    lines = [(factor, YELLOW if factor < factors[-1] else RED) for factor in factors]
    yield Panel(
        "Burn rates",
        [Query(burning, "{{group}} {{window}}")],
        description="How many times faster than evenly the budget is spent, by window; the lines are the alerts' factors.",
        thresholds=lines,
    )
    yield Panel(
        "Events",
        [
            Query(or_zero(f"sum by (group) (rate({valid}[$__rate_interval]))"), "{{group}} valid"),
            Query(or_zero(f"sum by (group) (rate({bad}[$__rate_interval]))"), "{{group}} bad"),
        ],
        "ops",
    )
