"""What pydantic finds wrong with a parser definition, in a rule author's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logagent.errors import Problem
from logagent.parsing.definition import (
    Duration,
    FailureDefinition,
    Line,
    Match,
    ParserDefinition,
    Record,
    SpanDefinition,
    Time,
)
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_MODELS: dict[str, type[BaseModel]] = {
    "": ParserDefinition, "match": Match, "record": Record, "time": Time, "span": SpanDefinition, "line": Line,
    "duration": Duration, "failure": FailureDefinition,
}  # fmt: skip


def definition_problems(file: str, error: ValidationError) -> Iterator[Problem]:
    """One problem for each mistake in a definition file."""
    for details in error.errors(include_url=False):
        location = details["loc"]
        place = _place(location)
        key = str(location[-1]) if location else ""
        if details["type"] == "extra_forbidden":
            tables = [part for part in location[:-1] if isinstance(part, str) and part in _MODELS]
            keys = list(_MODELS[tables[-1] if tables else ""].model_fields)
            hint = did_you_mean(key, keys) or f"one of {', '.join(keys)}"
            yield Problem(file, place, f"unknown key `{key}`", hint)
        elif details["type"] == "missing":
            yield Problem(file, place, f"`{key}` is missing", f"add `{key}`")
        else:
            message = details["msg"][:1].lower() + details["msg"][1:]
            yield Problem(file, place, message, _hint(key, details))


def _place(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _hint(key: str, details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        if not choices:
            return f"{key} = {context.get('expected')}"
        return did_you_mean(str(details["input"]), choices) or f"one of {', '.join(filter(None, choices))}"
    if details["type"] == "string_pattern_mismatch":
        return "lower-case letters, digits and _, beginning with a letter"
    return "the form that docs/parsers.md shows"
