"""``[[route]]``, ``[[mute]]`` and ``[[time_interval]]``: who is told of which alerts, and when not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from logagent.alerting.checks import Name, Zone
from logagent.alerting.rules.base import RuleTable
from logagent.expr import ExpressionError, parse
from logagent.settings.values import Duration, custom_error

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIMES = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
DAY_MINUTES = 24 * 60


def _check_condition(text: str) -> str:
    try:
        parse(text, levels=False) if text else None
    except ExpressionError as error:
        message = f"column {error.column}: {error.message}"
        raise custom_error(message, error.hint or 'a condition on labels such as severity == "critical"') from None
    return text


LabelCondition = Annotated[str, AfterValidator(_check_condition)]


def minutes(text: str) -> tuple[int, int]:
    """Begin and end of ``"09:00-17:30"`` in minutes of the day. Raises ValueError where it is none."""
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(text)
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if end > DAY_MINUTES or begin == end:
        raise ValueError(text)
    return begin, end


class TimeInterval(RuleTable):
    """Times of a week, by the clock on the wall of a zone."""

    name: Name = Field(description="What routes call it.", examples=["nights"])
    timezone: Zone = Field(default="UTC", description="IANA zone.", examples=["Europe/Amsterdam"])
    weekdays: list[Weekday] = Field(
        default=list(WEEKDAYS), min_length=1, description="Days on which it begins.", examples=[["saturday", "sunday"]]
    )
    times: list[str] = Field(
        default=["00:00-24:00"],
        min_length=1,
        description="From and to, the end not included; past midnight where the end comes first.",
        examples=[["19:00-07:00"]],
    )

    @field_validator("times")
    @classmethod
    def _check_times(cls, times: list[str]) -> list[str]:
        for text in times:
            try:
                minutes(text)
            except ValueError:
                raise custom_error(f'"{text}" is no stretch of a day', '"19:00-07:00"; the day ends at 24:00') from None
        return times


class Route(RuleTable):
    """Alerts for which a condition on their labels holds go to some destinations. The first route that holds is taken."""

    name: Name = Field(description="What notifications, mutes and tests call it.", examples=["critical"])
    where: LabelCondition = Field(
        default="",
        description="Condition on the alert's labels, `alertname`, `severity`, `service` and `environment` among them; "
        "none takes every alert.",
        examples=['severity == "critical" and environment == "production"'],
    )
    to: list[Name] = Field(
        description="Exporters that take alerts; none keeps them from being told.", examples=[["oncall", "chat"]]
    )
    group_by: list[str] = Field(
        default=["alertname"],
        description="Labels: alerts in which they agree come in one notification.",
        examples=[["alertname", "service"]],
    )
    group_wait: Duration = Field(
        default=30.0, description="How long a new group waits for more alerts.", examples=["30s"]
    )
    group_interval: Duration = Field(
        default=300.0, description="Least time between two notifications of a group that changes.", examples=["5m"]
    )
    repeat: Duration = Field(
        default=14_400.0, description="A group that does not change is told of again after this.", examples=["4h"]
    )
    quiet: list[Name] = Field(
        default=[], description="Time intervals in which nothing is told; what still fires then is told at their end.",
        examples=[["nights"]],
    )  # fmt: skip
    send_resolved: bool = Field(default=True, description="Whether ends are told.", examples=[True])
    further: bool = Field(
        default=False, alias="continue", description="Whether the routes after this one also look.", examples=[True]
    )


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class Mute(RuleTable):
    """Alerts that are not told for a time. They fire and resolve all the same."""

    where: LabelCondition = Field(
        min_length=1, description="Condition on the alert's labels.", examples=['alertname == "LlmSlow"']
    )
    starts_at: Annotated[datetime, AfterValidator(_aware)] | None = Field(
        default=None, description="From when; always if not given.", examples=[datetime(2026, 3, 2, 8, tzinfo=UTC)]
    )
    ends_at: Annotated[datetime, AfterValidator(_aware)] = Field(
        description="Until when: a mute without end is forgotten.", examples=[datetime(2026, 3, 9, 8, tzinfo=UTC)]
    )
    reason: str = Field(min_length=1, max_length=400, description="Why.", examples=["provider incident 4711"])
    author: str = Field(min_length=1, max_length=100, description="Who says so.", examples=["anna"])
