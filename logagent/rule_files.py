"""Rule files: what rules and tests each holds, or everything that is wrong with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logagent.alerting.kinds import TABLES
from logagent.alerting.loading import RuleReader, problem_maker
from logagent.alerting.routing import ROUTING_TABLES, Routing, read_routing
from logagent.definition_files import decoded
from logagent.errors import Problem
from logagent.metrics.rules import MetricRule, family_problems
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from logagent.alerting.rules import NamedRule

KEYS = ("version", "group", "description", "metric", *TABLES, *ROUTING_TABLES, "test")
"""What may stand in a rule file."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file's rules."""

    path: Path
    group: str
    """What the rules have in common; the file's name where it does not say."""
    metrics: tuple[MetricRule, ...]
    rules: tuple[NamedRule, ...]
    data: Mapping[str, Any]
    """The file as decoded; its tests are read from it by whoever runs them."""


def read_rule_files(paths: Iterable[Path], problems: list[Problem]) -> tuple[list[RuleFile], Routing]:
    """The rules of these files, and who is told of their alerts. Names are unique over all of them."""
    reader = RuleReader()
    routing = Routing()
    placed: list[tuple[MetricRule, str, str]] = []
    files = []
    for path, data in decoded(paths, problems):
        problems += _top_problems(str(path), data)
        before = len(placed), len(reader.rules)
        problems += _read_metrics(str(path), data, placed)
        reader.read(str(path), data)
        problems += read_routing(data, problem_maker(str(path)), routing)
        metrics = tuple(rule for rule, _, _ in placed[before[0] :])
        group = data.get("group", path.stem)
        files.append(RuleFile(path, str(group), metrics, tuple(reader.rules[before[1] :]), data))
    problems += reader.problems
    problems += family_problems(placed)
    return files, routing


def rules_of(files: Iterable[RuleFile]) -> tuple[tuple[MetricRule, ...], tuple[NamedRule, ...]]:
    """The metrics, and all other rules, of several files."""
    files = list(files)
    return tuple(rule for file in files for rule in file.metrics), tuple(rule for file in files for rule in file.rules)


def _top_problems(file: str, data: Mapping[str, Any]) -> list[Problem]:
    problems = [
        Problem(file, key, f"unknown table or key `{key}`", did_you_mean(key, KEYS) or f"one of {', '.join(KEYS)}")
        for key in data
        if key not in KEYS
    ]
    if data.get("version", 1) != 1:
        problems.append(Problem(file, "version", f"unknown version {data['version']!r}", "version = 1"))
    return problems


def _read_metrics(file: str, data: Mapping[str, Any], placed: list[tuple[MetricRule, str, str]]) -> list[Problem]:
    tables = data.get("metric", [])
    if not isinstance(tables, list):
        return [Problem(file, "metric", "`metric` is a list of tables", "[[metric]]")]
    problems: list[Problem] = []
    for index, table in enumerate(tables):
        rule, wrong = MetricRule.read(table, file, f"metric[{index}]")
        problems += wrong
        if rule is not None:
            placed.append((rule, file, f"metric[{index}]"))
    return problems
