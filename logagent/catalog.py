"""Parser and rule files → one immutable catalog, or everything that is wrong with them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from logagent.alert_metrics import metrics_of
from logagent.alerting.routing import Routing
from logagent.alerting.rules import Reading
from logagent.alerting.rules.routes import Route
from logagent.definition_files import decoded, own_files
from logagent.errors import ConfigurationError, Problem
from logagent.parsing.checks import semantic_problems
from logagent.parsing.compile import Wanted
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.problems import definition_problems
from logagent.rule_files import read_rule_files, rules_of
from logagent.shipped import parser_files, rule_files
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logagent.alerting.rules import NamedRule
    from logagent.metrics.rules import MetricRule
    from logagent.rule_files import RuleFile
    from logagent.settings import Settings

TEXT = "text"
"""Name of the parser of last resort."""
_NO_SPANS = frozenset({"log", "error"})


@dataclass(frozen=True, slots=True)
class Catalog:
    """All definitions in force."""

    parsers: tuple[ParserDefinition, ...]
    metrics: tuple[MetricRule, ...]
    rules: tuple[NamedRule, ...]
    """Alerts, budgets and all else that alerts come from."""
    files: tuple[RuleFile, ...] = ()
    """Where they are from."""
    routing: Routing = field(default_factory=Routing)
    """Who is told of alerts."""

    @property
    def patience_nano(self) -> int:
        """The longest time that a rule waits for late events before it decides on a moment."""
        return max((round(getattr(rule, "allowed_lateness", 0.0) * 1e9) for rule in self.rules), default=0)

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


def load_catalog(settings: Settings, *, delivers: bool = True) -> Catalog:
    """Reads the shipped files that the settings select, and the operator's own.

    Where nothing is delivered, routes may lead to exporters that there are not.

    Raises ConfigurationError with the problems of all files.
    """
    problems: list[Problem] = []
    parsers = _read_parsers(settings, problems)
    files, routing = read_rule_files(_selected(settings, problems), problems)
    destinations = [name for name, options in settings.exporters.items() if options.takes_alerts]
    problems += routing.problems(destinations if delivers else {name for name, _ in routing.destination_names})
    if destinations and not routing.routes:
        routing.routes.append(Route(name="default", to=destinations))
    names = {definition.name for definition in parsers}
    for name, receiver in settings.receivers.items():
        if receiver.parser != "auto" and receiver.parser not in names:
            hint = did_you_mean(receiver.parser, names) or f'"auto", or one of {", ".join(sorted(names))}'
            problems.append(
                settings.problem(("receivers", name, "parser"), f"there is no parser `{receiver.parser}`", hint)
            )
    metrics, rules = rules_of(files)
    own = metrics_of(rules) if settings.rules.prometheus else ()
    problems += _taken(files, own)
    if problems:
        raise ConfigurationError(problems)
    return Catalog(tuple(parsers), (*metrics, *own), rules, tuple(files), routing)


def _taken(files: Sequence[RuleFile], own: Sequence[MetricRule]) -> list[Problem]:
    """Metrics of rule files whose names are those of alerts' own."""
    names = {rule.name for rule in own}
    message = "an alert's own metric has this name"
    return [
        Problem(str(file.path), f"metric {rule.name}", message, "another name, or [rules] prometheus = false")
        for file in files
        for rule in file.metrics
        if rule.name in names
    ]


def _read_parsers(settings: Settings, problems: list[Problem]) -> list[ParserDefinition]:
    found: dict[str, ParserDefinition] = {}
    origins: dict[str, Path] = {}
    shipped = parser_files()
    for file, data in decoded([*shipped, *own_files(settings.parsers.paths)], problems):
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


def _selected(settings: Settings, problems: list[Problem]) -> list[Path]:
    """The shipped rule files that the settings select, and the operator's own."""
    shipped = {file.stem: file for file in rule_files()}
    selected = settings.rules.shipped
    for name in selected or ():
        if name not in shipped:
            hint = did_you_mean(name, shipped) or f"one of {', '.join(sorted(shipped))}"
            problems.append(settings.problem(("rules", "shipped"), f"there is no shipped rule file `{name}`", hint))
    files = [file for name, file in shipped.items() if selected is None or name in selected]
    return [*files, *own_files(settings.rules.paths)]
