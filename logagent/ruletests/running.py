"""Runs a test: its events, restarts and expectations in the order of their times, on a virtual clock."""

from __future__ import annotations

import dataclasses
import heapq
import time
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from logagent.ruletests.bench import Bench
from logagent.ruletests.checking import Difference, differences
from logagent.ruletests.events import SECOND, events_of
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.catalog import Catalog
    from logagent.ruletests.tables import Expectation, RuleTest
    from logagent.settings import Settings

_RESTART, _EVENT, _CHECK = 0, 1, 2
"""What comes first at one moment: a check sees what happened at its moment."""

Step = tuple[int, int, object]
"""A moment, one of these, and what belongs to it."""
_order = itemgetter(0, 1)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test."""

    test: RuleTest
    differences: list[Difference]
    """Empty where it passed."""
    seconds: float
    """How long it took."""


def run_test(test: RuleTest, catalog: Catalog, settings: Settings) -> Result:
    """Run one test against the rules of a catalog."""
    began = time.perf_counter()
    chosen = _chosen(test, catalog)
    service = settings.service.model_copy(update={"name": test.service, "namespace": ""})
    bench = Bench(chosen, settings.model_copy(update={"service": service}))
    start = round(test.start.timestamp()) * SECOND
    found = _unknown(test, catalog)
    steps = heapq.merge(_events(test), _marks(test, chosen, start), key=_order)
    for (moment, kind), step in groupby(steps, key=_order):
        bench.advance(moment)
        if kind == _EVENT:
            bench.feed([item for _, _, item in step], moment)  # type: ignore[misc]  # told by its kind
        elif kind == _RESTART:
            bench.restart()
        else:
            for _, _, expectation in step:
                found += differences(expectation, bench, chosen, start)  # type: ignore[arg-type]  # told by its kind
    return Result(test, found, time.perf_counter() - began)


def _unknown(test: RuleTest, catalog: Catalog) -> list[Difference]:
    """The names of rules that are to be tested and that no rule has."""
    known = [*(rule.name for rule in catalog.metrics), *(rule.name for rule in catalog.rules)]
    return [
        Difference(name, "in `rules`", "a rule of this name", did_you_mean(name, known) or "none")
        for name in test.rules
        if name not in known
    ]


def _chosen(test: RuleTest, catalog: Catalog) -> Catalog:
    if not test.rules:
        return catalog
    return dataclasses.replace(
        catalog,
        metrics=tuple(rule for rule in catalog.metrics if rule.name in test.rules),
        rules=tuple(rule for rule in catalog.rules if rule.name in test.rules),
    )


def _events(test: RuleTest) -> Iterator[Step]:
    return ((event.read_unix_nano, _EVENT, event.item) for event in events_of(test))


def _marks(test: RuleTest, catalog: Catalog, start: int) -> list[Step]:
    """Restarts, and expectations each as late as its rule decides: once late events are in."""
    steps: list[Step] = [(start + round(at * SECOND), _RESTART, None) for at in test.restart]
    for expectation in test.expect:
        at = expectation.at if expectation.at is not None else expectation.until
        patience = catalog.patience_nano / SECOND if expectation.route else _lateness(expectation, catalog)
        moment = _end(test) if at is None else at + patience
        steps.append((start + round(moment * SECOND), _CHECK, expectation))
    return sorted(steps, key=_order)


def _lateness(expectation: Expectation, catalog: Catalog) -> float:
    """How long after an instant its rule decides on it, in seconds."""
    rule = next((rule for rule in catalog.rules if rule.name == expectation.about), None)
    return float(getattr(rule, "allowed_lateness", 0.0))


def _end(test: RuleTest) -> float:
    """An hour after the last event has been read: where nothing more is to be expected."""
    ends = [row.at + (row.lasting or 0.0) + row.late for row in test.input]
    return max([*ends, *test.restart, 0.0]) + 3600.0
