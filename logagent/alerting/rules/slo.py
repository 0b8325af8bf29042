"""``[[slo]]``: how many of the valid events may be bad in a period."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, ValidationInfo, field_validator

from logagent.alerting.checks import By, ExpressionText, Labels, Severity, Source, Zone, check_texts
from logagent.alerting.rules.base import NamedRule, Reading, description_field, labels_field, runbook_field
from logagent.alerting.rules.burn_rates import BurnRateAlert, check_burn_rates, compiled_burn_rates
from logagent.alerting.slo.burn_rates import NOMINAL_DAYS, BurnRate, exact
from logagent.settings.values import Duration, custom_error

if TYPE_CHECKING:
    from collections.abc import Sequence

SLO_NAMES = (
    *("slo", "value", "factor", "objective", "budget_left", "exhausted_in", "outlook"),
    *("valid", "bad", "window", "trace_id"),
)
"""What an SLO's texts may name beside labels."""
_RESERVED = frozenset({"window", "composite"})
"""Labels that an SLO's alerts have beside those of all alerts."""
_ROLLING = re.compile(r"([1-9]\d?)d", re.ASCII)
_LEAST_DAYS, _MOST_DAYS = 7, 90


def _check_objective(objective: float) -> float:
    if objective >= 100:  # noqa: PLR2004 - percent
        raise custom_error(f"an objective of {objective:g} % leaves no error budget", "less than 100, such as 99.9")
    if not objective > 1:
        hint = f"percent: {float(exact(objective) * 100):g}" if 0 < objective < 1 else "percent, such as 99.9"
        raise custom_error(f"an objective of {objective:g} %", hint)
    return objective


def _check_period(period: str) -> str:
    match = _ROLLING.fullmatch(period)
    if period in NOMINAL_DAYS or (match and _LEAST_DAYS <= int(match[1]) <= _MOST_DAYS):
        return period
    hint = f'from "{_LEAST_DAYS}d" to "{_MOST_DAYS}d" for the last days, or a calendar\'s "week" or "month"'
    raise custom_error(f"`{period}` is no period of an SLO", hint)


def _default_as_none(value: object) -> object:
    """``default`` is what a rule without the key has."""
    return [] if value == "default" else value


class _OrDefault:
    """Has the JSON Schema name the word ``default`` too."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"const": "default"}, handler(schema)]}


Objective = Annotated[float, AfterValidator(_check_objective)]


class Slo(NamedRule):
    """How many of the valid events may be bad in a period, and how fast that may be spent."""

    source: Source = Field(
        default="request", alias="from", description="What is counted: as in an alert.", examples=["request"]
    )
    valid: ExpressionText = Field(
        default="", description="Which of it counts; none takes all.", examples=["not incomplete"]
    )
    good: ExpressionText = Field(
        default="",
        description="Condition of a good event; every other valid one is bad, also one without the field.",
        examples=["duration <= 2s"],
    )
    bad: ExpressionText = Field(
        default="",
        description="Instead of `good`: condition of a bad event.",
        examples=["http.response.status_code >= 500"],
        validate_default=True,
    )
    objective: Objective = Field(description="Percent of the valid events that are to be good.", examples=[99.9])
    by: By = Field(
        default={}, description="What has an error budget of its own: as in an alert.", examples=[["region"]]
    )
    objectives: dict[str, Objective] = Field(
        default={},
        description="Objectives of single groups, by the value of the one label in `by`.",
        examples=[{"ap": 99.5}],
    )
    composite: Literal["none", "total", "worst"] = Field(
        default="none",
        description="A group over all groups: all their events, or the figures of the one with the least budget left.",
        examples=["total"],
    )
    period: Annotated[str, AfterValidator(_check_period)] = Field(
        default="30d",
        description="The last 7 to 90 days, or the calendar's `week` or `month`.",
        examples=["30d", "month"],
    )
    timezone: Zone = Field(default="UTC", description="IANA zone of the calendar.", examples=["Europe/Amsterdam"])
    burn_rates: Annotated[
        list[BurnRateAlert], Field(max_length=20), BeforeValidator(_default_as_none), _OrDefault()
    ] = Field(
        default=[],
        description="Burn rates that are worth an alert; those of the SRE workbook, scaled to the period, if not given.",
        examples=[[{"long": "1h", "short": "5m", "budget_consumed": 0.02, "severity": "critical"}]],
        validate_default=True,
    )
    min_bad: int = Field(
        default=5, ge=1, le=1_000_000, description="Least bad events of the long window.", examples=[5]
    )
    min_valid: int = Field(
        default=1,
        ge=1,
        le=1_000_000_000,
        description="Least valid events of the long window; the alert for low traffic does without.",
        examples=[100],
    )
    low_traffic: Severity = Field(
        default="warning",
        description="Severity of the alert for low traffic; `none` for no such alert.",
        examples=["critical"],
    )
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ slo }} spends its error budget {{ value }} times too fast: {{ outlook }}",
        description="One line about the alert, as in an alert.",
        examples=[
            "{{ bad }} of {{ valid }} requests failed in {{ window }}, {{ budget_left | percent }} of the budget left"
        ],
    )
    description: str = description_field("{{ outlook }}; objective {{ objective }} %")
    runbook_url: str = runbook_field()
    allowed_lateness: Duration = Field(
        default=30.0, description="How long after its end a minute waits for late events.", examples=["30s"]
    )
    max_groups: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Groups with budgets of their own; the rest share one.",
        examples=[100],
    )

    @field_validator("bad")
    @classmethod
    def _check_one_of_two(cls, bad: str, info: ValidationInfo) -> str:
        if "good" in info.data and bool(bad) == bool(info.data["good"]):
            raise custom_error(
                "an SLO tells good events from bad ones by one condition",
                "good = 'duration <= 2s', or bad = 'http.response.status_code >= 500'",
            )
        return bad

    @field_validator("by", "labels")
    @classmethod
    def _check_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in sorted(_RESERVED & value.keys()):
            raise custom_error(f"the label `{name}` is set by logagent", f"another name, such as {name}_name")
        return value

    @field_validator("objectives")
    @classmethod
    def _check_objectives(cls, objectives: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if objectives and len(info.data.get("by", {"": ""})) != 1:
            raise custom_error(
                "objectives of groups need one label", 'by = ["region"], with one objective for each of its values'
            )
        return objectives

    @field_validator("composite")
    @classmethod
    def _check_composite(cls, composite: str, info: ValidationInfo) -> str:
        if composite != "none" and not info.data.get("by", {"": ""}):
            raise custom_error("a composite needs groups", 'by = ["region"]')
        return composite

    @field_validator("timezone")
    @classmethod
    def _check_calendar(cls, timezone: str, info: ValidationInfo) -> str:
        if timezone != "UTC" and info.data.get("period", "month") not in NOMINAL_DAYS:
            raise custom_error("the last days have no time zone", 'period = "month" or period = "week"')
        return timezone

    @field_validator("burn_rates")
    @classmethod
    def _check_burn_rates(cls, tables: list[BurnRateAlert], info: ValidationInfo) -> list[BurnRateAlert]:
        data = info.data
        if "period" in data and "objective" in data and "objectives" in data:
            days = _days(data["period"])
            lowest = min([data["objective"], *data["objectives"].values()])
            check_burn_rates(compiled_burn_rates(tables, days), days, lowest)
        return tables

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, (*SLO_NAMES, "labels.window"), "")

    @property
    def period_days(self) -> int:
        """The period's length, nominal for a calendar's."""
        return _days(self.period)

    def compiled_burn_rates(self) -> tuple[BurnRate, ...]:
        """The alerts, for this period."""
        return compiled_burn_rates(self.burn_rates, self.period_days)

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        return [Reading.of(self.source, (self.valid, self.good, self.bad, *self.by.values()))]


def _days(period: str) -> int:
    return NOMINAL_DAYS.get(period) or int(period[:-1])
