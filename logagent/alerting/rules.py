"""Alert rules as files write them: every key declared once, with what it means and an example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from logagent.alerting.checks import (
    BUDGET_NAMES,
    EVENT_NAMES,
    By,
    ExpressionText,
    Labels,
    Name,
    Severity,
    Source,
    Zone,
    check_texts,
    subject,
)
from logagent.alerting.state import LARGEST_VALUE
from logagent.settings.values import Duration, custom_error

_LARGEST_SHARE = 5.0
"""500 % of a limit: whoever writes more means percent."""

Amount = Annotated[float, Field(gt=0, le=LARGEST_VALUE)]


class RuleTable(BaseModel):
    """A table of a rule file: strict, immutable; an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NamedRule(RuleTable):
    """What alerts come from."""

    name: Name = Field(
        description="Label `alertname` of the alerts; no two rules share one.",
        examples=["SlowQuery", "LlmMonthlyBudget"],
    )


class EventAlert(NamedRule):
    """An alert on events: each group fires with its first event and resolves when it is quiet."""

    kind: Literal["event"] = Field(description="What the alert looks at: single events.", examples=["event"])
    source: Source = Field(
        alias="from", description="`log`, `error`, `span` for all spans, or a kind of span.", examples=["query", "log"]
    )
    where: ExpressionText = Field(
        default="", description="Condition of the event; none takes every event.", examples=["duration > 1s"]
    )
    by: By = Field(
        default={},
        description="What groups events: field names, or a table of label = expression. A missing value gives no label.",
        examples=[["db.collection.name"], {"statement": "db.query.summary or db.operation.name"}],
    )
    value: ExpressionText = Field(
        default="",
        description="Number of an event whose largest is kept as the worst, with its event as the example.",
        examples=["duration"],
    )
    severity: Severity = Field(default="warning", description="Label `severity`.", examples=["critical"])
    labels: Labels = Field(default={}, description="Further labels of the alert.", examples=[{"team": "storage"}])
    summary: str = Field(
        default="{{ count }} events",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["{{ count }} slow queries on {{ labels.table }}, worst {{ value | duration }}"],
    )
    description: str = Field(
        default="", description="More about the alert, as `summary`.", examples=["{{ db.query.text | truncate(160) }}"]
    )
    runbook_url: str = Field(
        default="", description="What to do about it.", examples=["https://runbooks.example.org/slow-query"]
    )
    resolve_after: Duration = Field(
        default=1800.0, description="Quiet time after which a group resolves.", examples=["30m"]
    )
    repeat: Duration = Field(
        default=600.0, description="Least time between two notifications of a group that goes on.", examples=["10m"]
    )
    max_groups: int = Field(
        default=100, ge=1, le=10_000, description="Groups that may fire at once; the rest share one.", examples=[100]
    )

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, EVENT_NAMES, subject(info.data.get("source", "span")))


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
    severity: Severity = Field(default="warning", description="Label `severity`.", examples=["warning"])
    labels: Labels = Field(default={}, description="Further labels of the alerts.", examples=[{"team": "ml"}])
    summary: str = Field(
        default="{{ share | percent }} of {{ budget }} is spent",
        description="One line about the alert, as in an alert.",
        examples=["{{ spent | usd }} of {{ limit | usd }} spent in {{ period }}"],
    )
    description: str = Field(
        default="", description="More about the alert.", examples=["{{ unpriced }} calls had no price"]
    )
    runbook_url: str = Field(
        default="", description="What to do about it.", examples=["https://runbooks.example.org/budget"]
    )
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
