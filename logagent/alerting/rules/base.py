"""What all tables of rule files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from logagent.alerting.checks import Name
from logagent.alerting.templates import Template
from logagent.expr import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class RuleTable(BaseModel):
    """A table of a rule file: strict, immutable; an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Reading(NamedTuple):
    """What a rule reads of events."""

    source: str
    """``log``, ``error``, ``span`` or a kind of span."""
    fields: frozenset[str]
    """Dotted names; those of a template may also be names that only the alert has."""

    @classmethod
    def of(cls, source: str, expressions: Iterable[str], templates: Iterable[str] = ()) -> Reading:
        """What these expressions and texts read; empty ones read nothing."""
        names = {name for text in expressions if text for name in parse(text).fields}
        return cls(source, frozenset(names.union(*(Template(text).names for text in templates))))


class NamedRule(RuleTable, ABC):
    """What alerts come from."""

    name: Name = Field(
        description="Label `alertname` of the alerts; no two rules share one.",
        examples=["SlowQuery", "LlmMonthlyBudget"],
    )

    @abstractmethod
    def readings(self) -> Sequence[Reading]:
        """What the rule reads of events."""


def severity_field() -> Any:
    """The key ``severity``."""
    return Field(default="warning", description="Label `severity`.", examples=["critical"])


def labels_field() -> Any:
    """The key ``labels``; it comes after ``by``, whose labels it must not repeat."""
    return Field(default={}, description="Further labels of the alert.", examples=[{"team": "storage"}])


def by_field() -> Any:
    """The key ``by``; it comes after ``from``, whose fields it names."""
    return Field(
        default={},
        description="What groups events: field names, or a table of label = expression. A missing value gives no label.",
        examples=[["db.collection.name"], {"statement": "db.query.summary or db.operation.name"}],
    )


def description_field(example: str) -> Any:
    """The key ``description``."""
    return Field(default="", description="More about the alert, as `summary`.", examples=[example])


def runbook_field() -> Any:
    """The key ``runbook_url``."""
    return Field(default="", description="What to do about it.", examples=["https://runbooks.example.org/slow-query"])
