"""Tables of ``burn_rates``: how fast an error budget may be spent before somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from logagent.alerting.checks import Severity
from logagent.alerting.rules.base import RuleTable
from logagent.alerting.slo.burn_rates import (
    MINUTES_A_DAY,
    BurnRate,
    can_fire,
    exact,
    factor_of,
    least_objective,
    workbook_burn_rates,
)
from logagent.settings.values import Duration, custom_error

if TYPE_CHECKING:
    from collections.abc import Sequence


def _check_minutes(seconds: float) -> float:
    if seconds % 60:
        raise custom_error("windows are whole minutes", '"5m", "1h" or "3d"')
    return seconds


Window = Annotated[Duration, AfterValidator(_check_minutes)]


class BurnRateAlert(RuleTable):
    """A burn rate that is worth an alert when both windows exceed it."""

    long: Window = Field(description="Window that shows how much was spent.", examples=["1h"])
    short: Window | None = Field(
        default=None,
        description="Window that shows that it is still being spent; a twelfth of `long` if not given.",
        examples=["5m"],
    )
    factor: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="How many times faster than evenly the budget is spent.", examples=[14.4]
    )
    budget_consumed: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="Instead of `factor`: the share of the budget that `long` may spend.",
        examples=[0.02],
        validate_default=True,
    )
    severity: Severity = Field(default="warning", description="Label `severity`.", examples=["critical"])

    @field_validator("short")
    @classmethod
    def _check_short(cls, short: float | None, info: ValidationInfo) -> float | None:
        if short is not None and short >= info.data.get("long", short + 1):
            raise custom_error("the short window is not shorter than the long one", "a twelfth of it, such as 5m of 1h")
        return short

    @field_validator("budget_consumed")
    @classmethod
    def _check_one_of_two(cls, consumed: float | None, info: ValidationInfo) -> float | None:
        if "factor" in info.data and (consumed is None) == (info.data["factor"] is None):
            raise custom_error("either `factor` or `budget_consumed`", "factor = 14.4, or budget_consumed = 0.02")
        return consumed

    def compiled(self, period_days: int) -> BurnRate:
        """The alert for a period of so many days."""
        long = round(self.long / 60)
        short = max(round((self.short or self.long / 12) / 60), 1)
        if self.factor is not None:
            return BurnRate(long, short, exact(self.factor), self.severity)
        return BurnRate(long, short, factor_of(exact(self.budget_consumed or 0), long, period_days), self.severity)


def compiled_burn_rates(tables: Sequence[BurnRateAlert], days: int) -> tuple[BurnRate, ...]:
    """The alerts for a period of so many days; the workbook's where there are no tables."""
    return tuple(table.compiled(days) for table in tables) or workbook_burn_rates(days)


def check_burn_rates(found: Sequence[BurnRate], days: int, objective: float) -> None:
    """Raises a validator's error where a window is too long, two alerts have the same labels, or one can never fire.

    ``objective`` is the lowest of all groups, in percent.
    """
    for one in found:
        if one.long_minutes >= days * MINUTES_A_DAY:
            raise custom_error(
                f"the window {one.window} is not shorter than the period", "windows from an hour to days"
            )
        if one.short_minutes >= one.long_minutes:
            raise custom_error(f"the window {one.window} has no shorter one", 'long = "1h", short = "5m"')
    if len({(one.long_minutes, one.severity) for one in found}) < len(found):
        raise custom_error("two burn rates of one window and severity", "each window once for each severity")
    for one in found:
        _check_reach(one, objective)


def _check_reach(one: BurnRate, objective: float) -> None:
    """An alert that cannot fire is a mistake: where all events are bad, the budget burns 1 / (1 - objective) times too fast."""
    if not can_fire(one, objective):
        needed = float(one.factor * (100 - exact(objective)))
        message = f"the burn rate of {one.window} ({float(one.factor):g} times) can never be exceeded"
        raise custom_error(
            f"{message} at {objective:g} %",
            f"it would take {needed:g} % bad events; objectives above {least_objective(one):.2f} % work, "
            "or burn_rates of your own with smaller factors",
        )
