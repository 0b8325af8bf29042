"""Service level objectives as PromQL: the SLI over each window, and the alerts on burn rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from logagent.alerting.slo.burn_rates import BurnRate, budget_share, window_text
from logagent.alerting.slo.plan import LOW_TRAFFIC
from logagent.export.annotations import Annotations, Lookup
from logagent.export.context import group_label
from logagent.export.promql import by_group, grown, number, on, select, total
from logagent.export.rule_groups import Rule
from logagent.telemetry import SLO_BAD, SLO_BUDGET_REMAINING, SLO_VALID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logagent.alerting.rules import Slo
    from logagent.export.context import Context

INTERVAL = 60.0
"""Seconds: windows slide with every minute, as in logagent."""
_MINUTE = 60.0
_MINUTES_A_DAY = 1440
_BY = ("slo", "group")
_RETENTION_DAYS = 15
"""What Prometheus keeps unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Scope:
    """An SLO's groups, or all of them as one."""

    slo: Slo
    composite: bool = False

    @property
    def by(self) -> tuple[str, ...]:
        """The labels of its series."""
        return _BY[:1] if self.composite else _BY

    @property
    def own_labels(self) -> dict[str, str]:
        """Labels of its alerts beside those of every alert of the SLO."""
        return {"composite": "total"} if self.composite else {}

    def series(self, what: str, window: str) -> str:
        """A recorded series of a window."""
        level = "slo_total" if self.composite else "slo"
        return f"{level}:{what}{window}"

    def objectives(self) -> Iterator[tuple[str, float]]:
        """Matchers of groups with their objectives."""
        single = {} if self.composite else self.slo.objectives
        for selector, objective in by_group("group", single, self.slo.objective):
            inside = f"{selector[1:-1]}" if selector else ""
            yield ",".join(part for part in (f'slo="{self.slo.name}"', inside) if part), objective


def scopes(slo: Slo) -> Iterator[Scope]:
    """What an SLO's alerts are about."""
    yield Scope(slo)
    if slo.composite == "total":
        yield Scope(slo, composite=True)


def recorded(scope: Scope) -> Iterator[Rule]:
    """Valid and bad events, and the part that is bad, over each window of the alerts."""
    rates = scope.slo.compiled_burn_rates()
    own = {"slo": scope.slo.name}
    for minutes in sorted({one for rate in rates for one in (rate.long_minutes, rate.short_minutes)}):
        window, seconds = window_text(minutes), minutes * _MINUTE
        valid, bad = (scope.series(f"{what}_events:increase", window) for what in ("valid", "bad"))
        ratio = f"{select(bad, own)} / ({select(valid, own)} > 0)"
        for record, expression in (
            (valid, f"round({grown(scope.by, select(SLO_VALID.name, own), seconds)})"),
            (bad, f"round({grown(scope.by, select(SLO_BAD.name, own), seconds)})"),
            (scope.series("sli_error:ratio_rate", window), ratio),
        ):
            yield Rule(expression, record=record, labels=own)


def burns(context: Context, scope: Scope, rate: BurnRate) -> str:
    """Both windows burn faster than the factor. The value is the burn rate of the long one."""
    slo, short, long = scope.slo, window_text(rate.short_minutes), window_text(rate.long_minutes)
    parts = []
    for selector, objective in scope.objectives():
        share = budget_share(objective)
        limit = number(float(rate.factor * share))
        error = scope.series("sli_error:ratio_rate", "")
        guards = [
            f"{scope.series('bad_events:increase', long)}{{{selector}}} >= {slo.min_bad}",
            f"{scope.series('valid_events:increase', long)}{{{selector}}} >= {slo.min_valid}",
            _still(context, scope, rate, f"{error}{short}{{{selector}}} > {limit}", selector),
        ]
        conditions = "".join(f"\n  and {on(scope.by)} {guard}" for guard in guards)
        parts.append(f"({error}{long}{{{selector}}} > {limit}{conditions})\n/ {number(float(share))}")
    return "\nor ".join(parts)


def _still(context: Context, scope: Scope, rate: BurnRate, exceeded: str, selector: str) -> str:
    """The short window's part: while it is empty, an alert that fires goes on."""
    own = {"severity": rate.severity, "window": rate.window} | scope.own_labels
    fires = total(scope.by, context.firing(scope.slo, {**scope.slo.by, **scope.slo.labels}, **own))
    empty = f"{scope.series('valid_events:increase', window_text(rate.short_minutes))}{{{selector}}} == 0"
    return f"({exceeded} or ({empty} and {on(scope.by)} {fires}))"


def low_traffic(scope: Scope) -> str:
    """The period's budget is spent, still being spent, and by so few events that the other alerts are blind."""
    slo = scope.slo
    longest = max(one for rate in slo.compiled_burn_rates() for one in (rate.long_minutes, rate.short_minutes))
    window, own = window_text(longest), {"slo": slo.name}
    error = scope.series("sli_error:ratio_rate", window)
    bad = grown(scope.by, select(SLO_BAD.name, own), slo.period_days * _MINUTES_A_DAY * _MINUTE)
    parts = []
    for selector, objective in scope.objectives():
        few = f"{scope.series('valid_events:increase', window)}{{{selector}}} < {LOW_TRAFFIC * longest}"
        spent = f"{error}{{{selector}}} > {number(float(budget_share(objective)))}"
        parts.append(f"({spent} and {on(scope.by)} {few})")
    burning = "\n  or ".join(parts)
    whole = {"group": "total"} if scope.composite else {}
    left = f"min by ({', '.join(scope.by)}) ({select(SLO_BUDGET_REMAINING.name, own | whole)})"
    return f"(1 - {left} > 1)\nand {on(scope.by)} round({bad}) >= {slo.min_bad}\nand {on(scope.by)} (\n  {burning}\n)"


def slo_rules(slo: Slo, context: Context) -> Iterator[Rule]:
    """The recording rules of an SLO, and its alerts."""
    for scope in scopes(slo):
        yield from recorded(scope)
        for rate in slo.compiled_burn_rates():
            yield _burn_rate(context, scope, rate)
        if slo.low_traffic != "none":
            yield _low_traffic(context, scope)
    if slo.period_days > _RETENTION_DAYS and slo.low_traffic != "none":
        message = f"the alert for low traffic looks at bad events of {slo.period}: Prometheus must keep data so long"
        context.warn(slo, message)
    if slo.objectives and len(slo.by) == 1 and any("," in value for value in slo.objectives):
        context.warn(slo, "a group with a comma in its name")


def _burn_rate(context: Context, scope: Scope, rate: BurnRate) -> Rule:
    return Rule(
        burns(context, scope, rate),
        alert=scope.slo.name,
        labels=_slo_labels(context, scope, rate.severity, rate.window),
        annotations=_slo_annotations(context, scope, {"factor": float(rate.factor), "window": rate.window}),
    )


def _low_traffic(context: Context, scope: Scope) -> Rule:
    slo = scope.slo
    return Rule(
        low_traffic(scope),
        alert=slo.name,
        labels=_slo_labels(context, scope, slo.low_traffic, slo.period),
        annotations=_slo_annotations(context, scope, {"factor": 1.0, "window": slo.period}),
    )


def _slo_labels(context: Context, scope: Scope, severity: str, window: str) -> dict[str, str]:
    slo = scope.slo
    own = {"severity": severity, "window": window} | scope.own_labels
    labels = context.labels(slo.by, slo.labels, **own)
    return labels if scope.composite else labels | group_label(slo.by)


def _slo_annotations(context: Context, scope: Scope, own: Mapping[str, object]) -> dict[str, str]:
    slo, window = scope.slo, str(own["window"])
    fixed, by = {"slo": slo.name}, {} if scope.composite else {"group": "group"}
    left = Lookup(SLO_BUDGET_REMAINING.name, by, fixed | ({"group": "total"} if scope.composite else {}))
    lookups = {"budget_left": left, "outlook": replace(left, then=" of the error budget is left")}
    if window != slo.period:
        for name in ("valid", "bad"):
            lookups[name] = Lookup(scope.series(f"{name}_events:increase", window), by, fixed)
    constants = {**fixed, "objective": slo.objective, **own}
    return context.annotations(slo, slo.summary, Annotations(constants, lookups))
