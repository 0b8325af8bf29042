"""JSON Schemas of the files that people write, for their editors."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from logagent.alerting.kinds import KINDS
from logagent.alerting.rules.routes import Mute, Route, TimeInterval
from logagent.metrics.rules import MetricRule
from logagent.parsing.definition import ParserDefinition
from logagent.ruletests.tables import RuleTest
from logagent.settings.components import Exporter, Receiver
from logagent.settings.models import Settings
from logagent.settings.schema import component_types
from logagent.settings.values import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
"""What Taplo and the language servers for TOML know best."""
_REFERENCE = "#/$defs/"
_DURATION = r"(\d+(\.\d+)?(ms|s|m|h|d))+"
_SIZE = r"\d+(\.\d+)?([KMGT]i?)?B"
_VARIABLE = r".*\$\{.+\}.*"
_BOUNDS = frozenset({"ge", "le", "gt", "lt", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
"""Of seconds and bytes; a text such as ``5m`` has none."""
_TABLES: dict[str, type[BaseModel]] = {
    "metric": MetricRule,
    "route": Route,
    "mute": Mute,
    "time_interval": TimeInterval,
    "test": RuleTest,
}
"""Tables of rule files beside those that alerts come from."""


def schemas() -> dict[str, str]:
    """File name → schema."""
    made = {
        "logagent.schema.json": settings_schema(),
        "logagent-rules.schema.json": rules_schema(),
        "logagent-parser.schema.json": parser_schema(),
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}


def settings_schema() -> Schema:
    """``logagent.toml``."""
    schema = _schema_of(Settings)
    # the directory has a default that depends on who runs the agent
    schema.pop("required", None)
    schema["$defs"]["StateSettings"].pop("required", None)
    for table, union in (("receivers", Receiver), ("exporters", Exporter)):
        schema["properties"][table] |= _components(component_types(union))
    return _titled(schema, "logagent configuration", "Receivers, exporters and settings of logagent.")


def _components(members: dict[str, type[BaseModel]]) -> Schema:
    """Tables of any name that say their type; the type may be left out where the name is one."""
    references = {name: {"$ref": f"{_REFERENCE}{model.__name__}"} for name, model in members.items()}
    typed = [
        {"allOf": [reference], "required": ["type"], "properties": {"type": {"const": name}}}
        for name, reference in references.items()
    ]
    any_type: Schema = {"oneOf": typed}
    return {
        "properties": {name: {"anyOf": [reference, any_type]} for name, reference in references.items()},
        "additionalProperties": any_type,
    }


def rules_schema() -> Schema:
    """A rule file."""
    definitions: Schema = {}
    tables = {table: [model] for table, model in _TABLES.items()}
    for kind in KINDS:
        tables.setdefault(kind.table, []).append(kind.model)
    properties: Schema = {
        "version": {"const": 1, "description": "Version of this format."},
        "group": {"type": "string", "description": "What the rules have in common; the file's name if not given."},
        "description": {"type": "string", "description": "What the rules are about."},
    }
    for table, models in tables.items():
        references = [_definition(model, definitions) for model in models]
        items = references[0] if len(references) == 1 else {"oneOf": references}
        properties[table] = {"type": "array", "items": items}
    _open(definitions["Input"], "events", {"type": "object"})
    _open(definitions["Expectation"], "figures", definitions["Expectation"]["properties"]["value"])
    thresholds = definitions["Budget"]["properties"]["thresholds"]
    thresholds["items"] = {"anyOf": [{"type": "number"}, thresholds["items"]]}
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "$defs": definitions}
    return _titled(schema, "logagent rules", "Metrics, alerts, budgets, service level objectives, routes and tests.")


def _open(schema: Schema, gathered: str, value: Schema) -> None:
    """Have a table take any other key, as the model that gathers those in one field does."""
    del schema["properties"][gathered]
    schema["additionalProperties"] = value


def parser_schema() -> Schema:
    """A parser definition file."""
    return _titled(_schema_of(ParserDefinition), "logagent parser", "How lines of a dialect become records and spans.")


def _definition(model: type[BaseModel], definitions: Schema) -> Schema:
    """Add a model to definitions; give what refers to it."""
    schema = _schema_of(model)
    definitions.update(schema.pop("$defs", {}))
    definitions[model.__name__] = schema
    return {"$ref": f"{_REFERENCE}{model.__name__}"}


def _titled(schema: Schema, title: str, description: str) -> Schema:
    return {"$schema": DRAFT, **schema, "title": title, "description": description}


def _schema_of(model: type[BaseModel]) -> Schema:
    schema: Schema = _tidied(model.model_json_schema())
    return schema


def _tidied(node: Any) -> Any:
    """What TOML can say: no null; durations and sizes as they are written."""
    if isinstance(node, list):
        return [_tidied(one) for one in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("properties"), dict):
        inner = {name: _tidied(about) for name, about in node["properties"].items()}
        rest = {key: value for key, value in node.items() if key != "properties"}
        return {**_tidied(rest), "properties": inner}
    found = {key: _tidied(value) for key, value in node.items() if not (key == "default" and _is_of_others(value))}
    options = found.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        others = [one for one in options if one != {"type": "null"}]
        del found["anyOf"]
        found = {**others[0], **found} if len(others) == 1 else {**found, "anyOf": others}
    return _written(found) if found.get("type") == "string" else found


def _is_of_others(default: object) -> bool:
    """Whether a default is none that a person would write: none at all, or those of a table's own keys."""
    if isinstance(default, list):
        return any(isinstance(one, dict) for one in default)
    return default is None or (isinstance(default, dict) and bool(default))


def _written(given: Schema) -> Schema:
    """A text whose examples are all durations, or all sizes, must be one, or name a variable."""
    schema = {key: value for key, value in given.items() if key not in _BOUNDS}
    for pattern, write in ((_DURATION, format_duration), (_SIZE, _size_text)):
        if _all_match(pattern, schema.get("examples", ())):
            default = schema.get("default")
            text = {"default": write(default)} if isinstance(default, int | float) else {}
            return {**schema, **text, "pattern": f"^({pattern}|{_VARIABLE})$"}
    return schema


def _size_text(size: float) -> str:
    return format_size(round(size))


def _all_match(pattern: str, examples: Iterable[object]) -> bool:
    texts = list(examples)
    return bool(texts) and all(isinstance(one, str) and re.fullmatch(pattern, one) for one in texts)
