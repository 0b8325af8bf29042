"""Budgets as PromQL: what is spent from the agents' gauges, burn rates from the counters that are kept for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.export.annotations import Annotations, Lookup
from logagent.export.context import group_label
from logagent.export.promql import by_group, grown, number, on, select, total
from logagent.export.rule_groups import Rule, duration_text
from logagent.telemetry import BUDGET_BURN_RATE, BUDGET_LIMIT, BUDGET_PROJECTED, BUDGET_SPENT, BUDGET_UNPRICED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logagent.alerting.rules import Budget, BurnRate, Threshold
    from logagent.export.context import Context

INTERVAL = 60.0
"""Seconds: burn rates are looked at every minute, as in logagent."""
SHARE = "budget:spent:ratio"
_BY = ("budget", "group")
_QUANTILES = (0.1, 0.5, 0.9)
"""What is exported of a forecast's distribution."""


def share(budget: Budget) -> Rule:
    """Spend of all agents together, as a share of the limit."""
    own = {"budget": budget.name}
    spent = total(_BY, select(BUDGET_SPENT.name, own))
    limit = f"max by ({', '.join(_BY)}) ({select(BUDGET_LIMIT.name, own)})"
    return Rule(f"{spent}\n/ {limit}", record=SHARE, labels=own)


def reached(budget: Budget, threshold: Threshold) -> str:
    """A threshold of what is spent. A sum of many floats may stay a little below its true value."""
    return f"{select(SHARE, {'budget': budget.name})} >= {number(threshold.at)} - 1e-9"


def projected(budget: Budget, threshold: Threshold) -> tuple[str, bool]:
    """A threshold of what is expected, and whether its confidence is one that is exported.

    The chance of reaching an amount is at least 90 % where the 10 % quantile reaches it.
    """
    wanted = 1 - threshold.confidence
    nearest = min(_QUANTILES, key=lambda quantile: abs(quantile - wanted))

    def quantile(level: float) -> str:
        own = {"budget": budget.name, "level": f"{level:g}"}
        return total(_BY, select(BUDGET_PROJECTED.name, own))

    limit = f"max by ({', '.join(_BY)}) ({select(BUDGET_LIMIT.name, {'budget': budget.name})})"
    # a run rate has no interval, and is nobody's forecast
    known = f"and {on(_BY)} {quantile(max(_QUANTILES))}"
    expression = f"{quantile(nearest)}\n/ {limit} >= {number(threshold.at)}\n{known}"
    return expression, abs(nearest - wanted) < 1e-9  # noqa: PLR2004 - rounding


def unpriced(budget: Budget) -> str:
    """Calls without a price."""
    return f"{total(_BY, select(BUDGET_UNPRICED.name, {'budget': budget.name}))} > 0"


def burning(budget: Budget, burn: BurnRate, stem: str) -> str:
    """Spend of both windows that is as fast as the rule says, by the limits of the groups."""
    series = f"{stem}_spent_total"
    parts = [_burning(budget, burn, series, selector, limit) for selector, limit in _limits(budget)]
    return "\nor ".join(parts)


def _burning(budget: Budget, burn: BurnRate, series: str, selector: str, limit: float) -> str:
    by, few = tuple(budget.by), 1 - 1e-9
    found = [
        f"{grown(by, series + selector, window)} >= {number(float(f'{least * limit * few:.12g}'))}"
        for window, least in (
            (burn.long, burn.budget_consumed),
            (burn.short, burn.budget_consumed * burn.short / burn.long),
        )
    ]
    return f"({found[0]}\n  and {on(by)} {found[1]})"


def _limits(budget: Budget) -> Iterator[tuple[str, float]]:
    """Matchers of groups with their limits; the last are all others."""
    return by_group(next(iter(budget.by), ""), budget.limits, budget.limit)


def burn_label(burn: BurnRate) -> str:
    """The label ``window``."""
    return duration_text(burn.long)


def budget_rules(budget: Budget, context: Context) -> Iterator[Rule]:
    """The recording rule of a budget, and its alerts."""
    yield share(budget)
    for threshold in budget.thresholds:
        yield _threshold(context, budget, threshold)
    if budget.missing_price == "alert":
        own = {"severity": budget.severity, "basis": "unpriced"}
        texts = Annotations(_constants(budget), _lookups(budget, "group"), ("value", "unpriced"))
        yield _of_group(context, budget, unpriced(budget), context.annotations(budget, budget.summary, texts), own)
    if budget.burn_rates and budget.name not in context.stems:
        context.warn(budget, "burn rates are left out: [rules] prometheus is not true")
        return
    for burn in budget.burn_rates:
        yield _budget_burn_rate(context, budget, burn)


def _threshold(context: Context, budget: Budget, threshold: Threshold) -> Rule:
    own = {"severity": threshold.severity or budget.severity, "threshold": f"{threshold.at:g}"}
    lookups = _lookups(budget, "group")
    constants = {**_constants(budget), "threshold": threshold.at}
    if threshold.basis == "spend":
        texts = Annotations(constants, lookups, ("value", "share"))
        return _of_group(
            context, budget, reached(budget, threshold), context.annotations(budget, budget.summary, texts), own
        )
    expression, is_exact = projected(budget, threshold)
    if not is_exact:
        context.warn(
            budget, f"a forecast of confidence {threshold.confidence:g}: taken as the nearest of 0.1, 0.5, 0.9"
        )
    texts = Annotations(constants, lookups)
    return _of_group(
        context,
        budget,
        expression,
        context.annotations(budget, budget.forecast_summary, texts),
        own | {"basis": "forecast"},
    )


def _of_group(
    context: Context, budget: Budget, expression: str, annotations: Mapping[str, str], own: Mapping[str, str]
) -> Rule:
    labels = context.labels(budget.by, budget.labels, **own) | group_label(budget.by)
    return Rule(expression, alert=budget.name, labels=labels, annotations=annotations)


def _budget_burn_rate(context: Context, budget: Budget, burn: BurnRate) -> Rule:
    window = burn_label(burn)
    own = {"severity": burn.severity or budget.severity, "basis": "burn_rate", "window": window}
    group = next(iter(budget.by), "")
    lookups = _lookups(budget, group)
    if "limit" in lookups:
        by = lookups["limit"].by
        lookups["burn_rate"] = Lookup(BUDGET_BURN_RATE.name, by, {"budget": budget.name, "window": window})
    texts = Annotations(_constants(budget) | {"labels.window": window}, lookups, ("spent",))
    return Rule(
        burning(budget, burn, context.stems[budget.name]),
        alert=budget.name,
        labels=context.labels(budget.by, budget.labels, **own),
        annotations=context.annotations(budget, budget.burn_summary, texts),
    )


def _constants(budget: Budget) -> dict[str, object]:
    return {
        "budget": budget.name,
        "currency": budget.currency,
        "unit": budget.unit,
        "period": f"the {budget.period}",
    }


def _lookups(budget: Budget, label: str) -> dict[str, Lookup]:
    """What the agents' gauges tell of a group; ``label`` is that of the alert with the group's name."""
    if label != "group" and len(budget.by) > 1:
        return {}
    by, own = ({"group": label} if label else {}), {"budget": budget.name}
    rows = {"spent": BUDGET_SPENT, "limit": BUDGET_LIMIT, "unpriced": BUDGET_UNPRICED}
    found = {name: Lookup(row.name, by, own) for name, row in rows.items()}
    quantiles = {"projected": "0.5", "projected_low": "0.1", "projected_high": "0.9"}
    return found | {
        name: Lookup(BUDGET_PROJECTED.name, by, own | {"level": quantile}) for name, quantile in quantiles.items()
    }
