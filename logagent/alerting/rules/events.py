"""``[[alert]]`` of the kind ``event``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationInfo, field_validator

from logagent.alerting.checks import EVENT_NAMES, By, ExpressionText, Labels, Severity, Source, check_texts, subject
from logagent.alerting.rules.base import (
    NamedRule,
    Reading,
    by_field,
    description_field,
    labels_field,
    runbook_field,
    severity_field,
)
from logagent.settings.values import Duration

if TYPE_CHECKING:
    from collections.abc import Sequence


class EventAlert(NamedRule):
    """An alert on events: each group fires with its first event and resolves when it is quiet."""

    kind: Literal["event"] = Field(description="What the alert looks at: single events.", examples=["event"])
    source: Source = Field(
        alias="from", description="`log`, `error`, `span` for all spans, or a kind of span.", examples=["query", "log"]
    )
    where: ExpressionText = Field(
        default="", description="Condition of the event; none takes every event.", examples=["duration > 1s"]
    )
    by: By = by_field()
    value: ExpressionText = Field(
        default="",
        description="Number of an event whose largest is kept as the worst, with its event as the example.",
        examples=["duration"],
    )
    severity: Severity = severity_field()
    labels: Labels = labels_field()
    summary: str = Field(
        default="{{ count }} events",
        description="One line about the alert. `{{ name }}` stands for a value, with formatters after `|`.",
        examples=["{{ count }} slow queries on {{ labels.table }}, worst {{ value | duration }}"],
    )
    description: str = description_field("{{ db.query.text | truncate(160) }}")
    runbook_url: str = runbook_field()
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

    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""
        expressions = (self.where, self.value, *self.by.values())
        return [Reading.of(self.source, expressions, (self.summary, self.description))]
