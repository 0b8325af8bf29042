"""What the generator's lines must come to, and how an exposition of the agent's differs from it."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from pathlib import Path

BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
LINES_METRIC = "logagent_receiver_lines_total"

_RELATIVE = 1e-9
_ABSOLUTE = 1e-5
"""The truth is rounded to six decimals, the agent's sums are not."""
_MS = 1e-3

Table = dict[tuple[str, ...], float]
"""Label values in the order of the truth's keys -> value."""


@dataclass(slots=True)
class Truth:
    """Expected totals. Keys join label values with ``|``; durations are in milliseconds."""

    lines: int = 0
    bytes: int = 0
    http_requests_total: Counter[str] = field(default_factory=Counter)
    http_dur_count: Counter[str] = field(default_factory=Counter)
    http_dur_sum: dict[str, float] = field(default_factory=dict)
    http_dur_le_1000: Counter[str] = field(default_factory=Counter)
    llm_tokens_total: Counter[str] = field(default_factory=Counter)
    llm_cost_total: dict[str, float] = field(default_factory=dict)
    llm_dur_count: Counter[str] = field(default_factory=Counter)
    db_dur_count: Counter[str] = field(default_factory=Counter)
    db_dur_sum: dict[str, float] = field(default_factory=dict)
    db_slow_total: Counter[str] = field(default_factory=Counter)
    errors_total: Counter[str] = field(default_factory=Counter)

    def table(self) -> dict[str, Any]:
        """Give the totals as a JSON object, rounded to six decimals."""
        totals: dict[str, Any] = {"lines": self.lines, "bytes": self.bytes, "buckets_ms": list(BUCKETS_MS)}
        for name in _TOTALS:
            values: dict[str, float] = getattr(self, name)
            totals[name] = {key: round(value, 6) for key, value in sorted(values.items())}
        return totals

    def write(self, path: Path) -> None:
        """Write the totals as JSON."""
        path.write_text(json.dumps(self.table(), indent=1))


_TOTALS = (
    "http_requests_total",
    "http_dur_count",
    "http_dur_sum",
    "http_dur_le_1000",
    "llm_tokens_total",
    "llm_cost_total",
    "llm_dur_count",
    "db_dur_count",
    "db_dur_sum",
    "db_slow_total",
    "errors_total",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One total of the truth as the agent shows it."""

    total: str
    sample: str
    labels: tuple[str, ...]
    """The labels that make up a key; the sample is summed over all others."""
    le: str = ""
    """Upper bound of the bucket to take."""
    scale: float | None = None
    """From the truth's unit to the agent's; None leaves a whole number whole, which is compared exactly."""


FIGURES = (
    Figure("http_requests_total", "http_requests_total", ("method", "endpoint", "status_code")),
    Figure("http_dur_count", "http_request_duration_seconds_count", ("method", "endpoint")),
    Figure("http_dur_sum", "http_request_duration_seconds_sum", ("method", "endpoint"), scale=_MS),
    Figure("http_dur_le_1000", "http_request_duration_seconds_bucket", ("method", "endpoint"), le="1.0"),
    Figure("llm_tokens_total", "llm_tokens_total", ("provider", "model", "token_type")),
    Figure("llm_cost_total", "llm_cost_usd_total", ("provider", "model")),
    Figure("llm_dur_count", "llm_duration_seconds_count", ("provider", "model")),
    Figure("db_dur_count", "db_query_duration_seconds_count", ("operation", "table")),
    Figure("db_dur_sum", "db_query_duration_seconds_sum", ("operation", "table"), scale=_MS),
    Figure("db_slow_total", "bench_slow_queries_total", ("table",)),
    Figure("errors_total", "errors_total", ("logger",)),
)
_TOKEN_TYPES = {"prompt": "input", "completion": "output"}


def differences(truth: Truth, exposition: str) -> list[str]:
    """Give every figure of an exposition (Prometheus text format, no prefix) that is not the truth's; none where all are."""
    samples = _samples(exposition)
    found = [
        difference
        for figure in FIGURES
        for difference in _differences(figure.sample, _expected(truth, figure), _shown(samples, figure))
    ]
    lines = lines_read(exposition)
    if lines != truth.lines:
        found.append(f"{LINES_METRIC}: expected {truth.lines}, is {lines}")
    return found


def lines_read(exposition: str) -> int:
    """Give how many lines the exposition says have been read."""
    values = [line.rpartition(" ")[2] for line in exposition.splitlines() if line.startswith(f"{LINES_METRIC}{{")]
    return int(sum(map(float, values)))


def figures_checked(truth: Truth) -> int:
    """Give how many values ``differences`` compares."""
    return 1 + sum(len(getattr(truth, figure.total)) for figure in FIGURES)


def _samples(exposition: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def _shown(samples: dict[str, list[tuple[dict[str, str], float]]], figure: Figure) -> Table:
    shown: Table = {}
    for labels, value in samples.get(figure.sample, []):
        if figure.le and float(labels["le"]) != float(figure.le):
            continue
        key = tuple(labels.get(name, "") for name in figure.labels)
        shown[key] = shown.get(key, 0.0) + value
    return shown


def _expected(truth: Truth, figure: Figure) -> Table:
    totals: dict[str, float] = getattr(truth, figure.total)
    return {
        tuple(_TOKEN_TYPES.get(part, part) for part in key.split("|")): value * figure.scale if figure.scale else value
        for key, value in totals.items()
    }


def _differences(name: str, expected: Table, shown: Table) -> list[str]:
    # A series that stands at nought is as good as none: a histogram shows its empty buckets too.
    return [
        f"{name}{{{','.join(key)}}}: expected {expected.get(key, 0.0)!r}, is {shown.get(key, 0.0)!r}"
        for key in sorted(expected.keys() | shown.keys())
        if not _agree(expected.get(key, 0.0), shown.get(key, 0.0))
    ]


def _agree(expected: float, shown: float) -> bool:
    if isinstance(expected, int):
        return shown == expected
    return math.isclose(shown, expected, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
