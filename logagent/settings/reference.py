"""The options as documentation shows them: ``docs/configuration.md`` has this text, and a test holds it to that."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from logagent.settings.models import Settings
from logagent.settings.schema import Option, list_options

if TYPE_CHECKING:
    from collections.abc import Iterable


def option_reference() -> str:
    """A Markdown section with one row an option for each table of the configuration."""
    sections = groupby(list_options(Settings), key=attrgetter("table", "component"))
    return "\n".join(_section(table, component, options) for (table, component), options in sections)


def _section(table: str, component: str, options: Iterable[Option]) -> str:
    heading = f"### `[{table}]`" + (f', `type = "{component}"`' if component else "")
    rows = "".join(
        f"| `{option.name}` | {option.type} | {option.default} | {option.description} | `{option.example}` |\n"
        for option in options
    )
    return f"{heading}\n\n| option | type | default | meaning | example |\n|---|---|---|---|---|\n{rows}"
