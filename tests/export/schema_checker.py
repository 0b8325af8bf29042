"""As much of JSON Schema as our schemas use; an unknown word in one of them is an error."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str, datetime),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_ANNOTATIONS = {
    *("title", "description", "default", "examples", "format", "writeOnly", "discriminator", "default_text"),
    *("$schema", "$defs"),
}


def errors(schema: dict[str, Any], value: object) -> list[str]:
    """Everything that is wrong with a decoded file, each with its place."""
    return list(_errors(schema, value, schema, ""))


def _errors(schema: Any, value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    if schema in (True, False):
        yield from () if schema else (f"{place}: not allowed",)
        return
    for word, rule in schema.items():
        if word not in _ANNOTATIONS and word not in {"properties", "additionalProperties"}:
            yield from _CHECKS[word](rule, value, root, place)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for key, one in value.items():
            inner = known.get(key, schema.get("additionalProperties", True))
            yield from _errors(inner, one, root, f"{place}.{key}")


def _type(rule: str, value: Any, _: Any, place: str) -> Iterator[str]:
    if not isinstance(value, _TYPES[rule]) or (isinstance(value, bool) and rule != "boolean"):
        yield f"{place}: no {rule}"


def _ref(rule: str, value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    yield from _errors(root["$defs"][rule.removeprefix("#/$defs/")], value, root, place)


def _all_of(rule: list[Any], value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    for one in rule:
        yield from _errors(one, value, root, place)


def _any_of(rule: list[Any], value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    found = [list(_errors(one, value, root, place)) for one in rule]
    if all(found):
        yield from min(found, key=len)


def _one_of(rule: list[Any], value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    fitting = [one for one in rule if not list(_errors(one, value, root, place))]
    if len(fitting) != 1:
        yield f"{place}: fits {len(fitting)} of {len(rule)}"


def _required(rule: list[str], value: Any, _: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{place}.{key}: missing" for key in rule if key not in value)


def _items(rule: Any, value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _errors(rule, one, root, f"{place}[{number}]")


def _pattern(rule: str, value: Any, _: Any, place: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(rule, value):
        yield f"{place}: does not match {rule}"


def _names(rule: Any, value: Any, root: dict[str, Any], place: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key in value:
            yield from _errors(rule, key, root, f"{place}.{key}")


def _bound(fits: Any, of: tuple[type, ...]) -> Any:
    def check(rule: Any, value: Any, _: Any, place: str) -> Iterator[str]:
        if isinstance(value, of) and not isinstance(value, bool) and not fits(value, rule):
            yield f"{place}: out of bounds"

    return check


_NUMBER = (int, float)
_CHECKS: dict[str, Any] = {
    "type": _type,
    "$ref": _ref,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "required": _required,
    "items": _items,
    "pattern": _pattern,
    "propertyNames": _names,
    "enum": lambda rule, value, _, place: [] if value in rule else [f"{place}: none of {rule}"],
    "const": lambda rule, value, _, place: [] if value == rule else [f"{place}: not {rule}"],
    "minimum": _bound(lambda value, rule: value >= rule, _NUMBER),
    "maximum": _bound(lambda value, rule: value <= rule, _NUMBER),
    "exclusiveMinimum": _bound(lambda value, rule: value > rule, _NUMBER),
    "exclusiveMaximum": _bound(lambda value, rule: value < rule, _NUMBER),
    "minLength": _bound(lambda value, rule: len(value) >= rule, (str,)),
    "maxLength": _bound(lambda value, rule: len(value) <= rule, (str,)),
    "minItems": _bound(lambda value, rule: len(value) >= rule, (list,)),
    "maxItems": _bound(lambda value, rule: len(value) <= rule, (list,)),
}
