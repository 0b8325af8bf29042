"""Made-up series of a service's load, latency and cost, with anomalies of known kinds, times and lengths in them.

A series has the shape of a day and of a week by the clock on the wall in Amsterdam, across the end of summer time, with
a trend, noise that lasts (so that neighbouring windows are alike) and noise that does not. Levels, shapes and noise are drawn for each
seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEVELOPMENT_SEEDS = range(1_000, 1_020)
"""On which the method and its constants were chosen."""
CONFIRMATION_SEEDS = range(50_000, 50_040)
"""On which nothing was ever chosen."""
START = int(datetime(2026, 9, 28, tzinfo=UTC).timestamp())
ZONE = ZoneInfo("Europe/Amsterdam")
WINDOW = 300
DAY = 86_400
LEARNING_DAYS = 21
DAYS = 56
_HOUR = 3600
_NIGHT = 2
"""Local hour at which a service falls silent at night."""


@dataclass(frozen=True)
class Anomaly:
    """A time in which values are not what they would have been. Seconds since the epoch."""

    kind: str
    start: int
    end: int

    def change(self, time: int, value: float) -> float:
        """Give what the value of a moment is with this anomaly."""
        if not self.start <= time < self.end:
            return value
        return value * FACTORS[self.kind]((time - self.start) / (self.end - self.start))


FACTORS: dict[str, Callable[[float], float]] = {
    "spike x3": lambda _: 3.0,
    "drop to 30 %": lambda _: 0.3,
    "level +60 %": lambda _: 1.6,
    "ramp to +80 %": lambda passed: 1 + 0.8 * min(passed * 1.5, 1.0),
    "zero at night": lambda _: 0.0,
}
_LENGTHS = {
    "spike x3": _HOUR,
    "drop to 30 %": _HOUR,
    "level +60 %": 12 * _HOUR,
    "ramp to +80 %": 9 * _HOUR,
    "zero at night": 2 * _HOUR,
}


@dataclass(frozen=True)
class Point:
    """The value of the window that ends at a moment, and the events that it comes from."""

    time: int
    value: float
    events: int


@dataclass(frozen=True)
class _Shape:
    """What a seed's service is like."""

    level: float
    day: float
    weekend: float
    growth: float
    lasting: float

    @classmethod
    def drawn(cls, draw: Random, level: float) -> _Shape:
        return cls(
            level * draw.lognormvariate(0, 0.7),
            draw.uniform(0.3, 1.3),
            draw.uniform(0.3, 1.0),
            draw.gauss(0.0, 0.03),
            draw.uniform(0.02, 0.1),
        )

    def expected(self, time: int) -> float:
        """The value without noise: the logarithm follows the sun, weekends are quieter, months grow."""
        local = datetime.fromtimestamp(time, ZONE)
        hour = local.hour + local.minute / 60
        sun = math.cos((hour - 15) / 12 * math.pi) + 0.3 * math.cos((hour - 11) / 6 * math.pi)
        week = self.weekend if local.weekday() > 4 else 1.0  # noqa: PLR2004 - Saturday and Sunday
        growth = math.pow(1 + self.growth, (time - START) / (30 * DAY))
        return self.level * math.exp(self.day * sun) * week * growth


def _lasting_noise(draw: Random, size: float) -> Iterator[float]:
    """Factors around 1 that forget half of themselves in half an hour."""
    keep = 0.5 ** (WINDOW / 1800)
    state = 0.0
    while True:
        state = keep * state + math.sqrt(1 - keep * keep) * draw.gauss(0, size)
        yield math.exp(state)


def _poisson(draw: Random, mean: float) -> int:
    if mean > 50:  # noqa: PLR2004 - there the normal distribution is as good
        return max(round(draw.gauss(mean, math.sqrt(mean))), 0)
    limit, count, product = math.exp(-mean), 0, draw.random()
    while product > limit:
        count += 1
        product *= draw.random()
    return count


def requests(draw: Random, changed: Callable[[int, float], float]) -> Iterator[Point]:
    """Number of requests in each window."""
    shape = _Shape.drawn(draw, 60.0)
    for time, noise in zip(_times(), _lasting_noise(draw, shape.lasting), strict=False):
        count = _poisson(draw, changed(time, shape.expected(time) * noise))
        yield Point(time, count, count)


def latency(draw: Random, changed: Callable[[int, float], float]) -> Iterator[Point]:
    """95 % quantile of durations: it rises with the load, and is the noisier the fewer requests there are."""
    shape = _Shape.drawn(draw, 60.0)
    base, load, tail = draw.lognormvariate(-1, 0.7), draw.uniform(0.05, 0.4), draw.uniform(0.3, 0.8)
    for time, noise in zip(_times(), _lasting_noise(draw, shape.lasting), strict=False):
        expected = shape.expected(time)
        events = _poisson(draw, expected)
        steady = base * (expected / shape.level) ** load * noise
        # the standard error of a 95 % quantile of a lognormal distribution
        sampled = draw.gauss(0, tail * 2.11 / math.sqrt(max(events, 1)))
        if events:
            yield Point(time, changed(time, steady * math.exp(sampled)), events)


def cost(draw: Random, changed: Callable[[int, float], float]) -> Iterator[Point]:
    """What the calls of an hour cost: few of them cost much more than the others."""
    shape = _Shape.drawn(draw, 8.0)
    tail = draw.uniform(0.6, 1.2)
    for time, noise in zip(_times(_HOUR), _lasting_noise(draw, shape.lasting), strict=False):
        calls = _poisson(draw, changed(time, shape.expected(time) * noise * _HOUR / WINDOW))
        yield Point(time, sum(draw.lognormvariate(-4, tail) for _ in range(calls)), calls)


def _times(step: int = WINDOW) -> Iterator[int]:
    return iter(range(START + step, START + DAYS * DAY, step))


def calls(draw: Random, changed: Callable[[int, float], float]) -> Iterator[Point]:
    """Durations of single calls, some three a minute: a heavy tail, and nothing that repeats by day."""
    base, tail, slow = draw.lognormvariate(0.5, 0.5), draw.uniform(0.3, 0.7), draw.uniform(0.005, 0.03)
    time = float(START)
    while time < START + DAYS * DAY / 4:
        time += draw.expovariate(1 / 20)
        factor = draw.paretovariate(1.2) * 2 if draw.random() < slow else 1.0
        yield Point(int(time), changed(int(time), base * factor * draw.lognormvariate(0, tail)), 1)


def anomalies(seed: int, kinds: tuple[str, ...], first: int, last: int) -> list[Anomaly]:
    """One anomaly every one and a half days between two days after the start, of each kind in turn, at any time of day."""
    draw = Random(f"anomalies {seed}")
    found: list[Anomaly] = []
    begin = START + first * DAY
    while begin + 1.5 * DAY <= START + last * DAY:
        kind = kinds[len(found) % len(kinds)]
        start = begin + draw.randrange(DAY // WINDOW) * WINDOW
        if kind == "zero at night":
            start = _at_night(begin)
        found.append(Anomaly(kind, start, start + _LENGTHS[kind]))
        begin += 3 * DAY // 2
    return found


def _at_night(after: int) -> int:
    """The first silent hour of the night after a moment."""
    local = datetime.fromtimestamp(after, ZONE).replace(hour=_NIGHT, minute=0, second=0)
    moment = int(local.timestamp())
    return moment if moment >= after else int((local + timedelta(days=1)).timestamp())
