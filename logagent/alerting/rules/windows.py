"""``[[alert]]`` of the kinds that look at windows of event time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from logagent.alerting.checks import ExpressionText  # noqa: TC001 - pydantic reads the annotations
from logagent.alerting.rules.limits import check_share
from logagent.alerting.rules.window_tables import (
    MANY_GROUPS,
    WINDOW_NAMES,
    LimitTable,
    SampleTable,
    WindowTable,
    number_field,
)
from logagent.settings.values import Duration, custom_error


class CountAlert(LimitTable):
    """How many events."""

    kind: Literal["count"] = Field(description="What is looked at: how many events.", examples=["count"])


class RateAlert(LimitTable):
    """How many events a second."""

    kind: Literal["rate"] = Field(
        description="What is looked at: events per second, over the window.", examples=["rate"]
    )


class SumAlert(LimitTable):
    """The sum of a number."""

    kind: Literal["sum"] = Field(description="What is looked at: the sum of a number.", examples=["sum"])
    value: ExpressionText = number_field()

    @property
    def measured(self) -> str:
        """The number."""
        return self.value


class DistinctAlert(LimitTable):
    """How many different values."""

    kind: Literal["distinct"] = Field(
        description="What is looked at: how many different values.", examples=["distinct"]
    )
    value: ExpressionText = Field(
        min_length=1,
        description="What is told apart; events without it are left out. Beyond 10,000 values it means: at least.",
        examples=["user.id"],
    )

    @property
    def measured(self) -> str:
        """What is told apart."""
        return self.value


class MeanAlert(SampleTable):
    """The mean of a number."""

    kind: Literal["mean"] = Field(description="What is looked at: the mean of a number.", examples=["mean"])
    value: ExpressionText = number_field()

    @property
    def measured(self) -> str:
        """The number."""
        return self.value


class QuantileAlert(SampleTable):
    """A quantile of a number."""

    kind: Literal["quantile"] = Field(description="What is looked at: a quantile of a number.", examples=["quantile"])
    value: ExpressionText = number_field()
    quantile: Annotated[float, AfterValidator(check_share)] = Field(
        description="Which one: a share of the events that have no greater number.", examples=[0.95]
    )

    @property
    def measured(self) -> str:
        """The number."""
        return self.value


class RatioAlert(SampleTable):
    """The share of events that a condition is true for."""

    kind: Literal["ratio"] = Field(description="What is looked at: the share of bad events.", examples=["ratio"])
    bad: ExpressionText = Field(
        min_length=1,
        description="Condition on the events that `where` takes; the value is the share of those for which it is true.",
        examples=["error", "http.response.status_code >= 500"],
    )
    summary: str = Field(
        default="{{ value | percent }} of {{ count }} events in {{ window | duration }}",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["{{ value | percent }} of {{ count }} requests fail"],
    )

    @field_validator("above", "below", "recover")
    @classmethod
    def _check_share(cls, share: float | None) -> float | None:
        return None if share is None else check_share(share, least=0.0, most=1.0)

    @property
    def measured(self) -> str:
        """The condition."""
        return self.bad


class AbsenceAlert(WindowTable):
    """Groups without events."""

    kind: Literal["absence"] = Field(description="What is looked at: silence.", examples=["absence"])
    window: Duration = Field(
        ge=1.0, description="Silence after which a group is missing. A multiple of `interval`.", examples=["10m"]
    )
    expected: list[dict[str, str]] = Field(
        default=[],
        max_length=MANY_GROUPS,
        description="Groups that are missed also if there never was an event of them, and never forgotten.",
        examples=[[{"host": "w1"}, {"host": "w2"}]],
    )
    summary: str = Field(
        default="nothing for {{ since | duration }}",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["no heartbeat of {{ labels.host }} for {{ since | duration }}"],
    )

    @field_validator("expected")
    @classmethod
    def _check_expected(cls, expected: list[dict[str, str]], info: ValidationInfo) -> list[dict[str, str]]:
        by = info.data.get("by")
        if by is None or all(group.keys() == by.keys() for group in expected):
            return expected
        names = ", ".join(f'{name} = "…"' for name in by)
        if not names:
            raise custom_error(
                "an expected group without `by`", 'by = ["host"], or no `expected`: all events are one group'
            )
        raise custom_error("an expected group has the labels of `by`, all of them and no others", f"{{ {names} }}")

    @model_validator(mode="after")
    def _check_room(self) -> AbsenceAlert:
        if len(self.expected) > self.max_groups:
            raise custom_error("more groups are expected than `max_groups`", f"max_groups = {len(self.expected)}")
        return self

    @classmethod
    def text_names(cls) -> tuple[str, ...]:
        """Also how long the silence is."""
        return (*WINDOW_NAMES, "since")


WINDOW_ALERTS: dict[str, type[WindowTable]] = {
    "count": CountAlert,
    "rate": RateAlert,
    "ratio": RatioAlert,
    "sum": SumAlert,
    "mean": MeanAlert,
    "quantile": QuantileAlert,
    "distinct": DistinctAlert,
    "absence": AbsenceAlert,
}
"""Value of the key ``kind`` → what the table must be."""
