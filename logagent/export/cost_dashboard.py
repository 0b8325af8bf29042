"""The dashboard of cost: money, tokens and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent import telemetry
from logagent.alerting.rules import Budget
from logagent.export.panels import GREEN, RED, YELLOW, Panel, Query, Row, or_zero, rate, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.catalog import Catalog

_USD = "currencyUSD"
_HOUR = 3600


def cost_rows(catalog: Catalog, prefix: str) -> list[Row]:
    """What is spent on LLM calls, then a row for each budget."""
    known = {rule.name for rule in catalog.metrics}
    budgets = [rule for rule in catalog.rules if isinstance(rule, Budget)]
    spend = [panel for metric, panel in _spend(prefix, known) if metric in known]
    return [Row("LLM calls", spend), *(Row(budget.name, list(_panels(budget))) for budget in budgets)]


def _spend(prefix: str, known: set[str]) -> Iterator[tuple[str, Panel]]:
    cost, tokens, calls = (f"{prefix}llm_{name}_total" for name in ("cost_usd", "tokens", "requests"))
    grown = f"sum(increase({series(cost)}[$__range]))"
    yield "llm_cost_usd_total", Panel("Spent", [Query(or_zero(grown), "spent")], _USD, "stat", "In the chosen time.", 6)
    hourly = or_zero(f"{rate(cost, 'provider, model')} * {_HOUR}")
    yield (
        "llm_cost_usd_total",
        Panel("Spent an hour, by model", [Query(hourly, "{{provider}} {{model}}")], _USD, width=18, stacked=True),
    )
    by_type = or_zero(rate(tokens, "token_type"))
    yield "llm_tokens_total", Panel("Tokens", [Query(by_type, "{{token_type}}")], "ops")
    if "llm_requests_total" in known:
        each = or_zero(f"{rate(cost, 'model')} / {rate(calls, 'model')}")
        yield "llm_cost_usd_total", Panel("Cost of a call, by model", [Query(each, "{{model}}")], _USD)


def _panels(budget: Budget) -> Iterator[Panel]:
    name = budget.name
    unit = _USD if budget.currency == "USD" else "short"
    spent, limit = (
        f"{how} by (group) ({series(row.name, budget=name)})"
        for how, row in (("sum", telemetry.BUDGET_SPENT), ("max", telemetry.BUDGET_LIMIT))
    )
    ats = sorted({one.at for one in budget.thresholds if one.basis == "spend"})
    lines = [(at, YELLOW if at < ats[-1] else RED) for at in ats]
    yield Panel(
        "Spent of the limit",
        [Query(f"{spent} / {limit}", "{{group}}")],
        "percentunit",
        "bargauge",
        f"In this {budget.period} ({budget.timezone}); colours change at the budget's thresholds.",
        8,
        lines,
    )
    yield Panel(
        "Spent and limit",
        [Query(spent, "{{group}} spent"), Query(limit, "{{group}} limit")],
        unit,
        width=8,
    )
    unpriced = f"sum by (group) ({series(telemetry.BUDGET_UNPRICED.name, budget=name)})"
    yield Panel("Calls without a price", [Query(unpriced, "{{group}}")], "short", "stat", "", 8, [(1, YELLOW)], GREEN)
    for title, row in (
        (f"Expected for the {budget.period}", telemetry.BUDGET_PROJECTED),
        ("Expected for the next 30 days", telemetry.BUDGET_FORECAST_30D),
    ):
        expected = f"sum by (group, level) ({series(row.name, budget=name)})"
        yield Panel(title, [Query(expected, "{{group}} {{level}}")], unit, description=_EXPECTED)
    if budget.burn_rates:
        burning = f"max by (group, window) ({series(telemetry.BUDGET_BURN_RATE.name, budget=name)})"
        yield Panel(
            "Burn rates",
            [Query(burning, "{{group}} {{window}}")],
            description="How many times faster than evenly the limit is spent.",
        )


_EXPECTED = "Levels of the forecast; with too little history only the run rate, as level 0.5."
