"""What the values of a rule must be: types of its fields, whose validators raise with what to try."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo, WithJsonSchema

from logagent.alerting.templates import Template, TemplateError
from logagent.expr import Expression, ExpressionError, parse
from logagent.fields import KNOWN_FIELDS
from logagent.settings.values import custom_error
from logagent.suggestions import did_you_mean, nearest

SPAN_SOURCES = ("span", "request", "llm", "query", "step", "tool", "agent")
SOURCES = ("log", "error", *SPAN_SOURCES)
"""Those that are known beforehand; a parser may make spans of any other kind."""
RESERVED_LABELS = frozenset({"alertname", "severity", "threshold", "period", "overflow"})
"""Labels that the engine sets itself."""
EVENT_NAMES = ("value", "count", "trace_id")
"""What an event alert's texts may name beside labels and fields."""
BUDGET_NAMES = (
    *("budget", "spent", "limit", "left", "share", "threshold", "unpriced", "calls"),
    *("currency", "unit", "period", "value", "trace_id"),
)
"""What a budget's texts may name beside labels."""
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NEAR = 0.8


def subject(source: str) -> str:
    """Whose fields a rule reads: ``log``, ``error`` or ``span``."""
    return source if source in {"log", "error"} else "span"


def _check_source(value: str) -> str:
    if value not in SOURCES and (hint := did_you_mean(value, SOURCES, _NEAR)):
        raise custom_error(f"`{value}` is nothing that a rule can read", hint)
    return value


def checked_expression(text: str, source: str) -> Expression:
    """The parsed expression. Raises a validator's error with the column, also for a misspelled built-in field."""
    try:
        expression = parse(text)
    except ExpressionError as error:
        message = f"column {error.column}: {error.message}"
        raise custom_error(message, error.hint or 'a condition such as duration > 1s and kind == "query"') from None
    known = KNOWN_FIELDS[subject(source)]
    for name in expression.fields:
        if "." not in name and name not in known and (hint := did_you_mean(name, known, _NEAR)):
            raise custom_error(f"column {text.find(name) + 1}: `{name}` is no field of {_article(source)}", hint)
    return expression


def _article(source: str) -> str:
    noun = {"log": "log record", "error": "error"}.get(source, "span")
    return f"an {noun}" if noun == "error" else f"a {noun}"


def _check_expression(text: str, info: ValidationInfo) -> str:
    if text:
        checked_expression(text, info.data.get("source", "span"))
    return text


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, available_timezones(), _NEAR)
        raise custom_error(f'unknown time zone "{name}"', near or "an IANA name such as Europe/Amsterdam") from None
    return name


def check_label(name: str) -> str:
    """A label's name as Prometheus takes it, and none that the engine sets."""
    if name in RESERVED_LABELS:
        raise custom_error(f"the label `{name}` is set by logagent", f"another name, such as {name}_name")
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        raise custom_error(f"`{name}` is no name of a label", "letters, digits and _, not beginning with a digit or __")
    return name


def _by_as_table(value: object) -> object:
    """A list of fields is a table whose labels are the fields' names."""
    if isinstance(value, list):
        if not all(isinstance(name, str) and name for name in value):
            raise custom_error("a list of field names is needed", 'by = ["db.collection.name"]')
        return {re.sub(r"[^A-Za-z0-9_]", "_", name): name for name in value}
    return value


def _check_by(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    for label, text in value.items():
        check_label(label)
        checked_expression(text, info.data.get("source", "span"))
    return value


def _check_labels(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    by = info.data.get("by", {})
    for name in map(check_label, value):
        if name in by:
            raise custom_error(f"the label `{name}` is in `by` too", "a label of another name")
    return value


def check_texts(text: str, info: ValidationInfo, names: tuple[str, ...], fields: str) -> str:
    """A template all of whose names the alert will have. ``fields`` is the subject whose fields it may name."""
    try:
        template = Template(text)
    except TemplateError as error:
        raise custom_error(error.message, error.hint) from None
    if "by" not in info.data:
        return text
    labels = [*info.data["by"], *info.data.get("labels", {}), "alertname", "severity"]
    offered = [*names, *(f"labels.{label}" for label in labels)]
    for name in template.names:
        if name not in offered and not _may_be_field(name, fields):
            known = [*offered, *KNOWN_FIELDS.get(fields, ())]
            hint = did_you_mean(name, known) or f"one of {', '.join(offered)}"
            raise custom_error(f"unknown name `{name}` in a text", hint)
    return text


def _may_be_field(name: str, fields: str) -> bool:
    """Dotted names may be attributes of any event; the lines of a log may hold any key."""
    if name.startswith("labels.") or not fields:
        return False
    known = KNOWN_FIELDS[fields]
    return name in known or "." in name or (fields != "span" and not nearest(name, known, _NEAR))


Source = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_check_source)]
ExpressionText = Annotated[str, AfterValidator(_check_expression)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
Severity = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
By = Annotated[
    dict[str, str],
    BeforeValidator(_by_as_table),
    AfterValidator(_check_by),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]
Labels = Annotated[dict[str, str], AfterValidator(_check_labels)]
