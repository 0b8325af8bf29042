"""``[[budget]]``: what may be spent in a calendar period."""

from __future__ import annotations

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
from logagent.settings.values import custom_error

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_SHARE = 5.0
"""500 % of a limit: whoever writes more means percent."""

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
    period: Literal["hour", "day", "week", "month"] = Field(
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
        description="Shares of the limit, each told once a period: numbers, or tables with a severity.",
        examples=[[0.5, 0.9, {"at": 1.0, "severity": "critical"}]],
    )
    severity: Severity = severity_field()
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ share | percent }} of {{ budget }} is spent",
        description="One line about the alert, as in an alert.",
        examples=["{{ spent | usd }} of {{ limit | usd }} spent in {{ period }}"],
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
        shares = [threshold.at for threshold in thresholds]
        if len(set(shares)) < len(shares):
            raise custom_error("a threshold is there twice", "each share once")
        return sorted(thresholds, key=lambda threshold: threshold.at)

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, BUDGET_NAMES, "")

    @field_validator("unit")
    @classmethod
    def _check_unit(cls, unit: str, info: ValidationInfo) -> str:
        if "currency" in info.data and bool(unit) == bool(info.data["currency"]):
            raise custom_error("a budget counts money or something else", 'currency = "USD", or unit = "tokens"')
        return unit

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        return [Reading.of(self.source, (self.where, self.value, *self.by.values()))]
