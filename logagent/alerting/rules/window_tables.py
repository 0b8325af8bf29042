"""The keys that alerts on windows have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from logagent.alerting.checks import By, ExpressionText, Labels, Severity, Source, check_texts, subject
from logagent.alerting.rules.base import (
    NamedRule,
    Reading,
    by_field,
    description_field,
    labels_field,
    runbook_field,
    severity_field,
)
from logagent.alerting.rules.limits import Amount, check_limits, interval_of
from logagent.settings.values import Duration, custom_error

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW_NAMES = ("value", "threshold", "count", "window", "trace_id")
"""What a window alert's texts may name beside labels and fields."""
NoDataWord = Literal["keep", "ok", "alert"]
MANY_GROUPS = 100_000
_DAY = 86_400.0


def min_count_field() -> Any:
    """The key ``min_count``."""
    return Field(
        default=1,
        ge=1,
        le=1_000_000_000,
        description="Events that a window needs: with fewer there is no data. 20 to 50 keep one bad event at night from paging.",
        examples=[20],
    )


def number_field() -> Any:
    """The key ``value``, of the kinds that take a number."""
    return Field(
        min_length=1,
        description="Number of an event; events without one are left out.",
        examples=["duration", "gen_ai.usage.output_tokens"],
    )


class WindowTable(NamedRule):
    """What the alerts on windows have in common."""

    kind: str
    source: Source = Field(
        alias="from", description="`log`, `error`, `span` for all spans, or a kind of span.", examples=["request"]
    )
    where: ExpressionText = Field(
        default="", description="Condition of the events; none takes every event.", examples=['endpoint != "/healthz"']
    )
    by: By = by_field()
    window: Duration = Field(
        ge=1.0, description="How far back each look reaches. A multiple of `interval`.", examples=["5m"]
    )
    interval: Duration | None = Field(
        default=None,
        ge=1.0,
        validate_default=True,
        description="Time between two looks; 15s if not given, wider where a window would have more than 240 of it.",
        examples=["15s"],
    )
    hold: Duration | None = Field(
        default=None,
        alias="for",
        description="How long the condition must hold, at every look, before the alert fires; until then it is pending.",
        examples=["2m"],
    )
    keep_firing_for: Duration | None = Field(
        default=None,
        description="How long the condition must not hold before the alert resolves.",
        examples=["5m"],
    )
    allowed_lateness: Duration = Field(
        default=30.0,
        description="How long each look waits for lines that come late, in the log's own time.",
        examples=["30s"],
    )
    forget_after: Duration | None = Field(
        default=None,
        validate_default=True,
        description="Time without an event after which a group is not known any more; 24h if not given, or `window` where that is longer.",
        examples=["24h"],
    )
    severity: Severity = severity_field()
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ value }} in {{ window | duration }}",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["{{ value }} logins failed in {{ window | duration }}"],
    )
    description: str = description_field("{{ count }} events, one of them in trace {{ trace_id }}")
    runbook_url: str = runbook_field()
    max_groups: int = Field(
        default=1000,
        ge=1,
        le=MANY_GROUPS,
        description="Groups that are known at once; the rest share one.",
        examples=[1000],
    )

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: float | None, info: ValidationInfo) -> float | None:
        return interval_of(info.data["window"], interval) if "window" in info.data else interval

    @field_validator("forget_after")
    @classmethod
    def _check_forget_after(cls, forget_after: float | None, info: ValidationInfo) -> float:
        window = info.data.get("window", 0.0)
        if forget_after is not None and forget_after < window:
            raise custom_error("a group would be forgotten within its window", "at least as long as `window`")
        return max(_DAY, window) if forget_after is None else forget_after

    @field_validator("summary", "description")
    @classmethod
    def _check_texts(cls, text: str, info: ValidationInfo) -> str:
        return check_texts(text, info, cls.text_names(), subject(info.data.get("source", "span")))

    @classmethod
    def text_names(cls) -> tuple[str, ...]:
        """What texts may name beside labels and fields."""
        return WINDOW_NAMES

    @property
    def measured(self) -> str:
        """The expression whose value of an event is measured; empty where events are only counted."""
        return ""

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        expressions = (self.where, self.measured, *self.by.values())
        return [Reading.of(self.source, expressions, (self.summary, self.description))]


class LimitTable(WindowTable):
    """What the alerts have in common whose windows have a value."""

    above: Amount | None = Field(
        default=None,
        description="The condition: the value is greater. A number, or text with a unit. Either this or `below`.",
        examples=[100, "5s"],
    )
    below: Amount | None = Field(
        default=None, description="The condition: the value is less. Either this or `above`.", examples=[1]
    )
    recover: Amount | None = Field(
        default=None,
        description="While it fires, the condition stays true until the value is here or better; the limit if not given.",
        examples=[50],
    )
    no_data: NoDataWord = Field(
        default="ok",
        description="What a window without events means: `ok`: its value is 0; `keep`: nothing changes; `alert`: the condition holds.",
        examples=["keep"],
    )

    @model_validator(mode="after")
    def _check_limits(self) -> LimitTable:
        check_limits(self.above, self.below, self.recover)
        return self

    @property
    def limit(self) -> float:
        """Where the bad side begins."""
        return self.above if self.above is not None else self.below or 0.0


class SampleTable(LimitTable):
    """What the alerts have in common whose value needs events."""

    min_count: int = min_count_field()
    no_data: NoDataWord = Field(
        default="keep",
        description="What a window with too few events means: `keep`: nothing changes; `ok`: all is well; `alert`: the condition holds.",
        examples=["alert"],
    )
