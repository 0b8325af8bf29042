"""Feeds the same events to our engine and, as samples of our metrics, to ``promtool test rules``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.catalog import Catalog, load_catalog
from logagent.export.prometheus_rules import PrometheusRules, prometheus_rules
from logagent.model import AlertState
from logagent.pipeline import build_pipeline
from logagent.ruletests.bench import Bench
from logagent.ruletests.events import SECOND, events_of
from logagent.ruletests.tables import Input, RuleTest
from logagent.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logagent.model import Alert

PROMTOOL = shutil.which("promtool")
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$")
_NOT_IN_PROMETHEUS = {"period"}
"""Label of a budget's alerts that Prometheus has no way to know."""

Firing = list[tuple[dict[str, str], int, int]]
"""Labels of an alert, and the seconds from which and up to which it fires."""


@dataclass(frozen=True)
class Scenario:
    """Rules and what happens."""

    name: str
    rules: str
    input: list[dict[str, object]]
    lasting: int
    """Seconds."""
    step: int = 15
    """Seconds between scrapes and between evaluations: the rules' interval."""


class Comparison:
    """What both make of a scenario."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        self.scenario = scenario
        self.directory = directory
        self.settings, self.catalog = configured(directory, scenario.rules)
        self.exported = prometheus_rules(self.catalog, self.settings)
        self.series: dict[str, list[str]] = {}
        self.firing = self._run()

    def _run(self) -> Firing:
        """Feed our engine; sample its metrics at every scrape, as /metrics would show them then."""
        test = RuleTest.model_construct(input=[Input.model_validate(one) for one in self.scenario.input])
        start = round(test.start.timestamp()) * SECOND
        bench, pipeline = Bench(self.catalog, self.settings), build_pipeline(self.catalog, self.settings)
        pipeline.store, pipeline.metrics, pipeline.alerts = bench.store, bench.metrics, bench.alerts
        wanted = set(re.findall(r"[a-zA-Z_:][\w:]*", self.exported.text))
        events = iter(events_of(test))
        event = next(events, None)
        for scrape in range(self.scenario.lasting // self.scenario.step + 1):
            now = start + scrape * self.scenario.step * SECOND
            while event is not None and event.read_unix_nano <= now:
                bench.advance(event.read_unix_nano)
                bench.feed([event.item], event.read_unix_nano)
                event = next(events, None)
            bench.advance(now)
            pipeline._collect()
            pipeline.observe()
            shown = pipeline.store.render() + pipeline.telemetry.store.render()
            self._sample(shown.decode(), scrape, wanted)
        bench.advance(now + 3600 * SECOND)
        return [one for one in firing_times(bench.told, start) if one[1] <= self.scenario.lasting]

    def _sample(self, exposition: str, scrape: int, wanted: set[str]) -> None:
        for line in exposition.splitlines():
            found = _SAMPLE.match(line)
            if found and re.split("[{ ]", line)[0] in wanted:
                values = self.series.setdefault(found[1], ["_"] * scrape)
                values.append(found[2])

    def promtool(self, rules: str = "") -> subprocess.CompletedProcess[str]:
        """Ask whether Prometheus, with these rules or with those that were exported, fires when our engine does."""
        assert PROMTOOL is not None
        file, test = self.directory / "rules.yml", self.directory / "test.yml"
        file.write_text(rules or self.exported.text)
        test.write_text(json.dumps(self._test()))
        return subprocess.run([PROMTOOL, "test", "rules", str(test)], capture_output=True, text=True, check=False)

    def _test(self) -> dict[str, object]:
        series = [
            {"series": name, "values": " ".join(_compressed(values))} for name, values in sorted(self.series.items())
        ]
        interval = f"{self.scenario.step}s"
        return {
            "rule_files": ["rules.yml"],
            "evaluation_interval": interval,
            "tests": [{"interval": interval, "input_series": series, "promql_expr_test": list(self._expectations())}],
        }

    def _expectations(self) -> Iterator[dict[str, object]]:
        """At every instant, but for those next to a change, what fires with which labels, and that nothing else does."""
        step = self.scenario.step
        groups = {json.dumps(labels): labels for labels, _, _ in self.firing}
        names = "|".join(re.escape(rule.name) for rule in self.catalog.rules)
        anything = f'ALERTS{{alertstate="firing",alertname=~"{names}"}}'
        for at in range(step, self.scenario.lasting + 1, step):
            if any(abs(at - edge) <= step for _, begin, end in self.firing for edge in (begin, end)):
                continue
            fires = [labels for labels, begin, end in self.firing if begin <= at < end]
            yield _expectation(f"count({anything})", at, len(fires))
            for labels in groups.values():
                matchers = ",".join(f"{name}={json.dumps(text)}" for name, text in labels.items())
                yield _expectation(f'count(ALERTS{{alertstate="firing",{matchers}}})', at, fires.count(labels))


def configured(directory: Path, rules: str, *, options: str = "prometheus = true") -> tuple[Settings, Catalog]:
    """The settings and the catalog of these rules alone."""
    (directory / "rules.toml").write_text(rules)
    (directory / "logagent.toml").write_text(
        f'[service]\nname = "app"\n[state]\ndir = "state"\n[receivers.stdin]\n'
        f'[rules]\nshipped = []\npaths = ["rules.toml"]\n{options}\n'
    )
    settings = load_settings(directory / "logagent.toml", {})
    return settings, load_catalog(settings)


def exported(directory: Path, rules: str, *, options: str = "prometheus = true") -> PrometheusRules:
    """The Prometheus rules of these rules alone."""
    settings, catalog = configured(directory, rules, options=options)
    return prometheus_rules(catalog, settings)


def firing_times(told: list[Alert], start: int) -> Firing:
    """When alerts fired, by the instants that they are about."""
    begun: dict[str, tuple[dict[str, str], int]] = {}
    found: Firing = []
    for alert in told:
        labels = {name: text for name, text in alert.labels.items() if name not in _NOT_IN_PROMETHEUS}
        second = (alert.time_unix_nano - start) // SECOND
        if alert.state is AlertState.FIRING:
            begun.setdefault(json.dumps(labels), (labels, second))
        elif alert.state is AlertState.RESOLVED:
            labels, since = begun.pop(json.dumps(labels))
            found.append((labels, since, second))
    return found + [(labels, since, 10**9) for labels, since in begun.values()]


def _compressed(values: list[str]) -> Iterator[str]:
    """promtool's notation: a value, and how often it is repeated."""
    position = 0
    while position < len(values):
        same = next((at for at in range(position, len(values)) if values[at] != values[position]), len(values))
        count = same - position
        again = f"x{count - 1}" if count > 1 else ""
        yield (
            f"_x{count}" if values[position] == "_" else f"{values[position]}+0{again}" if again else values[position]
        )
        position = same


def _expectation(expression: str, at: int, count: int) -> dict[str, object]:
    samples = [{"labels": "{}", "value": count}] if count else []
    return {"expr": expression, "eval_time": f"{at}s", "exp_samples": samples}
