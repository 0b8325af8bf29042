"""Metric rules → one generated function per source, in which every rule that applies is inlined."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from logagent.metrics.generation import compile_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logagent.metrics.rules import MetricRule
    from logagent.metrics.series import Family
    from logagent.metrics.store import Store
    from logagent.model import Failure, LogRecord, Span

_ANY_SPAN = "span"


class MetricEngine:
    """Counts records, failures and spans by the rules, into the store's series."""

    def __init__(self, rules: Sequence[MetricRule], store: Store) -> None:
        self.rule_errors: Counter[str] = Counter()
        """Rule → how often it raised."""
        self.skipped_values: Counter[str] = Counter()
        """Rule → values that were no number, negative, or not finite."""
        self._store = store
        self._families: dict[str, Family] = {}
        by_source: defaultdict[str, list[MetricRule]] = defaultdict(list)
        for rule in rules:
            by_source[rule.source].append(rule)
            self._declare(rule)
        self.records: Callable[[Sequence[LogRecord]], None] = self._compile("log", by_source.pop("log", []))
        """Count a batch of records."""
        self.failures: Callable[[Sequence[Failure]], None] = self._compile("error", by_source.pop("error", []))
        """Count a batch of failures."""
        every_span = by_source.pop(_ANY_SPAN, [])
        self._other_spans = self._compile(_ANY_SPAN, every_span)
        self._by_kind = {kind: self._compile(kind, own + every_span) for kind, own in by_source.items()}

    def spans(self, spans: Sequence[Span]) -> None:
        """Count a batch of finished spans."""
        groups: defaultdict[str, list[Span]] = defaultdict(list)
        for span in spans:
            groups[span.kind].append(span)
        for kind, group in groups.items():
            self._by_kind.get(kind, self._other_spans)(group)

    def reload(self, rules: Sequence[MetricRule]) -> MetricEngine:
        """Give an engine of new rules over the same store; metrics that are defined as before go on counting.

        Metrics that no rule defines any more are no longer shown; the store keeps their series.
        """
        MetricEngine(
            rules, type(self._store)()
        )  # raises, if anything does, before the store that is in use has changed
        successor = MetricEngine(rules, self._store)
        for name in self._families.keys() - successor._families.keys():
            self._store.retire(name)
        return successor

    def _declare(self, rule: MetricRule) -> None:
        family = self._families.get(rule.name)
        if family is None:
            family = self._families[rule.name] = self._store.declare(
                rule.name, rule.metric_type, rule.help, rule.label_names, unit=rule.unit, buckets=rule.bounds
            )
        for values in rule.zero_init if rule.label_names else ({},):
            known = {**rule.labels, **values}
            family.find(tuple(known[name] for name in family.label_names))

    def _compile(self, source: str, rules: Sequence[MetricRule]) -> Callable[[Sequence[object]], None]:
        return compile_source(source, rules, self._families, self.rule_errors, self.skipped_values)
