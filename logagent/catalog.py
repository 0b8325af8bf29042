"""Parser and rule files → one immutable catalog, or everything that is wrong with them."""

from __future__ import annotations

import glob
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from pydantic import ValidationError

from logagent.alerting.kinds import TABLES
from logagent.alerting.loading import RuleReader
from logagent.alerting.rules import Reading
from logagent.errors import ConfigurationError, Problem
from logagent.metrics.rules import MetricRule, family_problems
from logagent.parsing.checks import semantic_problems
from logagent.parsing.compile import Wanted
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.problems import definition_problems
from logagent.shipped import parser_files, rule_files
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from logagent.alerting.rules import NamedRule
    from logagent.settings import Settings

TEXT = "text"
"""Name of the parser of last resort."""
_RULE_KEYS = ("version", "group", "description", "metric", *TABLES)
_NO_SPANS = frozenset({"log", "error"})


@dataclass(frozen=True, slots=True)
class Catalog:
    """All definitions in force."""

    parsers: tuple[ParserDefinition, ...]
    metrics: tuple[MetricRule, ...]
    rules: tuple[NamedRule, ...]
    """Alerts, budgets and all else that alerts come from."""

    def wanted(self, *, everything: bool) -> Wanted:
        """The span attributes that the rules read."""
        readings = [reading for rule in self.rules for reading in rule.readings()]
        readings += [
            Reading.of(metric.source, (metric.where, metric.value_text, *metric.by.values())) for metric in self.metrics
        ]
        fields: defaultdict[str, set[str]] = defaultdict(set)
        for reading in readings:
            if reading.source not in _NO_SPANS:
                fields[reading.source] |= reading.fields
        for names in fields.values():
            if "endpoint" in names:
                names |= {"http.route", "url.path"}
        return Wanted({source: _attributes(names) for source, names in fields.items()}, everything)


_BUILT_IN = frozenset(
    {
        "kind", "name", "id", "duration", "status", "error", "incomplete", "service", "severity", "parent", "trace_id",
        "endpoint", "outcome", "value", "count", "spent", "limit", "share", "period", "left", "unpriced", "calls",
    }
)  # fmt: skip


def _attributes(names: set[str]) -> set[str]:
    return {name for name in names if name not in _BUILT_IN and not name.startswith("labels.")}


def load_catalog(settings: Settings) -> Catalog:
    """Reads the shipped files that the settings select, and the operator's own.

    Raises ConfigurationError with the problems of all files.
    """
    problems: list[Problem] = []
    parsers = _read_parsers(settings, problems)
    metrics, reader = _read_rules(settings, problems)
    problems += reader.problems
    names = {definition.name for definition in parsers}
    for name, receiver in settings.receivers.items():
        if receiver.parser != "auto" and receiver.parser not in names:
            hint = did_you_mean(receiver.parser, names) or f'"auto", or one of {", ".join(sorted(names))}'
            problems.append(
                settings.problem(("receivers", name, "parser"), f"there is no parser `{receiver.parser}`", hint)
            )
    if problems:
        raise ConfigurationError(problems)
    return Catalog(tuple(parsers), tuple(metrics), tuple(reader.rules))


def _read_parsers(settings: Settings, problems: list[Problem]) -> list[ParserDefinition]:
    found: dict[str, ParserDefinition] = {}
    origins: dict[str, Path] = {}
    shipped = parser_files()
    for file, data in _tables([*shipped, *_own(settings.parsers.paths)], problems):
        try:
            definition = ParserDefinition.model_validate(data)
        except ValidationError as error:
            problems += definition_problems(str(file), error)
            continue
        problems += semantic_problems(str(file), definition)
        other = origins.get(definition.name)
        if other is not None and other not in shipped:
            message = f"there is another parser `{definition.name}` in {other}"
            problems.append(Problem(str(file), "name", message, "give one of them another name"))
        if definition.name == TEXT and definition.format != TEXT:
            message = f"the parser `{TEXT}` takes the lines that nothing else understands"
            problems.append(Problem(str(file), "format", message, f'format = "{TEXT}", or another name'))
        origins[definition.name] = file
        found[definition.name] = definition
    return list(found.values())


def _read_rules(settings: Settings, problems: list[Problem]) -> tuple[list[MetricRule], RuleReader]:
    reader = RuleReader()
    metrics: list[tuple[MetricRule, str, str]] = []
    shipped = {file.stem: file for file in rule_files()}
    selected = settings.rules.shipped
    for name in selected or ():
        if name not in shipped:
            hint = did_you_mean(name, shipped) or f"one of {', '.join(sorted(shipped))}"
            problems.append(settings.problem(("rules", "shipped"), f"there is no shipped rule file `{name}`", hint))
    files = [file for name, file in shipped.items() if selected is None or name in selected]
    for file, data in _tables([*files, *_own(settings.rules.paths)], problems):
        for key in (key for key in data if key not in _RULE_KEYS):
            hint = did_you_mean(key, _RULE_KEYS) or f"one of {', '.join(_RULE_KEYS)}"
            problems.append(Problem(str(file), key, f"unknown table or key `{key}`", hint))
        if data.get("version", 1) != 1:
            problems.append(Problem(str(file), "version", f"unknown version {data['version']!r}", "version = 1"))
        tables = data.get("metric", [])
        if not isinstance(tables, list):
            problems.append(Problem(str(file), "metric", "`metric` is a list of tables", "[[metric]]"))
            tables = []
        for index, table in enumerate(tables):
            rule, wrong = MetricRule.read(table, str(file), f"metric[{index}]")
            problems += wrong
            if rule is not None:
                metrics.append((rule, str(file), f"metric[{index}]"))
        reader.read(str(file), data)
    problems += family_problems(metrics)
    return [rule for rule, _, _ in metrics], reader


def _own(patterns: Iterable[str]) -> list[Path]:
    """The operator's files. One that is named without a wildcard must be there: a typing error would drop its rules."""
    return [
        Path(path)
        for pattern in patterns
        for path in (sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern])  # noqa: PTH207 - the patterns are absolute
    ]


def _tables(files: Iterable[Path], problems: list[Problem]) -> list[tuple[Path, Mapping[str, Any]]]:
    """The decoded files; those that cannot be read or decoded become problems."""
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for file in files:
        try:
            found.append((file, tomli.loads(file.read_text(encoding="utf-8"))))
        except OSError as error:
            reason = error.strerror or "unreadable"
            problems.append(
                Problem(str(file), "", f"cannot be read: {reason}", "a file that the agent's user may read")
            )
        except UnicodeDecodeError:
            problems.append(Problem(str(file), "", "is not UTF-8", "save the file as UTF-8"))
        except tomli.TOMLDecodeError as error:
            problems.append(Problem(str(file), f"line {error.lineno}", f"no TOML: {error.msg}", "see https://toml.io"))
    return found
