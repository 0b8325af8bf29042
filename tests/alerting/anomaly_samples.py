from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from alert_samples import SECOND, START, query
from window_samples import engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.alerting import AlertEngine
    from logagent.model import Alert, Span


def rule(*keys: str, name: str = "Unusual", value: str | None = "duration") -> str:
    lines = [f'name = "{name}"', 'kind = "anomaly"', 'from = "query"', *([f'value = "{value}"'] if value else [])]
    return "\n".join(["[[alert]]", *lines, *keys, ""])


def at(seconds: float, duration: float = 1.0, table: str | None = None) -> Span:
    return query(START + round(seconds * SECOND), duration, table)


def steady(first: float, last: float, step: float = 10.0, level: float = 1.0, seed: int = 1) -> list[Span]:
    """Events whose durations are some 20 % off their level."""
    draw = Random(f"{seed} {first}")
    times = [first + step * one for one in range(round((last - first) / step))]
    return [at(time, level * draw.lognormvariate(0, 0.2)) for time in times]


def feed(rules: AlertEngine, spans: Iterable[Span], step: int = 60) -> list[Alert]:
    """Bring spans in batches, each followed by a look, as the pipeline does."""
    told: list[Alert] = []
    batch: list[Span] = []
    edge: int | None = None
    for span in spans:
        if edge is not None and span.end_unix_nano > edge:
            told += rules.spans(batch) + rules.tick(batch[-1].end_unix_nano)
            batch, edge = [], None
        batch.append(span)
        edge = edge or span.end_unix_nano + step * SECOND
    return told + rules.spans(batch) + (rules.tick(batch[-1].end_unix_nano) if batch else [])


def run(text: str, spans: Iterable[Span]) -> list[Alert]:
    return feed(engine(text), spans)
