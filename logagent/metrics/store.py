"""The metric series: plain objects that generated code updates, keyed entries that the ledger keeps.

``changes`` and ``restore`` speak of two kinds of keys: ``m:NAME`` holds what a metric is (type, labels, buckets),
``s:["NAME","label value",…]`` holds a series. Names are without the prefix, so that a new prefix loses nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from logagent.metrics.exposition import render
from logagent.metrics.series import Family, MetricType, Series, decode_family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_MAX_SERIES = 2_000


class Store:
    """All metrics of one agent.

    ``prefix`` (``service.namespace``) and an underscore go before every name that is rendered. Beyond ``max_series`` label
    sets of one metric, the rest is counted in one series whose every label is ``__overflow__``.
    ``redact`` takes secrets out of a text; every label value passes through it when its series is made.
    """

    def __init__(
        self, prefix: str = "", max_series: int = DEFAULT_MAX_SERIES, *, redact: Callable[[str], str] = str
    ) -> None:
        self.families: dict[str, Family] = {}
        self.dirty: list[Series] = []
        """Series that changed since the last ``changes``; generated code appends."""
        self.notices: list[str] = []
        """What an operator should know of a metric that began anew; whoever reads them clears them."""
        self.unreadable = 0
        """Entries of the ledger that could not be read."""
        self._prefix = _sanitized(prefix)
        self._max_series = max_series
        self._redact = redact
        self._dormant: dict[str, dict[str, bytes]] = {}
        """Entries of metrics that no rule defines now; a rule may come back."""
        self._pending: dict[str, bytes | None] = {}

    @property
    def overflowed(self) -> dict[str, int]:
        """Metric → updates that went to its overflow series, since the agent started."""
        return {name: family.overflowed for name, family in self.families.items() if family.overflowed}

    def counter(self, name: str, help_text: str, labels: Sequence[str] = (), *, unit: str = "") -> Family:
        """Declare a counter; its name ends in ``_total``."""
        return self.declare(name, MetricType.COUNTER, help_text, labels, unit=unit)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = (), *, unit: str = "") -> Family:
        """Declare a gauge."""
        return self.declare(name, MetricType.GAUGE, help_text, labels, unit=unit)

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str] = (), *, buckets: Sequence[float], unit: str = ""
    ) -> Family:
        """Declare a histogram with ascending upper bounds, without the infinite one."""
        return self.declare(name, MetricType.HISTOGRAM, help_text, labels, unit=unit, buckets=buckets)

    def declare(  # noqa: PLR0913 - a metric is all of these
        self,
        name: str,
        metric_type: MetricType,
        help_text: str,
        labels: Sequence[str] = (),
        *,
        unit: str = "",
        buckets: Sequence[float] = (),
    ) -> Family:
        """Give the metric of this definition, with the series that it had; a changed definition begins anew."""
        family = Family(
            name=name,
            shown_name=self._prefix + name,
            type=metric_type,
            help_text=help_text,
            unit=unit,
            label_names=tuple(labels),
            buckets=tuple(map(float, buckets)),
            max_series=self._max_series,
            dirty=self.dirty,
            redact=self._redact,
        )
        present = self.families.get(name)
        if present is not None and present.definition() == family.definition():
            present.help_text, present.unit = help_text, unit
            return present
        if present is not None:
            self.retire(name)
        self.families[name] = family
        self._pending[_family_key(name)] = family.definition()
        self._wake(family)
        return family

    def retire(self, name: str) -> None:
        """Stop showing a metric, and keep its series for the day when a rule defines it again."""
        family = self.families.pop(name)
        entries = {series.key: series.encode() for series in family.series.values()}
        self._pending.update((series.key, entries[series.key]) for series in self.dirty if series.family is family)
        self.dirty[:] = [series for series in self.dirty if series.family is not family]
        self._dormant[name] = {_family_key(name): family.definition(), **entries}

    def changes(self) -> dict[str, bytes | None]:
        """Give the entries that changed since the last call; ``None`` deletes one."""
        changed = self._pending
        self._pending = {}
        for series in self.dirty:
            series.dirty = False
            changed[series.key] = series.encode()
        self.dirty.clear()
        return changed

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Take the series out of a ledger's entries; what no declared metric owns stays as it is."""
        for key, value in entries.items():
            name = _metric_name(key)
            if name is None:
                self.unreadable += 1
                self._pending[key] = None
            else:
                self._dormant.setdefault(name, {})[key] = value
        for family in self.families.values():
            self._wake(family)

    def render(self, *, openmetrics: bool = False) -> bytes:
        """Give the exposition in the text format 0.0.4, or in OpenMetrics 1.0 without its ``# EOF``."""
        return render(self.families.values(), openmetrics=openmetrics)

    def _wake(self, family: Family) -> None:
        entries = self._dormant.pop(family.name, None)
        if entries is None:
            return
        before = entries.pop(_family_key(family.name), b"")
        if before == family.definition():
            self._load(family, entries)
            return
        self._pending.update(dict.fromkeys(entries))
        self.notices.append(f"metric {family.name} begins anew: {_difference(before, family)}")

    def _load(self, family: Family, entries: Mapping[str, bytes]) -> None:
        for key, value in entries.items():
            try:
                family.load(orjson.loads(key[2:])[1:], value)
            except (ValueError, TypeError, KeyError, IndexError, OverflowError):
                self.unreadable += 1
                self._pending[key] = None


def _family_key(name: str) -> str:
    return f"m:{name}"


def _metric_name(key: str) -> str | None:
    if key.startswith("m:"):
        return key[2:]
    try:
        name = orjson.loads(key[2:])[0]
    except (ValueError, TypeError, IndexError, KeyError):
        return None
    return name if isinstance(name, str) and key.startswith("s:") else None


def _difference(before: bytes, family: Family) -> str:
    try:
        old = decode_family(before)
    except (ValueError, TypeError, KeyError):
        return "the ledger does not tell what it was"
    new = decode_family(family.definition())
    changed = [part for part in new if old[part] != new[part]]
    return " and ".join(f"its {part} changed from {_shown(old[part])} to {_shown(new[part])}" for part in changed)


def _shown(part: object) -> str:
    return ", ".join(map(str, part)) or "none" if isinstance(part, list) else str(part)


def _sanitized(prefix: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9_]", "_", prefix)
    if not name:
        return ""
    return ("_" if name[0].isdigit() else "") + name.rstrip("_") + "_"
