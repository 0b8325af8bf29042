"""What pydantic found wrong in a document, as problems for people: place, line, and what to try.

Values are shown only where they help and cannot be secret: never for an option that is a
secret, never where they came in through a reference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from logagent.settings.schema import Location, locate, tables_with
from logagent.settings.substitution import Concealed
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from logagent.errors import Problem
    from logagent.settings.document import Document
    from logagent.settings.lines import Place

_LONGEST_SHOWN = 60
_LIKENESS = 0.7
"""Below this, the names of options that have nothing to do with each other begin to look alike."""
_USER_IN_URL = re.compile(r"//[^/@]*@")
_EXPECTED = {
    "string_type": ("a string", "text in double quotes"),
    "int_type": ("an integer", "a number without quotes or fraction"),
    "float_type": ("a number", "a number without quotes"),
    "bool_type": ("a boolean", "true or false, without quotes"),
    "tuple_type": ("a list", 'values in brackets, for example ["…"]'),
    "list_type": ("a list", 'values in brackets, for example ["…"]'),
    "dict_type": ("a table", "a table, as [name] on a line of its own"),
    "model_type": ("a table", "a table, as [name] on a line of its own"),
    "model_attributes_type": ("a table", "a table, as [name] on a line of its own"),
    "path_type": ("a path", "a path in double quotes"),
}
_NAMES = {str: "a string", bool: "a boolean", int: "an integer", float: "a number", list: "a list", dict: "a table"}


def problems_of(error: ValidationError, model: type[BaseModel], document: Document) -> dict[Place, Problem]:
    """One problem for each place in the document that the model did not accept."""
    found: dict[Place, Problem] = {}
    for detail in error.errors(include_url=False):
        location = locate(model, detail["loc"])
        place, message, hint = _explain(detail, location, model)
        found.setdefault(location.place, document.problem(place, message, hint))
    return found


def _explain(detail: ErrorDetails, location: Location, model: type[BaseModel]) -> tuple[Place, str, str]:
    """The place to name, what is wrong there, and what to try."""
    kind, context, given, place = detail["type"], detail.get("ctx", {}), detail["input"], location.place
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return (*place, "type"), *_unknown_type(location, given)
    if kind == "extra_forbidden":
        message, hint = _unknown_option(location, model)
    elif kind == "missing":
        message, hint = f"the option {place[-1]} is missing", _example(location) or f"add {place[-1]}"
    elif kind == "literal_error":
        message, hint = _not_allowed(location, given)
    elif kind == "logagent":
        message, hint = context["message"] + _value(given, location), context["hint"]
    elif kind in _EXPECTED:
        expected, hint = _EXPECTED[kind]
        message, hint = f"expected {expected}, found {_type_name(given)}", _example(location) or hint
    else:
        message, hint = _out_of_bounds(kind, context, given, location)
    return place, message, hint


def _unknown_option(location: Location, model: type[BaseModel]) -> tuple[str, str]:
    *table, key = location.place
    options = [name for name in location.table.model_fields if name != "type"]
    message = f"unknown {'option' if table else 'table'} {_quoted(str(key))}"
    meant = did_you_mean(str(key).lower(), options, _LIKENESS)
    if meant:
        return message, meant
    elsewhere = tables_with(model, str(key))
    if elsewhere:
        return message, f"{key} in the table [{elsewhere[0]}]"
    return message, f"one of {', '.join(sorted(options))}"


def _unknown_type(location: Location, given: Any) -> tuple[str, str]:
    known = ", ".join(location.types)
    wanted = given.get("type") if isinstance(given, dict) else None
    if not isinstance(wanted, str):
        return f"expected a string, found {_type_name(wanted)}", f"one of {known}"
    singular = str(location.place[0]).removesuffix("s")
    shown = "" if isinstance(wanted, Concealed) else f" {_quoted(_cut(wanted))}"
    hint = did_you_mean(wanted.lower(), location.types, _LIKENESS)
    hint = hint or f'type = "{location.types[0]}" or another of the known types'
    return f"unknown {singular} type{shown}; known: {known}", hint


def _not_allowed(location: Location, given: Any) -> tuple[str, str]:
    choices = location.option.choices if location.option else ()
    allowed = " or ".join(map(_quoted, choices))
    known = isinstance(given, str) and not isinstance(given, Concealed)
    meant = did_you_mean(given.lower(), choices, _LIKENESS) if known else ""
    return f"not {allowed}" + _value(given, location), meant or allowed


def _out_of_bounds(kind: str, context: dict[str, Any], given: Any, location: Location) -> tuple[str, str]:
    value = _value(given, location)
    write = location.option.write if location.option else str
    if "ge" in context:
        return f"too small{value}", f"at least {write(context['ge'])}"
    if "le" in context:
        return f"too large{value}", f"at most {write(context['le'])}"
    hint = _example(location) or "the form that docs/configuration.md shows"
    return ("empty" if "min_length" in context else f"not accepted ({kind.replace('_', ' ')}){value}"), hint


def _example(location: Location) -> str:
    option = location.option
    return f"{option.name} = {option.example}" if option and option.example else ""


def _value(given: Any, location: Location) -> str:
    """The value behind a message, where it may be shown and is short enough to help."""
    secret = isinstance(given, Concealed) or (location.option and location.option.secret)
    if secret or not isinstance(given, str | int | float):
        return ""
    return f": {_quoted(_cut(_USER_IN_URL.sub('//…@', given))) if isinstance(given, str) else given}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _quoted(text: str) -> str:
    escaped = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f'"{escaped}"'


def _type_name(value: Any) -> str:
    return _NAMES.get(type(value), "a string" if isinstance(value, str) else "a date or time")
