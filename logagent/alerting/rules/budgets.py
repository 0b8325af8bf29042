"""``[[budget]]``: what may be spent in a calendar period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from logagent.alerting.checks import BUDGET_NAMES, By, ExpressionText, Labels, Severity, Source, Zone, check_texts
from logagent.alerting.rules.base import (
    NamedRule,
    Reading,
    RuleTable,
    description_field,
    labels_field,
    runbook_field,
    severity_field,
)
from logagent.alerting.state import LARGEST_VALUE
from logagent.settings.values import Duration, custom_error, format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_SHARE = 5.0
"""500 % of a limit: whoever writes more means percent."""

PROJECTION_NAMES = ("projected", "projected_low", "projected_high", "forecast_30d")
"""What a budget's texts may name of its forecast."""
FORECAST_NAMES = (*PROJECTION_NAMES, "chance")
"""Those, and the probability of reaching the threshold."""
BURN_NAMES = (
    *("budget", "limit", "spent", "share", "currency", "unit", "period", "value", "trace_id"),
    *("burn_rate", "exhausted_in", "labels.window"),
)
"""What the line of a burn rate may name: spend is that of the window; ``exhausted_in`` is how long a limit lasts."""
_OWN_LABELS = frozenset({"basis", "window"})
_LONGEST_WINDOW = 3 * 86_400
_SHORTEST = {"day": 86_400, "week": 7 * 86_400, "month": 28 * 86_400, "quarter": 90 * 86_400, "year": 365 * 86_400}
"""Seconds."""

Amount = Annotated[float, Field(gt=0, le=LARGEST_VALUE)]


def _check_share(at: float) -> float:
    if 0 < at <= _LARGEST_SHARE:
        return at
    hint = f"a share of the limit: {at:g} % is {at / 100:g}" if at > 0 else "a share of the limit: 50 % is 0.5"
    raise custom_error(f"a threshold of {at:g} times the limit", hint)


class Threshold(RuleTable):
    """A share of a budget that is worth an alert."""

    at: Annotated[float, AfterValidator(_check_share)] = Field(description="Share of the limit.", examples=[0.9])
    severity: Severity = Field(
        default="", description="Label `severity`; the budget's if not given.", validate_default=False
    )
    basis: Literal["spend", "forecast"] = Field(
        default="spend",
        description="What must reach it: what is spent, or what the period will probably come to.",
        examples=["forecast"],
    )
    confidence: float = Field(
        default=0.5,
        ge=0.05,
        le=0.99,
        description="Least probability with which a forecast must reach it.",
        examples=[0.8],
    )
    not_before: Duration | None = Field(
        default=None,
        description="Time from the period's start before which no forecast is told; a tenth of the period if not given.",
        examples=["3d"],
    )


def _check_minutes(seconds: float) -> float:
    if seconds % 60 or not 60 <= seconds <= _LONGEST_WINDOW:  # noqa: PLR2004 - a minute
        raise custom_error(f"{format_duration(seconds)} is no window", "whole minutes, from 1m to 3d")
    return seconds


class BurnRate(RuleTable):
    """Spend that is so fast that no forecast is waited for."""

    long: Annotated[Duration, AfterValidator(_check_minutes)] = Field(
        description="Time in which so much is spent; whole minutes, 3d at most.", examples=["1h"]
    )
    short: Annotated[Duration, AfterValidator(_check_minutes)] = Field(
        description="Time in which the same speed must hold, so that the alert ends soon after the spend.",
        examples=["5m"],
    )
    budget_consumed: float = Field(gt=0, le=1, description="Share of the limit that `long` may cost.", examples=[0.05])
    severity: Severity = Field(
        default="", description="Label `severity`; the budget's if not given.", validate_default=False
    )

    @field_validator("short")
    @classmethod
    def _check_short(cls, short: float, info: ValidationInfo) -> float:
        window = info.data.get("long")
        if window is not None and short >= window:
            raise custom_error("the short window is not shorter", f"a twelfth: {format_duration(window / 12)}")
        return short


def _share_as_table(value: object) -> object:
    return {"at": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


class Budget(NamedRule):
    """What may be spent in a calendar period, and when to tell."""

    source: Source = Field(default="llm", alias="from", description="What spends: as in an alert.", examples=["llm"])
    where: ExpressionText = Field(
        default="", description="Which of it counts; none takes all.", examples=['gen_ai.provider.name == "openai"']
    )
    value: ExpressionText = Field(
        min_length=1,
        description="What one costs. Where it has no value, the call is counted as unpriced, never as zero.",
        examples=["gen_ai.usage.cost", "gen_ai.usage.output_tokens"],
    )
    currency: str = Field(
        default="", pattern=r"^([A-Z]{3})?$", description="ISO 4217 code, for money.", examples=["USD"]
    )
    unit: str = Field(
        default="",
        max_length=40,
        validate_default=True,
        description="What is counted, where it is not money.",
        examples=["tokens"],
    )
    limit: Amount = Field(description="What may be spent in a period, by each group.", examples=[1000.0])
    period: Literal["hour", "day", "week", "month", "quarter", "year"] = Field(
        description="Calendar period; weeks start on Monday.", examples=["month"]
    )
    timezone: Zone = Field(default="UTC", description="IANA zone of the calendar.", examples=["Europe/Amsterdam"])
    by: By = Field(default={}, description="What has a budget of its own: as in an alert.", examples=[["user.id"]])
    limits: dict[str, Amount] = Field(
        default={},
        description="Limits of single groups, by the value of the one label in `by`.",
        examples=[{"research": 2000.0}],
    )
    thresholds: Annotated[
        list[Annotated[Threshold, BeforeValidator(_share_as_table)]], Field(min_length=1, max_length=20)
    ] = Field(
        default=[Threshold(at=0.5), Threshold(at=0.9), Threshold(at=1.0)],
        description="Shares of the limit, each told once a period: numbers, or tables.",
        examples=[[0.5, 0.9, {"at": 1.0, "severity": "critical"}]],
    )
    burn_rates: Annotated[list[BurnRate], Field(max_length=10)] = Field(
        default=[],
        description="Speeds of spend that are worth an alert.",
        examples=[[{"long": "1h", "short": "5m", "budget_consumed": 0.05}]],
    )
    missing_price: Literal["ignore", "alert"] = Field(
        default="ignore",
        description="Whether to tell of a period's first call without a price. All of them are counted.",
        examples=["alert"],
    )
    severity: Severity = severity_field()
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ share | percent }} of {{ budget }} is spent",
        description="One line about the alert, as in an alert.",
        examples=["{{ spent | usd }} of {{ limit | usd }} spent in {{ period }}"],
    )
    forecast_summary: str = Field(
        default="{{ projected }} of {{ limit }} {{ currency }} is expected for {{ period }}, {{ projected_low }} to {{ projected_high }}",
        description="The line of a threshold whose basis is the forecast.",
        examples=["{{ projected | usd }} is expected for {{ period }}, {{ limit | usd }} is the limit"],
    )
    burn_summary: str = Field(
        default="{{ budget }} is spent {{ burn_rate }} times too fast: at this speed it lasts {{ exhausted_in | duration }}",
        description="The line of a burn rate.",
        examples=["{{ spent | usd }} in {{ labels.window }}: {{ share | percent }} of the limit"],
    )
    description: str = description_field("{{ unpriced }} calls had no price")
    runbook_url: str = runbook_field()
    max_groups: int = Field(
        default=1000, ge=1, le=100_000, description="Groups of a period; the rest share one.", examples=[1000]
    )

    @field_validator("limits")
    @classmethod
    def _check_limits(cls, limits: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if limits and len(info.data.get("by", {"": ""})) != 1:
            raise custom_error(
                "limits of groups need one label", 'by = ["user.id"], with one limit for each of its values'
            )
        return limits

    @field_validator("thresholds")
    @classmethod
    def _check_thresholds(cls, thresholds: list[Threshold]) -> list[Threshold]:
        marks = [(threshold.basis, threshold.at) for threshold in thresholds]
        if len(set(marks)) < len(marks):
            raise custom_error("a threshold is there twice", "each share once")
        return sorted(thresholds, key=lambda threshold: threshold.at)

    @field_validator("thresholds")
    @classmethod
    def _check_forecasts(cls, thresholds: list[Threshold], info: ValidationInfo) -> list[Threshold]:
        period = info.data.get("period")
        if period == "hour" and any(threshold.basis == "forecast" for threshold in thresholds):
            raise custom_error("an hour has no forecast, which goes by days", 'period = "day", or burn_rates')
        longest = _SHORTEST.get(str(period), math.inf)
        for threshold in thresholds:
            if threshold.not_before is not None and threshold.not_before >= longest:
                late = format_duration(threshold.not_before)
                raise custom_error(f"`not_before` of {late} is never in a {period}", "less than the period")
        return thresholds

    @field_validator("burn_rates")
    @classmethod
    def _check_burn_rates(cls, burn_rates: list[BurnRate]) -> list[BurnRate]:
        windows = [one.long for one in burn_rates]
        if len(set(windows)) < len(windows):
            raise custom_error("a window is there twice", "each window once")
        return burn_rates

    @field_validator("by", "labels")
    @classmethod
    def _check_own_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in _OWN_LABELS.intersection(labels):
            raise custom_error(f"the label `{name}` is set by budgets", f"another name, such as {name}_name")
        return labels

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, (*BUDGET_NAMES, *PROJECTION_NAMES), "")

    @field_validator("forecast_summary")
    @classmethod
    def _check_forecast_text(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, (*BUDGET_NAMES, *FORECAST_NAMES), "")

    @field_validator("burn_summary")
    @classmethod
    def _check_burn_text(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, BURN_NAMES, "")

    @field_validator("unit")
    @classmethod
    def _check_unit(cls, unit: str, info: ValidationInfo) -> str:
        if "currency" in info.data and bool(unit) == bool(info.data["currency"]):
            raise custom_error("a budget counts money or something else", 'currency = "USD", or unit = "tokens"')
        return unit

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        return [Reading.of(self.source, (self.where, self.value, *self.by.values()))]
