"""``logagent test``: the tests inside rule files and the samples inside parser files, on a virtual clock."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomli

from logagent.catalog import load_catalog
from logagent.cli.own_rules import with_rules
from logagent.cli.test_report import Report, write_junit
from logagent.errors import ConfigurationError, LogagentError, UnreachableError
from logagent.ruletests.suite import read_suite, run_parser_samples, run_suite
from logagent.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED = 1


class NoTestsError(LogagentError):
    """Nothing to run."""

    exit_code = 2


@click.command(name="test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "-c", "--config", "config", type=click.Path(path_type=Path), metavar="FILE",
    help="The configuration file. [default: /etc/logagent/logagent.toml, if there is one]",
)  # fmt: skip
@click.option("-k", "--name", "word", default="", metavar="TEXT", help="Only tests whose name has this in it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Also write JUnit XML to this file.")
def command(paths: tuple[Path, ...], config: Path | None, word: str, *, as_json: bool, junit: Path | None) -> int:
    """Run the tests inside rule files and the samples inside parser files.

    PATH is a rule file, a parser file or a directory of them; without one, all that the configuration names are run.
    A test's events happen on a virtual clock: a month takes milliseconds. The exit code is 1 where a test fails.

    \b
    Examples:
      logagent test                        every rule and parser that is in use
      logagent test rules.d/checkout.toml  one file
      logagent test -k budget rules.d      those whose name has "budget" in it
    """  # noqa: D301 - click looks for this very character
    settings, problems = read_settings(config, os.environ)
    if paths:
        settings = _of_paths(settings, paths)
    try:
        catalog = load_catalog(settings, delivers=False)
    except ConfigurationError as error:
        raise ConfigurationError(problems + [one for one in error.problems if one not in problems]) from None
    suite, wrong = read_suite(catalog)
    if problems or wrong:
        raise ConfigurationError(problems + wrong)

    def wanted(name: str) -> bool:
        return word.lower() in name.lower()

    began = time.perf_counter()
    report = Report(sys.stdout, quiet=as_json)
    parsers = {str(path) for path in settings.parsers.paths} if paths else None
    for case in run_suite(suite, catalog, settings, wanted):
        report.add(case)
    if parsers is None or parsers:
        for case in run_parser_samples(catalog, settings, wanted):
            report.add(case)
    _require(report, word)
    untested = [] if word else [(str(one.file.path), name) for one in suite for name in one.untested]
    report.end(time.perf_counter() - began, untested, as_json=as_json)
    if junit is not None:
        write_junit(junit, report.cases)
    return _FAILED if report.failed else 0


def _require(report: Report, word: str) -> None:
    if not report.cases and word:
        raise NoTestsError(f"no test has `{word}` in its name", "a part of a name that is there")
    if not report.cases:
        raise NoTestsError("there is no test to run", "[[test]] in a rule file; see docs/rule-tests.md")


def _of_paths(settings: Settings, paths: Sequence[Path]) -> Settings:
    """Settings whose rules are those of the paths alone; their parsers come beside the configured ones."""
    rules: list[Path] = []
    parsers: list[str] = []
    for path in _files(paths):
        if _is_parser(path):
            parsers.append(str(path))
        else:
            rules.append(path)
    known = settings.parsers.model_copy(update={"paths": [*settings.parsers.paths, *parsers]})
    return with_rules(settings, rules).model_copy(update={"parsers": known})


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.toml"))
            if not inside:
                raise UnreachableError(f"{path} holds no .toml file", "a directory of rule files")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise UnreachableError(f"{path} does not exist", "the path of a rule file or of a directory of them")
    return [path.absolute() for path in files]


def _is_parser(path: Path) -> bool:
    """Parser definitions have a name of their own; a file that cannot be read is told of with the rules."""
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return bool({"name", "record", "sample"} & data.keys())
