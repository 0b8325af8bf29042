"""All tests of a catalog: those inside its rule files, and the samples of its parsers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.alerting.loading import problem_maker
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.redaction import Redactor
from logagent.parsing.samples import run_samples
from logagent.ruletests.checking import Difference
from logagent.ruletests.running import run_test
from logagent.ruletests.tables import read_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from logagent.catalog import Catalog
    from logagent.errors import Problem
    from logagent.rule_files import RuleFile
    from logagent.ruletests.tables import RuleTest
    from logagent.settings import Settings


@dataclass(frozen=True, slots=True)
class Case:
    """A test that was run."""

    file: str
    name: str
    differences: Sequence[Difference]
    """Empty where it passed."""
    seconds: float


@dataclass(frozen=True, slots=True)
class FileTests:
    """The tests of one rule file, and the rules that they are for."""

    file: RuleFile
    tests: list[RuleTest]

    @property
    def untested(self) -> list[str]:
        """Its alerts, budgets and SLOs of which no expectation speaks."""
        told = {expectation.about for test in self.tests for expectation in test.expect}
        return [rule.name for rule in self.file.rules if rule.name not in told]


def read_suite(catalog: Catalog) -> tuple[list[FileTests], list[Problem]]:
    """The tests in the rule files of a catalog, and everything that is wrong with them."""
    found: list[FileTests] = []
    problems: list[Problem] = []
    for file in catalog.files:
        tests, wrong = read_tests(file.data, problem_maker(str(file.path)))
        found.append(FileTests(file, tests))
        problems += wrong
    return found, problems


def run_suite(
    suite: Sequence[FileTests], catalog: Catalog, settings: Settings, wanted: Callable[[str], bool]
) -> Iterator[Case]:
    """Run the tests whose names are wanted. A file's tests are of its own rules; where it has none, of all there are."""
    for tests in suite:
        file = tests.file
        own = bool(file.rules or file.metrics)
        rules = dataclasses.replace(catalog, metrics=file.metrics, rules=file.rules) if own else catalog
        for test in tests.tests:
            if wanted(test.name):
                result = run_test(test, rules, settings)
                yield Case(str(file.path), test.name, result.differences, result.seconds)


def run_parser_samples(catalog: Catalog, settings: Settings, wanted: Callable[[str], bool]) -> Iterator[Case]:
    """Run the samples of the parsers, one case a parser."""
    redactor = Redactor(settings.redaction.keys, settings.redaction.patterns)
    limits = settings.limits
    dialects = [
        CompiledDialect(definition, redactor, zone="UTC", max_depth=limits.nesting, max_attributes=limits.attributes)
        for definition in catalog.parsers
    ]
    for definition in catalog.parsers:
        name = f"samples of the parser {definition.name}"
        if not definition.sample or not wanted(name):
            continue
        found = [
            Difference(one.place, f"sample {one.sample}", _shown(one.expected), _shown(one.found))
            for one in run_samples(definition, dialects)
        ]
        yield Case(definition.name, name, found, 0.0)


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)
