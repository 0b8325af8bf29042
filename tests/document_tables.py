"""The tables of docs/ as the code has them. Run as a program, it writes them anew into the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import shipped_tables
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from logagent import expr, telemetry
from logagent.alerting.rules import (
    WINDOW_ALERTS,
    AnomalyAlert,
    Budget,
    BurnRate,
    BurnRateAlert,
    EventAlert,
    Slo,
    Threshold,
)
from logagent.alerting.rules.routes import Mute, Route, TimeInterval
from logagent.alerting.rules.windows import CountAlert
from logagent.expr.tree import RESULTS
from logagent.fields import KNOWN_FIELDS
from logagent.metrics.rules import MetricRule
from logagent.parsing import definition
from logagent.ruletests.tables import Expectation, Input, RuleTest
from logagent.settings.reference import option_reference
from logagent.settings.schema import write_toml
from logagent.settings.values import Kind
from logagent.spans import ids

DOCUMENTS = Path(__file__).parents[1] / "docs"


def model_table(model: type[BaseModel]) -> str:
    """One row a key: its type, its default, what it means."""
    schema = model.model_json_schema()
    rows = []
    for key, about in schema["properties"].items():
        cells = (f"`{key}`", _type(about, schema), _default(model, key), about.get("description", ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]).replace("->", "→")


def _type(about: dict[str, Any], schema: dict[str, Any], *, many: bool = False) -> str:
    plural = "s" if many else ""
    if "anyOf" in about:
        several = [_type(option, schema, many=many) for option in about["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(several)).replace("integer or number", "number")
    if "$ref" in about or "allOf" in about:
        return f"table{plural}"
    if "const" in about or "enum" in about:
        return " or ".join(f"`{write_toml(choice)}`" for choice in about.get("enum", [about.get("const")]))
    inside = about.get("items") or about.get("additionalProperties")
    name = {"array": "list", "object": "table"}.get(about["type"], about["type"]) + plural
    return f"{name} of {_type(inside, schema, many=True)}" if isinstance(inside, dict) else name


def _default(model: type[BaseModel], key: str) -> str:
    name, field = next((name, field) for name, field in model.model_fields.items() if key in {name, field.alias})
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    kind = next((item for item in field.metadata if isinstance(item, Kind)), None)
    if kind is not None and kind.write is not None:
        return f"`{kind.write(value)}`"
    if name == "thresholds":
        value = [threshold.at for threshold in value]
    if value in ("", None, PydanticUndefined) or isinstance(value, BaseModel) or (not value and value != 0):
        return ""
    return f"`{write_toml(value)}`"


def parser_tables() -> str:
    """Every table that a parser definition may have."""
    tables = {
        "At the top": definition.ParserDefinition,
        "`[match]`": definition.Match,
        "`[record]`": definition.Record,
        "`[record]` `time`": definition.Time,
        "`[failure]`": definition.FailureDefinition,
        "`[[span]]`": definition.SpanDefinition,
        "`[[span]]` `duration`": definition.Duration,
        "`[[span.line]]`": definition.Line,
    }
    return "\n".join(f"### {title}\n\n{model_table(model)}" for title, model in tables.items())


def window_kind_table() -> str:
    """What the kinds of window alerts have or mean otherwise than ``count``: one row for each such key of a kind."""
    usual = model_table(CountAlert).splitlines()
    rows = [
        f"| `{word}` {row}"
        for word, model in WINDOW_ALERTS.items()
        for row in model_table(model).splitlines()[2:]
        if row not in usual and not row.startswith("| `kind`")
    ]
    return "\n".join(["| kind | key | type | default | meaning |", "|---|---|---|---|---|", *rows, ""])


def field_table() -> str:
    """The fields that are known beforehand, by what a rule reads."""
    rows = [
        f"| {title} | {', '.join(f'`{name}`' for name in sorted(KNOWN_FIELDS[subject] - other))} |"
        for title, subject, other in (
            ("a span", "span", frozenset[str]()),
            ("a log record", "log", frozenset[str]()),
            ("an error, beside those of its log record", "error", KNOWN_FIELDS["log"]),
        )
    ]
    return "\n".join(["| of | fields |", "|---|---|", *rows, ""])


def function_table() -> str:
    """The functions of conditions and what each gives for an example."""
    rows = []
    for name in RESULTS:
        example = _EXAMPLES[name]
        value = expr.compile_value(expr.parse(example), lambda _: "None")(None)
        rows.append(f"| `{example}` | {RESULTS[name]} | `{write_toml(value)}` | {_MEANINGS[name]} |")
    return "\n".join(["| function | gives | here | meaning |", "|---|---|---|---|", *rows, ""])


_EXAMPLES = {
    "matches": r'matches("order 66", r"\d+")',
    "startswith": 'startswith("src.api", "src.")',
    "endswith": 'endswith("app.log", [".log", ".txt"])',
    "contains": 'contains("timed out", "time")',
    "has": "has(user.id)",
    "lower": 'lower("GET")',
    "len": 'len("GET")',
    "abs": "abs(-2)",
    "min": "min(3, 2)",
    "max": "max(3, 2)",
    "round": "round(2.345, 1)",
}
_MEANINGS = {
    "matches": "the regular expression occurs in the first 64 KiB of the text",
    "startswith": "the text begins with it, or with one of a list",
    "endswith": "the text ends with it, or with one of a list",
    "contains": "the text has this part, or the list this element",
    "has": "the field is there",
    "lower": "the text in lower case",
    "len": "characters of a text, elements of a list, keys of an object",
    "abs": "without its sign",
    "min": "the smallest",
    "max": "the largest",
    "round": "rounded, to so many decimal places",
}


def telemetry_table() -> str:
    """The agent's own metrics."""
    rows = [
        f"| `{row.name}` | {row.type} | {', '.join(f'`{label}`' for label in row.labels)} | {row.help} |"
        for row in telemetry.ROWS
    ]
    return "\n".join(["| name | type | labels | meaning |", "|---|---|---|---|", *rows, ""])


def identity_table() -> str:
    """Ids of some requests, as the agent gives them."""
    rows = []
    for request in ("813a2de0-b803-48d9-a2d1-3f336d140252", "req-42"):
        trace = ids.trace_id("autoforge", "", request)
        span = ids.span_id(trace, "autoforgenexus-backend", "request", request)
        rows.append(f"| `{request}` | `{trace.hex()}` | `{span.hex()}` |")
    return "\n".join(["| request id | trace id | span id of the request |", "|---|---|---|", *rows, ""])


TABLES = {
    ("configuration.md", "options"): option_reference,
    ("parsers.md", "keys"): parser_tables,
    ("rules.md", "metric"): lambda: model_table(MetricRule),
    ("rules.md", "alert"): lambda: model_table(EventAlert),
    ("rules.md", "window"): lambda: model_table(CountAlert),
    ("rules.md", "window_kinds"): window_kind_table,
    ("rules.md", "anomaly"): lambda: model_table(AnomalyAlert),
    ("rules.md", "budget"): lambda: model_table(Budget),
    ("rules.md", "threshold"): lambda: model_table(Threshold),
    ("rules.md", "budget_burn_rate"): lambda: model_table(BurnRate),
    ("rules.md", "slo"): lambda: model_table(Slo),
    ("rules.md", "burn_rate"): lambda: model_table(BurnRateAlert),
    ("rules.md", "route"): lambda: model_table(Route),
    ("rules.md", "time_interval"): lambda: model_table(TimeInterval),
    ("rules.md", "mute"): lambda: model_table(Mute),
    ("rules.md", "fields"): field_table,
    ("rule-tests.md", "test"): lambda: model_table(RuleTest),
    ("rule-tests.md", "input"): lambda: model_table(Input),
    ("rule-tests.md", "expect"): lambda: model_table(Expectation),
    ("rules.md", "functions"): function_table,
    ("shipped-rules.md", "metrics"): shipped_tables.metric_table,
    ("shipped-rules.md", "alerts"): shipped_tables.alert_table,
    ("guarantees.md", "identity"): identity_table,
    ("guarantees.md", "telemetry"): telemetry_table,
}
"""Document and place in it → what stands there."""


def parts(document: str, place: str) -> tuple[str, str, str]:
    """A document's text before a table, the table, and the text after it."""
    begin, end = f"<!-- {place}: begin -->\n", f"<!-- {place}: end -->"
    before, _, rest = (DOCUMENTS / document).read_text(encoding="utf-8").partition(begin)
    table, _, after = rest.partition(end)
    return before + begin, table, end + after


if __name__ == "__main__":
    for (name, position), make in TABLES.items():
        head, _, tail = parts(name, position)
        (DOCUMENTS / name).write_text(f"{head}{make()}{tail}", encoding="utf-8")
