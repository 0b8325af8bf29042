"""One pipeline over a log in a process of its own: what its rules cost to load, for each line and for each batch."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from logagent.catalog import load_catalog
from logagent.components import CHUNK_BYTES
from logagent.model import RawBatch
from logagent.pipeline import build_pipeline
from logagent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.model import Alert

_BATCHES_PER_COMMIT = 16
_KIB_IN_MIB = 1024


class Cost(NamedTuple):
    """What one run took. Times are of the processor, in user mode, but for those of the clock of ticks."""

    rules: int
    load_seconds: float
    """From files to a pipeline that is ready: read, checked, compiled."""
    seconds: float
    """All batches and commits."""
    tick_microseconds: float
    """Of one batch: rules see that time has passed."""
    peak_rss_mib: float
    lines: int
    outcome: tuple[int, int, int]
    """Spans, changes of alerts and series, which the rules that match decide."""


def _user_seconds() -> float:
    return os.times().user


def _batches(log: Path) -> Iterator[RawBatch]:
    with log.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            lines = (chunk + file.readline()).splitlines()
            yield RawBatch("app", str(log), lines, str(log), b"at", time.time_ns(), len(chunk))


def measure(log: Path, rules: Path) -> Cost:
    """Give what a log costs with a file of rules and without the shipped ones."""
    tables = {
        "service": {"name": "bench"},
        "state": {"dir": "/nowhere"},
        "receivers": {"app": {"type": "stdin", "timezone": "UTC"}},
        "rules": {"paths": [str(rules)], "shipped": []},
    }
    settings = Settings.model_validate(tables, context={"directory": Path("/nowhere")})
    began = _user_seconds()
    catalog = load_catalog(settings)
    pipeline = build_pipeline(catalog, settings)
    loaded = _user_seconds()
    ticking, tick = 0, pipeline.alerts.tick

    def timed(time_unix_nano: int) -> list[Alert]:
        nonlocal ticking
        start = time.perf_counter_ns()
        alerts = tick(time_unix_nano)
        ticking += time.perf_counter_ns() - start
        return alerts

    pipeline.alerts.tick = timed  # type: ignore[method-assign]  # a stopwatch around it
    count = lines = spans = alerts = 0
    for count, batch in enumerate(_batches(log), 1):
        outcome = pipeline.process(batch, 0)
        lines += len(batch.lines)
        spans += len(outcome.spans)
        alerts += len(outcome.alerts)
        if count % _BATCHES_PER_COMMIT == 0:
            list(pipeline.changes())
    seconds = _user_seconds() - loaded
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_IN_MIB  # Linux gives KiB (getrusage(2))
    # a counter is shown from its start: those of rules that match nothing stand at nought
    series = sum(bool(one.value) for family in pipeline.store.families.values() for one in family.series.values())
    found = (spans, alerts, series)
    total = len(catalog.metrics) + len(catalog.rules)
    return Cost(total, loaded - began, seconds, ticking / 1e3 / count, peak, lines, found)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
