"""A metric and its series.

Generated code updates series in place: ``series.value += n`` (for a histogram ``series.counts[i] += 1`` and
``series.value += n``, its sum), then marks the series dirty and appends it to the store's list, once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import orjson

from logagent.metrics.exposition import labels_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OVERFLOW = "__overflow__"
MAX_LABEL_LENGTH = 256
"""Characters of a label value; the rest is cut."""
_MAX_REDACTED_LENGTH = 4_096
"""Characters that are looked at for secrets before a label value is cut."""
_MAX_LABEL_BITS = 128
_INTEGRAL = 1e15

LabelValue = Any
"""A value out of somebody's log line, on its way to becoming a label."""


class MetricType(Enum):
    """Prometheus's metric types that rules can define."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Series:
    """One label set of a metric. ``counts`` are a histogram's observations per bucket, not cumulative."""

    __slots__ = ("counts", "dirty", "family", "key", "labels", "value")

    def __init__(self, family: Family, values: tuple[str, ...]) -> None:
        self.family = family
        self.key = "s:" + orjson.dumps([family.name, *values]).decode()
        self.labels = labels_text(family.label_names, values)
        self.value = 0.0
        self.counts = [0] * (len(family.buckets) + 1) if family.type is MetricType.HISTOGRAM else []
        self.dirty = False

    def touch(self) -> None:
        """Have the next commit write this series."""
        if not self.dirty:
            self.dirty = True
            self.family.dirty.append(self)

    def add(self, amount: float) -> None:
        """Increase a counter."""
        self.value += amount
        self.touch()

    def set(self, value: float) -> None:
        """Set a gauge."""
        self.value = float(value)
        self.touch()

    def observe(self, value: float) -> None:
        """Count one observation of a histogram."""
        self.counts[bisect_left(self.family.buckets, value)] += 1
        self.value += value
        self.touch()

    def encode(self) -> bytes:
        """Give the ledger's entry: a number; for a histogram its sum and its counts."""
        number = encode_number(self.value)
        return orjson.dumps([number, *self.counts] if self.counts else number)


@dataclass(slots=True, eq=False)
class Family:
    """A metric: what it is, and its series by label values."""

    name: str
    shown_name: str
    type: MetricType
    help_text: str
    unit: str
    label_names: tuple[str, ...]
    buckets: tuple[float, ...]
    max_series: int
    dirty: list[Series]
    redact: Callable[[str], str]
    series: dict[tuple[str, ...], Series] = field(default_factory=dict)
    index: dict[tuple[str | int, ...], Series] = field(default_factory=dict)
    """Label values as the data has them (text and whole numbers) → series; a cache of ``series``."""
    overflowed: int = 0

    def find(self, values: tuple[LabelValue, ...], updates: int = 1) -> Series:
        """Give the series of some label values, made if there is none; beyond the limit, the overflow series.

        ``updates`` says how many updates it is wanted for.
        """
        texts = tuple(map(self._text, values))
        series = self.series.get(texts)
        if series is None:
            if len(self.series) >= self.max_series and texts:
                self.overflowed += updates
                return self._overflow()
            series = self._create(texts)
        if all(map(_is_exact, values, texts)):
            if len(self.index) >= 4 * self.max_series:
                self.index.clear()
            self.index[values] = series
        return series

    def load(self, values: Sequence[str], entry: bytes) -> None:
        """Take one series out of the ledger's entry; raises ValueError where it does not fit."""
        texts = tuple(values)
        numbers = orjson.loads(entry)
        if len(texts) != len(self.label_names) or not all(isinstance(text, str) for text in texts):
            raise ValueError(texts)
        value, counts = numbers, []
        if self.type is MetricType.HISTOGRAM:
            value, *counts = numbers
            if len(counts) != len(self.buckets) + 1 or not all(isinstance(count, int) for count in counts):
                raise ValueError(counts)
        number = float(value)
        series = self.series.get(texts)
        if series is None:
            series = self.series[texts] = Series(self, texts)
        series.value = number
        series.counts[:] = counts

    def definition(self) -> bytes:
        """Give what must stay the same for the series to go on."""
        return orjson.dumps({"type": self.type.value, "labels": self.label_names, "buckets": self.buckets})

    def _text(self, value: LabelValue) -> str:
        return label_text(self.redact(value[:_MAX_REDACTED_LENGTH]) if value.__class__ is str else value)

    def _overflow(self) -> Series:
        texts = (OVERFLOW,) * len(self.label_names)
        return self.series.get(texts) or self._create(texts)

    def _create(self, texts: tuple[str, ...]) -> Series:
        series = self.series[texts] = Series(self, texts)
        series.touch()
        return series


def decode_family(definition: bytes) -> dict[str, Any]:
    """Read what ``Family.definition`` wrote; raises ValueError, TypeError or KeyError for anything else."""
    content = orjson.loads(definition)
    return {part: content[part] for part in ("type", "labels", "buckets")}


def _is_exact(value: LabelValue, text: str) -> bool:
    return value == text or (value.__class__ is int and value.bit_length() <= _MAX_LABEL_BITS)


def label_text(value: LabelValue) -> str:
    """Give a label's text: the same for ``200``, ``200.0`` and ``"200"``; empty for a missing value, a list or an object."""
    if value.__class__ is str:
        return _clean(value)
    if value is None:
        return ""
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is int:
        return str(value) if value.bit_length() <= _MAX_LABEL_BITS else repr(math.inf)
    if value.__class__ is float:
        return str(int(value)) if value.is_integer() and abs(value) < _INTEGRAL else repr(value)
    return ""


def _clean(text: str) -> str:
    text = text[:MAX_LABEL_LENGTH]
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def encode_number(value: float) -> float | str:
    """Give a number as JSON can hold it exactly; ``float`` reads both forms."""
    return value if math.isfinite(value) else repr(value)
