"""``logagent export``: what other systems take, made from the rules and settings."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from logagent.catalog import Catalog, load_catalog
from logagent.cli.failures import write_warning
from logagent.cli.own_rules import rule_files_at, with_rules
from logagent.cli.terminal import style
from logagent.cli.terminal_text import inert_json, visible
from logagent.errors import ConfigurationError, LogagentError, UnreachableError
from logagent.export.dashboards import dashboards
from logagent.export.prometheus_rules import FILE_NAME, prometheus_rules
from logagent.export.schemas import schemas
from logagent.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS = ("prometheus-rules", "grafana", "schema")
_HELP = """Write Prometheus's rules, Grafana's dashboards or the schemas for editors.

prometheus-rules: the alerts, budgets and SLOs as recording and alerting rules. With [rules] prometheus = true the
agent counts what Prometheus needs to decide them by itself; what PromQL cannot say stays with logagent, and is
warned of. grafana: dashboards of the system, the SLOs and the cost. schema: JSON Schemas of configuration, rule and
parser files.

\b
Examples:
  logagent export prometheus-rules -o /etc/prometheus/rules
  logagent export grafana -o dashboards --rules new-rules.d
  logagent export schema -o ~/.local/share/logagent
"""


class UnwritableError(LogagentError):
    """A file that cannot be written."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Export:
    """Files by name, what is approximate in them, and what is to say of them."""

    files: Mapping[str, str]
    warnings: Sequence[str] = ()
    summary: str = ""


@click.command(name="export", help=_HELP)
@click.argument("kind", type=click.Choice(_KINDS), metavar="prometheus-rules|grafana|schema")
@click.option(
    "-o", "--output", "directory", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="Where the files are written; made if it is not there.",
)  # fmt: skip
@click.option(
    "-c", "--config", "config", type=click.Path(path_type=Path), metavar="FILE",
    help="The configuration file. [default: /etc/logagent/logagent.toml, if there is one]",
)  # fmt: skip
@click.option(
    "--rules", "rules", type=click.Path(path_type=Path), metavar="DIR",
    help="Only the rules of this directory or file, in place of the configured ones.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(kind: str, directory: Path, config: Path | None, rules: Path | None, *, as_json: bool) -> int:
    """Write the files of a kind, and say which."""
    export = _export(kind, config, rules)
    written = [_write(directory / name, text) for name, text in export.files.items()]
    if as_json:
        report = {"kind": kind, "files": [str(path) for path in written], "warnings": list(export.warnings)}
        click.echo(inert_json(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()))
        return 0
    for warning in export.warnings:
        write_warning(visible(warning))
    for path in written:
        click.echo(f"{style('wrote', 'green', 'bold', stream=sys.stdout)} {visible(str(path))}")
    if export.summary:
        click.echo(export.summary)
    return 0


def _export(kind: str, config: Path | None, rules: Path | None) -> Export:
    if kind == "schema":
        return Export(schemas())
    settings, catalog = _load(config, rules)
    if kind == "grafana":
        return Export(dashboards(catalog, settings))
    found = prometheus_rules(catalog, settings)
    summary = f"{len(found.decided)} rules for Prometheus to decide, {len(found.computed)} that logagent decides"
    return Export({FILE_NAME: found.text}, found.warnings, summary)


def _load(config: Path | None, rules: Path | None) -> tuple[Settings, Catalog]:
    settings, problems = read_settings(config, os.environ)
    if rules is not None:
        settings = _with_rules(settings, rules)
    try:
        catalog = load_catalog(settings)
    except ConfigurationError as error:
        raise ConfigurationError(problems + [one for one in error.problems if one not in problems]) from None
    if problems:
        raise ConfigurationError(problems)
    return settings, catalog


def _with_rules(settings: Settings, rules: Path) -> Settings:
    files = rule_files_at(rules)
    if not files:
        raise UnreachableError(f"{rules} holds no .toml file", "a directory of rule files")
    return with_rules(settings, files)


def _write(path: Path, text: str) -> Path:
    """Write a file beside its place and rename it there: whoever reads it sees the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        reason = (error.strerror or str(error)).lower()
        raise UnwritableError(
            f"{path} cannot be written: {reason}", "-o with a directory that you may write to"
        ) from None
    return path
