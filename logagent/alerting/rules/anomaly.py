"""``[[alert]]`` of the kind ``anomaly``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from logagent.alerting.checks import By, ExpressionText, Labels, Severity, Source, Zone, check_texts, subject
from logagent.alerting.rules.base import (
    NamedRule,
    Reading,
    by_field,
    description_field,
    labels_field,
    runbook_field,
    severity_field,
)
from logagent.alerting.rules.limits import check_share
from logagent.settings.values import Duration, custom_error, format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

ANOMALY_NAMES = ("value", "expected", "expected_low", "expected_high", "score", "count", "trace_id")
"""What an anomaly alert's texts may name beside labels and fields."""
COUNTED = ("count", "rate")
"""Aggregates of events that need no value."""
_SCALES = {"count": "sqrt", "rate": "sqrt", "sum": "sqrt"}
_DAY = 86_400.0
_MOST_WINDOWS = 50_000
"""Within ``forget_after``: so many looks at a group without events are quickly done."""
_REMEMBERED = {"none": _DAY, "day": 7 * _DAY, "week": 28 * _DAY}
"""Quiet time after which what a season has learned is worth nothing."""


class AnomalyAlert(NamedRule):
    """An alert on values that are unlike those before."""

    kind: Literal["anomaly"] = Field(
        description="What is looked at: whether values are as they usually are.", examples=["anomaly"]
    )
    source: Source = Field(
        alias="from", description="`log`, `error`, `span` for all spans, or a kind of span.", examples=["llm"]
    )
    where: ExpressionText = Field(
        default="", description="Condition of the events; none takes every event.", examples=["not error"]
    )
    by: By = by_field()
    value: ExpressionText = Field(
        default="",
        description="Number of an event; events without one are left out. `count` and `rate` have none.",
        examples=["duration", "gen_ai.usage.total_tokens", "gen_ai.usage.cost"],
    )
    window: Duration | None = Field(
        default=None,
        ge=10.0,
        le=7 * _DAY,
        description="The events of each window, one after the other, are one sample. Without it each event is one.",
        examples=["5m"],
    )
    aggregate: Literal["mean", "sum", "count", "rate", "quantile"] | None = Field(
        default=None, description="What the events of a window come to.", examples=["quantile"]
    )
    quantile: Annotated[float, AfterValidator(check_share)] | None = Field(
        default=None, description="Which one, of the aggregate `quantile`.", examples=[0.95]
    )
    scale: Literal["log", "sqrt", "linear"] | None = Field(
        default=None,
        validate_default=True,
        description="On which values are compared. If not given, `sqrt` for `count`, `rate` and `sum`, else `log`: shares, not differences. `linear` for scores and temperatures.",
        examples=["linear"],
    )
    season: Literal["none", "day", "week"] = Field(
        default="none",
        description="`day`: values are held against the same time of the last 7 days; `week`: of the same weekday, 4 weeks back. Until 2 of them are known, and with `none`, against the last samples.",
        examples=["week"],
    )
    timezone: Zone = Field(default="UTC", description="IANA zone of the season's days.", examples=["Europe/Amsterdam"])
    direction: Literal["above", "below", "both"] = Field(
        default="both", description="Which values are unusual: too much, too little, or both.", examples=["above"]
    )
    sensitivity: float = Field(
        default=3.0,
        ge=1.0,
        le=100.0,
        description="How many standard deviations (robust ones) from the median are unusual. More gives fewer alerts.",
        examples=[4.0],
    )
    datapoints: int = Field(
        default=3, ge=1, le=60, description="So many unusual samples on the same side …", examples=[3]
    )
    of: int = Field(default=5, ge=1, le=60, description="… of the last so many let the alert fire.", examples=[5])
    warm_up: int = Field(
        default=100, ge=10, le=100_000, description="Samples of a group before any is judged.", examples=[100]
    )
    min_count: int = Field(
        default=1,
        ge=1,
        le=1_000_000_000,
        description="Events that a window needs to be a sample. For `count`, `rate` and `sum`: to be too much; and a `count` or `rate` is too little only where it usually has so many.",
        examples=[20],
    )
    cooldown: Duration = Field(
        default=1800.0, description="Time after an alert's end in which its group has no new one.", examples=["30m"]
    )
    accept_after: Duration = Field(
        default=21_600.0,
        description="What is unusual for so long becomes the usual level, and the alert resolves. Until then it is not learned.",
        examples=["6h"],
    )
    resolve_after: Duration | None = Field(
        default=None,
        validate_default=True,
        description="Time without a sample after which an alert resolves; 30m if not given, or 3 windows where that is longer.",
        examples=["30m"],
    )
    forget_after: Duration | None = Field(
        default=None,
        validate_default=True,
        description="Time without an event after which nothing is known of a group any more; 24h if not given, 7d with the season `day`, 28d with `week`.",
        examples=["24h"],
    )
    allowed_lateness: Duration = Field(
        default=30.0,
        description="How long each window waits for lines that come late, in the log's own time.",
        examples=["30s"],
    )
    severity: Severity = severity_field()
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ value }}, usually {{ expected_low }} to {{ expected_high }}",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["{{ value | duration }}, usually {{ expected | duration }}"],
    )
    description: str = description_field(
        "{{ score }} standard deviations from {{ expected }}, as in trace {{ trace_id }}"
    )
    runbook_url: str = runbook_field()
    max_groups: int = Field(
        default=1000, ge=1, le=10_000, description="Groups that are known at once; the rest share one.", examples=[1000]
    )

    @field_validator("scale")
    @classmethod
    def _choose_scale(cls, scale: str | None, info: ValidationInfo) -> str:
        return scale or _SCALES.get(info.data.get("aggregate") or "", "log")

    @field_validator("resolve_after")
    @classmethod
    def _choose_resolve_after(cls, resolve_after: float | None, info: ValidationInfo) -> float:
        window = info.data.get("window") or 0.0
        if resolve_after is not None and resolve_after < window:
            raise custom_error("an alert would resolve before its next sample", "at least as long as `window`")
        return resolve_after or max(1800.0, 3 * window)

    @field_validator("forget_after")
    @classmethod
    def _check_forget_after(cls, forget_after: float | None, info: ValidationInfo) -> float:
        window, quiet = info.data.get("window") or 0.0, info.data.get("resolve_after") or 0.0
        usual = max(_REMEMBERED[info.data.get("season", "none")], quiet)
        chosen = forget_after or min(usual, window * _MOST_WINDOWS or usual)
        if chosen < quiet:
            raise custom_error("a group would be forgotten while it fires", "at least as long as `resolve_after`")
        if window and chosen > window * _MOST_WINDOWS:
            most = format_duration(window * _MOST_WINDOWS)
            raise custom_error(f"more than {_MOST_WINDOWS:,} windows without an event", f'at most "{most}"')
        return chosen

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, ANOMALY_NAMES, subject(info.data.get("source", "span")))

    @model_validator(mode="after")
    def _check_measure(self) -> AnomalyAlert:
        _check_aggregate(self)
        if self.datapoints > self.of:
            raise custom_error("more `datapoints` than samples they are `of`", f"of = {self.datapoints}")
        if self.season != "none" and (self.window or 0.0) > _DAY:
            raise custom_error("a window longer than a day has no time of day", 'season = "none"')
        return self

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        expressions = (self.where, self.value, *self.by.values())
        return [Reading.of(self.source, expressions, (self.summary, self.description))]


def _check_aggregate(alert: AnomalyAlert) -> None:
    """What is measured is told, and once. Raises a validator's error."""
    if alert.window is None:
        if alert.aggregate is not None:
            raise custom_error("`aggregate` without `window`", 'window = "5m"')
        if alert.min_count > 1:
            raise custom_error("`min_count` without `window`", 'window = "5m", or no `min_count`')
    elif alert.aggregate is None:
        raise custom_error("`window` without `aggregate`", "one of mean, sum, count, rate, quantile")
    if (alert.aggregate == "quantile") != (alert.quantile is not None):
        if alert.quantile is None:
            raise custom_error("`quantile` is missing", "quantile = 0.95")
        raise custom_error("`quantile` without the aggregate of that name", 'aggregate = "quantile"')
    if alert.aggregate in COUNTED and alert.value:
        raise custom_error(f"`{alert.aggregate}` takes no `value`", "no `value`, or another aggregate")
    if alert.aggregate not in COUNTED and not alert.value:
        raise custom_error("`value` is missing", 'value = "duration"')
    if alert.scale == "sqrt" and alert.aggregate not in _SCALES:
        raise custom_error("the scale `sqrt` is for counts and sums", 'scale = "log" or scale = "linear"')
