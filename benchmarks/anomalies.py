"""``python -m benchmarks.anomalies``: what anomaly rules find on labelled series, how late, and how often they are wrong.

Each series is drawn twice from the same seed: as it would have been, where every alert is a false one, and with anomalies,
each of which must be told of while it lasts. The samples go into the rules' own groups, as windows or events bring them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks import anomaly_series as series
from logagent.alerting.anomaly.alerts import told
from logagent.alerting.anomaly.building import anomaly_plan
from logagent.alerting.anomaly.group import AnomalyGroup, Sample
from logagent.alerting.rules import AnomalyAlert
from logagent.alerting.running import Surroundings
from logagent.alerting.state import Journal, entry_key
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.anomaly_series import Anomaly, Point

_NANO = 1_000_000_000
_WEEK_DAYS = 7
ALL = tuple(series.FACTORS)
SEASONAL = {"season": "week", "timezone": "Europe/Amsterdam"}


@dataclass(frozen=True)
class Contest:
    """A rule and the series that it is measured on."""

    name: str
    draw: Callable[[Random, Callable[[int, float], float]], Iterator[Point]]
    keys: dict[str, Any]
    kinds: tuple[str, ...] = ALL
    window: int = series.WINDOW
    first_day: int = series.LEARNING_DAYS
    days: int = series.DAYS

    def rule(self, **changed: Any) -> AnomalyAlert:
        """Give the rule, with other values of some keys."""
        return AnomalyAlert.model_validate({"name": "Unusual", "kind": "anomaly", "from": "llm"} | self.keys | changed)


_COUNT = {"aggregate": "count", "window": "5m"}
_P95 = {"aggregate": "quantile", "quantile": 0.95, "value": "duration", "window": "5m", "min_count": 5}
_SPEND = {"aggregate": "sum", "value": "gen_ai.usage.cost", "window": "1h", "datapoints": 1, "of": 1}
_CALLS = {"value": "duration"}
_MANY = {"sensitivity": 2.0, "datapoints": 6, "of": 8}
CONTESTS = (
    Contest("requests, week", series.requests, _COUNT | SEASONAL),
    Contest("requests, no season", series.requests, _COUNT),
    Contest("p95 latency, week", series.latency, _P95 | SEASONAL, ALL[:4]),
    Contest("p95 latency, no season", series.latency, _P95, ALL[:4]),
    Contest("cost, week", series.cost, _SPEND | SEASONAL, ALL, 3600),
    Contest("single calls", series.calls, _CALLS, ALL[:4], 0, 1, series.DAYS // 4),
    Contest("single calls, 6 of 8 off by 2", series.calls, _CALLS | _MANY, ALL[:4], 0, 1, series.DAYS // 4),
)


@dataclass
class Figures:
    """What a contest came to."""

    found: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    """Kind → seconds from each anomaly's start to its alert; None where there was none."""
    false_while_learning: int = 0
    false_after: int = 0
    learning_weeks: float = 0.0
    weeks: float = 0.0
    samples: int = 0
    seconds: float = 0.0

    def recall(self, kind: str) -> float:
        """Give the share of the anomalies of a kind that were told of."""
        delays = self.found[kind]
        return sum(delay is not None for delay in delays) / len(delays)

    def delay(self, kind: str) -> float:
        """Give the median delay of those, in minutes."""
        return statistics.median([delay for delay in self.found[kind] if delay is not None] or [0.0]) / 60


def alerts_of(rule: AnomalyAlert, points: Iterable[Point], window: int = 0) -> list[int]:
    """When the rule fires on these points, in seconds since the epoch."""
    given = Surroundings({}, None, Journal(), lambda _: None)
    group = AnomalyGroup(anomaly_plan(rule, given), (), entry_key, given.journal)
    fired = []
    for point in points:
        sample = Sample(
            point.time * _NANO, (point.time - window // 2) * _NANO, point.value, point.events, lambda: (b"", {})
        )
        if rule.aggregate == "quantile" and point.events < rule.min_count:
            continue
        if group.passes(sample.at, sample.value):
            continue
        turn = group.judge(sample, given.lost)
        if turn is not None:
            told(group, turn)
            if turn.state is AlertState.FIRING:
                fired.append(point.time)
    return fired


def measure(contest: Contest, seeds: Iterable[int], **changed: Any) -> Figures:
    """Run a contest's rule over the series of these seeds."""
    figures = Figures()
    rule = contest.rule(**changed)
    learned = series.START + contest.first_day * series.DAY
    for seed in seeds:
        clean = list(contest.draw(Random(seed), lambda _, value: value))
        before = time.process_time()
        wrong = alerts_of(rule, clean, contest.window)
        figures.seconds += time.process_time() - before
        figures.samples += len(clean)
        figures.false_while_learning += sum(one < learned for one in wrong)
        figures.false_after += sum(one >= learned for one in wrong)
        figures.learning_weeks += contest.first_day / _WEEK_DAYS
        figures.weeks += (contest.days - contest.first_day) / _WEEK_DAYS
        hidden = series.anomalies(seed, contest.kinds, contest.first_day, contest.days)
        _find(figures, contest, rule, hidden, seed)
    return figures


def _find(figures: Figures, contest: Contest, rule: AnomalyAlert, hidden: Sequence[Anomaly], seed: int) -> None:
    def changed(moment: int, value: float) -> float:
        # a window belongs to the anomaly that its middle lies in
        for anomaly in hidden:
            value = anomaly.change(moment - contest.window // 2, value)
        return value

    fired = alerts_of(rule, contest.draw(Random(seed), changed), contest.window)
    for anomaly in hidden:
        inside = [one for one in fired if anomaly.start < one <= anomaly.end + contest.window]
        figures.found[anomaly.kind].append(inside[0] - anomaly.start if inside else None)


def report(contest: Contest, figures: Figures) -> str:
    """Two lines about a contest."""
    cells = "  ".join(f"{kind} {figures.recall(kind):4.0%} ({figures.delay(kind):3.0f} min)" for kind in contest.kinds)
    false = figures.false_after / figures.weeks
    learning = figures.false_while_learning / figures.learning_weeks
    cost = figures.seconds / figures.samples * 1e6
    return (
        f"{contest.name}\n    found: {cells}\n    false alarms a week: {false:.2f}, while the season is learned"
        f" {learning:.2f}; {cost:.1f} µs a sample"
    )


def main() -> None:
    """Print recall, delay and false alarms of every contest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", choices=["development", "confirmation"], default="confirmation")
    parser.add_argument("--series", type=int, help="of each contest")
    arguments = parser.parse_args()
    seeds = series.DEVELOPMENT_SEEDS if arguments.seeds == "development" else series.CONFIRMATION_SEEDS
    for contest in CONTESTS:
        print(report(contest, measure(contest, seeds[: arguments.series])))


if __name__ == "__main__":
    main()
