"""``logagent check``: every mistake in the configuration, the parsers and the rules, at once."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from logagent.catalog import load_catalog
from logagent.cli.failures import describe, write_problems, write_warning
from logagent.cli.terminal import style
from logagent.cli.terminal_text import inert_json, visible
from logagent.cli.unmatched import unmatched
from logagent.errors import ConfigurationError, Problem
from logagent.ruletests.suite import read_suite
from logagent.settings import Settings, read_settings
from logagent.settings.located import locate

if TYPE_CHECKING:
    from logagent.catalog import Catalog

_WRONG_CONFIGURATION = 2


@click.command(name="check")
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration file. [default: /etc/logagent/logagent.toml, if there is one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(path: Path | None, *, as_json: bool) -> int:
    """Find every mistake in the configuration, parsers and rules.

    Says for each one the file, the line, what is wrong and what to try. Nothing is started or changed.
    The exit code is 2 where there is a mistake; a pattern that no file matches is only warned of.
    """
    settings, problems = read_settings(path, os.environ)
    catalog = None
    try:
        catalog = load_catalog(settings)
        problems += read_suite(catalog)[1]
    except ConfigurationError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    warnings = unmatched(settings)
    if as_json:
        text = orjson.dumps(_report(settings, catalog, problems, warnings), option=orjson.OPT_INDENT_2).decode()
        click.echo(inert_json(text))
        return _WRONG_CONFIGURATION if problems else 0
    for warning in locate(warnings):
        write_warning(describe(warning), warning.hint)
    if problems:
        write_problems(problems)
        return _WRONG_CONFIGURATION
    click.echo(f"{style('ok:', 'green', 'bold', stream=sys.stdout)} {_summary(settings, _counts(settings, catalog))}")
    return 0


def _counts(settings: Settings, catalog: Catalog | None) -> dict[str, int]:
    counts = {"receivers": len(settings.receivers), "exporters": len(settings.exporters)}
    if catalog is not None:
        counts |= {"parsers": len(catalog.parsers), "rules": len(catalog.metrics) + len(catalog.rules)}
    return counts


def _summary(settings: Settings, counts: dict[str, int]) -> str:
    file = visible(str(settings.file)) if settings.file else "no configuration file, so the defaults"
    return f"{file}: " + ", ".join(
        f"{count} {noun if count != 1 else noun.removesuffix('s')}" for noun, count in counts.items()
    )


def _report(
    settings: Settings, catalog: Catalog | None, problems: list[Problem], warnings: list[Problem]
) -> dict[str, object]:
    return {
        "ok": not problems,
        "file": str(settings.file) if settings.file else None,
        **_counts(settings, catalog),
        "problems": [asdict(item) for item in locate(problems)],
        "warnings": [asdict(item) for item in locate(warnings)],
    }
