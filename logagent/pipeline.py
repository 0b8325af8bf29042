"""The core: the whole way from a batch of lines to what it came to, a plain function over lists.

Knows no clock, no files and no network: time and bytes are arguments, and everything that must survive a kill is handed
over as keyed entries.
"""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from logagent import __version__, telemetry
from logagent.alerting.engine import AlertEngine
from logagent.alerting.routing import Router
from logagent.metrics.engine import MetricEngine
from logagent.metrics.series import MetricType
from logagent.metrics.store import Store
from logagent.model import Outcome, Resource
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.parser import Parser
from logagent.parsing.redaction import Redactor
from logagent.settings.components import ReceiverOptions
from logagent.spans.assembler import AHEAD_NANO, Assembler
from logagent.spans.names import stem
from logagent.spans.pricing import Pricer
from logagent.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from logagent.catalog import Catalog
    from logagent.metrics.series import Family
    from logagent.model import Alert, LogRecord, RawBatch, Span
    from logagent.settings import Settings
    from logagent.shapes import SpanShape
    from logagent.telemetry import Row

ROOMS = ("positions", "series", "telemetry", "spans", "clocks", "failures", "echoes", "alerts", "routes")
_TEXT = "text"
_LAST_LOOK_NANO = 60_000_000_000
"""The longest time between two looks of a rule at its windows by default: SLOs look every minute."""
_DIALECT_OF, _KIND_AND_OUTCOME = attrgetter("template.dialect.name"), attrgetter("kind", "outcome")
_TIME = attrgetter("time_unix_nano")
_PARENT_FOUND = attrgetter("parent_found._value_")
"""``_value_`` is where Enum documents to keep what ``value`` takes ten times as long to fetch."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the core must know of a receiver."""

    resource: Resource
    parser: Parser


class Telemetry:
    """The agent's own metrics, as series of a store of their own."""

    def __init__(self) -> None:
        self.store = Store(max_series=10_000)
        self._families = {
            row.name: self.store.declare(row.name, MetricType(row.type), row.help, row.labels, buckets=row.buckets)
            for row in telemetry.ROWS
        }
        self._fleeting = {row.name for row in telemetry.ROWS if not row.durable}
        for family in self._families.values():
            if not family.label_names:
                family.find(())  # a counter that begins at nought shows its first increase
        self.family(telemetry.BUILD_INFO).find((__version__, platform.python_version())).set(1)

    def family(self, row: Row) -> Family:
        """The metric of a row."""
        return self._families[row.name]

    def add(self, row: Row, counts: Mapping[str, int]) -> None:
        """Adds counts by their one label."""
        family = self._families[row.name]
        for label, count in counts.items():
            family.find((label,)).add(count)

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """The durable entries that changed."""
        for key, value in self.store.changes().items():
            name = key[2:] if key.startswith("m:") else key.split('"', 2)[1]
            if name not in self._fleeting:
                yield key, value


class Pipeline:
    """All of the core's state for one configuration."""

    def __init__(  # noqa: PLR0913 - one caller, `build_pipeline`, gathers them
        self,
        catalog: Catalog,
        settings: Settings,
        sources: Mapping[str, Source],
        redactor: Redactor,
        *,
        identify: bool,
        marks: bool,
    ) -> None:
        service = settings.service
        self.assembler = Assembler(max_open=settings.limits.open_spans)
        self.assembler.names_spans = identify
        self.assembler.marks_records = marks
        self.store = Store(prefix=service.metric_prefix, max_series=settings.limits.series, redact=redactor.text)
        self.metrics = MetricEngine(catalog.metrics, self.store)
        self._alert_labels = {
            "service": service.name,
            "namespace": service.namespace,
            "environment": service.environment,
        }
        self.alerts = self._alert_engine(catalog)
        self.router = Router(catalog.routing)
        self._patience = catalog.patience_nano
        """How long after its moment an alert may be decided: until then nobody is told of what is later."""
        self._watermark = Watermark()
        self.telemetry = Telemetry()
        self.pricer = Pricer()
        self._identify = identify
        self._redactor = redactor
        self._sources = dict(sources)
        self._positions: dict[str, bytes | None] = {}
        self._overflowed: dict[str, int] = {}
        self._spans_total = self.telemetry.family(telemetry.SPANS)
        self._parents_total = self.telemetry.family(telemetry.SPAN_PARENT)

    def _alert_engine(self, catalog: Catalog) -> AlertEngine:
        return AlertEngine(catalog.rules, self._alert_labels, self.assembler.identifier.identify)

    # -- new rules -----------------------------------------------------------------------------------------

    def take_told(self) -> Outcome:
        """The ends of alerts whose rules are no more, which ``restore`` and ``reload`` come to."""
        alerts = self.alerts.records(())
        self._count_alerts(alerts)
        return Outcome(alerts=alerts, notifications=self.router.add(alerts))

    def reload(self, catalog: Catalog, settings: Settings, load: Callable[[str], Mapping[str, bytes]]) -> None:
        """Put other rules and parsers in force. What an unchanged rule knows it goes on knowing.

        ``load`` gives a room's entries with everything that ``changes`` has given so far; there must be nothing that it
        has not given. Where this raises, everything is as it was.
        """
        sources = build_sources(catalog, settings, self._redactor, identify=self._identify)
        alerts, router = self._alert_engine(catalog), Router(catalog.routing)
        alerts.restore(load("alerts"))
        router.restore(load("routes"))
        self.metrics = self.metrics.reload(catalog.metrics)
        self.alerts, self.router, self._patience = alerts, router, catalog.patience_nano
        self._sources = sources

    # -- the way of a batch --------------------------------------------------------------------------------

    def process(self, batch: RawBatch, now: int) -> Outcome:  # noqa: ARG002 - part of the seam
        """What a batch comes to. ``now`` is wall time, for what the lines themselves do not date."""
        source = self._sources[batch.receiver]
        records = source.parser.parse(batch, source.resource)
        outcome = Outcome(records)
        log = f"{batch.receiver}\0{stem(batch.source)}"
        latest = batch.observed_unix_nano + AHEAD_NANO
        begin = 0
        for end, watermark in self._watermark.read(log, list(map(_TIME, records)), latest):
            self._feed(records[begin:end], outcome)
            self._advance(watermark, outcome)
            begin = end
        self._feed(records[begin:] if begin else records, outcome)
        self._positions[f"{batch.receiver}\0{batch.stream}"] = batch.position
        self._count_alerts(outcome.alerts)
        self._count_batch(batch, Counter(map(_DIALECT_OF, records)))
        return outcome

    def _feed(self, records: list[LogRecord], outcome: Outcome) -> None:
        if not records:
            return
        spans, failures = self.assembler.feed(records)
        self._price(spans)
        self.metrics.records(records)
        alerts = self.alerts.records(records)
        self.metrics.failures(failures)
        alerts += self.alerts.failures(failures)
        alerts += self._count_spans(spans)
        outcome.notifications += self.router.add(alerts)
        outcome.spans += spans
        outcome.failures += failures
        outcome.alerts += alerts

    def _advance(self, watermark: int, outcome: Outcome) -> None:
        """No line of before the watermark is expected any more."""
        alerts = self.alerts.tick(watermark)
        outcome.notifications += self.router.add(alerts) + self.router.tick(watermark - self._patience)
        outcome.alerts += alerts

    def give_up(self, batch: RawBatch) -> Outcome:
        """Accounts for lines that could not be processed: they are lost, counted, and not read again."""
        self.telemetry.add(telemetry.DROPPED, {"internal_error": len(batch.lines)})
        self._positions[f"{batch.receiver}\0{batch.stream}"] = batch.position
        self._count_batch(batch, {})
        return Outcome()

    def tick(self, now: int) -> Outcome:
        """Time passes, and every log is read to its end."""
        return self._finished(self.assembler.tick(now))

    def close(self, now: int) -> Outcome:  # noqa: ARG002 - part of the seam
        """The input is at its end: closes what is open."""
        return self._finished(self.assembler.close())

    def settle(self) -> Outcome:
        """Nothing comes any more: every rule looks at the last lines, those that wait for late events too."""
        end = self._watermark.time + _LAST_LOOK_NANO
        alerts = self.alerts.tick(end + self._patience)
        notifications = self.router.add(alerts) + self.router.tick(end + 1)
        self._count_alerts(alerts)
        return Outcome(alerts=alerts, notifications=notifications)

    def _finished(self, spans: list[Span]) -> Outcome:
        self._price(spans)
        alerts = self._count_spans(spans)
        outcome = Outcome(spans=spans, alerts=alerts, notifications=self.router.add(alerts))
        if self.assembler.now:
            self._advance(self._watermark.caught_up(self.assembler.now), outcome)
        self._count_alerts(outcome.alerts)
        return outcome

    def _price(self, spans: list[Span]) -> None:
        for span in spans:
            if span.kind == "llm":
                self.pricer.price(span)

    def _count_spans(self, spans: list[Span]) -> list[Alert]:
        if not spans:
            return []
        self.metrics.spans(spans)
        alerts = self.alerts.spans(spans)
        kinds = Counter(map(_KIND_AND_OUTCOME, spans))
        for labels, count in kinds.items():
            self._spans_total.find(labels).add(count)
        found = Counter(map(_PARENT_FOUND, [span for span in spans if span.request_id != span.id or span.parent_id]))
        for how, count in found.items():
            self._parents_total.find((how,)).add(count)
        if self._identify:
            self.assembler.identifier.identify(spans)
        return alerts

    # -- accounting ----------------------------------------------------------------------------------------

    def _count_alerts(self, alerts: list[Alert]) -> None:
        changes = self.telemetry.family(telemetry.ALERTS)
        for alert in alerts:
            changes.find((alert.name, alert.state.value, alert.reason)).add(1)

    def _count_batch(self, batch: RawBatch, dialects: Mapping[str, int]) -> None:
        own = self.telemetry
        own.family(telemetry.RECEIVER_LINES).find((batch.receiver,)).add(len(batch.lines))
        own.family(telemetry.RECEIVER_BYTES).find((batch.receiver,)).add(batch.size)
        records = own.family(telemetry.RECORDS)
        for name, count in dialects.items():
            records.find((batch.receiver, name)).add(count)
        if batch.losses:
            own.add(telemetry.DROPPED, batch.losses)
        if batch.cut:
            own.add(telemetry.DROPPED, {"line_too_long": len(batch.cut)})

    def _collect(self) -> None:
        """Takes what the rooms counted for themselves into the agent's own metrics."""
        own = self.telemetry
        dropped = Counter(self.assembler.dropped)
        self.assembler.dropped.clear()
        for source in self._sources.values():
            for dialect in source.parser.dialects:
                dropped["attribute_limit"] += dialect.dropped_attributes
                dialect.dropped_attributes = 0
        counts = self.alerts.take_counts()
        dropped.update(counts.losses)
        for store in (self.store, own.store):
            dropped["series_state"] += store.unreadable
            store.unreadable = 0
        for name, total in self.store.overflowed.items():
            known = self._overflowed.get(name, 0)
            dropped["series_limit"] += total - known
            self._overflowed[name] = total
        own.add(telemetry.DROPPED, {reason: count for reason, count in dropped.items() if count})
        own.add(telemetry.RULE_ERRORS, counts.rule_errors)
        for slo, group, valid, bad in counts.slo_events:
            own.family(telemetry.SLO_VALID).find((slo, group)).add(valid)
            own.family(telemetry.SLO_BAD).find((slo, group)).add(bad)
        for errors in (self.metrics.rule_errors, self.metrics.skipped_values):
            own.add(telemetry.RULE_ERRORS, errors)
            errors.clear()
        own.add(telemetry.REDACTIONS, self._redactor.redactions)
        self._redactor.redactions.clear()

    def observe(self) -> None:
        """Brings the gauges that tell of the core up to date."""
        own = self.telemetry
        for name, severity, count in self.alerts.firing_counts():
            own.family(telemetry.ALERTS_FIRING).find((name, severity)).set(count)
        self._observe_budgets()
        self._observe_slos()
        open_spans = own.family(telemetry.OPEN_SPANS)
        counts = self.assembler.open_counts()
        for series in open_spans.series.values():
            series.set(0)
        for kind, count in counts.items():
            open_spans.find((kind,)).set(count)
        for name, family in self.store.families.items():
            own.family(telemetry.SERIES).find((name,)).set(len(family.series))

    def _observe_budgets(self) -> None:
        own = self.telemetry
        burn_rates = own.family(telemetry.BUDGET_BURN_RATE)
        for series in burn_rates.series.values():
            series.set(0)  # a group that is gone burns nothing
        for state in self.alerts.budgets():
            group = ",".join(state.group.values())
            own.family(telemetry.BUDGET_SPENT).find((state.name, group)).set(state.spent)
            own.family(telemetry.BUDGET_LIMIT).find((state.name, group)).set(state.limit)
            own.family(telemetry.BUDGET_UNPRICED).find((state.name, group)).set(state.unpriced)
            for row, estimate in (
                (telemetry.BUDGET_PROJECTED, state.projection),
                (telemetry.BUDGET_FORECAST_30D, state.forecast_30d),
            ):
                for quantile, amount in estimate.quantiles().items() if estimate else ():
                    own.family(row).find((state.name, group, quantile)).set(amount)
            for window, rate in state.burn_rates.items():
                burn_rates.find((state.name, group, window)).set(rate)

    def _observe_slos(self) -> None:
        own = self.telemetry
        burn_rates, remaining = own.family(telemetry.SLO_BURN_RATE), own.family(telemetry.SLO_BUDGET_REMAINING)
        for series in burn_rates.series.values():
            series.set(0)  # a group that is gone burns nothing
        for series in remaining.series.values():
            series.set(1)
        for state in self.alerts.slos():
            group = ",".join(state.group.values())
            own.family(telemetry.SLO_OBJECTIVE).find((state.name, group)).set(state.objective / 100)
            remaining.find((state.name, group)).set(1 if state.budget_left is None else state.budget_left)
            for window, rate in state.burn_rates.items():
                burn_rates.find((state.name, group, window)).set(rate or 0)

    # -- what survives a kill ------------------------------------------------------------------------------

    def changes(self) -> Iterable[tuple[tuple[str, str], bytes | None]]:
        """((room, key), value) of everything that changed since the last call; ``None`` deletes."""
        self._collect()
        for stream, position in self._positions.items():
            yield ("positions", stream), position
        self._positions.clear()
        for room, key, value in self.assembler.changes():
            yield (room, key), value
        for key, value in self.store.changes().items():
            yield ("series", key), value
        for key, value in self.telemetry.changes():
            yield ("telemetry", key), value
        for key, value in self.alerts.changes().items():
            yield ("alerts", key), value
        for key, value in self.router.changes().items():
            yield ("routes", key), value

    def restore(self, load: Callable[[str], Mapping[str, bytes]], now: int) -> None:
        """Takes the entries that ``changes`` gave, room by room."""
        self.store.restore(load("series"))
        self.telemetry.store.restore(load("telemetry"))
        self.alerts.restore(load("alerts"))
        self.router.restore(load("routes"))
        resources = {source.resource.service_name: source.resource for source in self._sources.values()}
        self.assembler.restore(
            {room: load(room) for room in ("spans", "clocks", "failures", "echoes")}, self._shape, resources, now
        )

    def _shape(self, dialect: str, kind: str) -> SpanShape | None:
        for source in self._sources.values():
            for known in source.parser.dialects:
                if known.name == dialect and kind in known.shapes:
                    return known.shapes[kind]
        return None


def build_pipeline(
    catalog: Catalog, settings: Settings, *, identify: bool = True, marks: bool = True, receivers: Iterable[str] = ()
) -> Pipeline:
    """The pipeline of a configuration, with its receivers' sources and, for those named beside them, the defaults.

    ``identify``: spans leave the agent whole, with ids and names. ``marks``: so do records, with the ids of their spans.
    """
    redactor = Redactor(settings.redaction.keys, settings.redaction.patterns)
    sources = build_sources(catalog, settings, redactor, identify=identify, receivers=receivers)
    return Pipeline(catalog, settings, sources, redactor, identify=identify, marks=marks)


def build_sources(
    catalog: Catalog, settings: Settings, redactor: Redactor, *, identify: bool, receivers: Iterable[str] = ()
) -> dict[str, Source]:
    """What the core must know of each receiver of a configuration, and of those named beside them."""
    wanted = catalog.wanted(everything=identify)
    limits = settings.limits

    def dialects(zone: str) -> list[CompiledDialect]:
        return [
            CompiledDialect(
                definition, redactor, wanted=wanted, zone=zone,
                max_depth=limits.nesting, max_attributes=limits.attributes,
            )
            for definition in catalog.parsers
        ]  # fmt: skip

    def source(options: ReceiverOptions) -> Source:
        known = dialects(options.timezone)
        if options.parser != "auto":
            known = [dialect for dialect in known if dialect.name in (options.parser, _TEXT)]
        return Source(resource_of(settings, options), Parser(known))

    named = {name: source(options) for name, options in settings.receivers.items()}
    for name in receivers:
        named.setdefault(name, source(ReceiverOptions()))
    return named


def resource_of(settings: Settings, options: ReceiverOptions) -> Resource:
    """The resource of a receiver's records, in OpenTelemetry's names."""
    service = settings.service
    name = options.service or service.name
    attributes = {"service.name": name, "telemetry.sdk.name": "logagent", "telemetry.sdk.version": __version__}
    if service.namespace:
        attributes["service.namespace"] = service.namespace
    if service.environment:
        attributes["deployment.environment.name"] = service.environment
    return Resource(name, service.namespace, {**attributes, **options.attributes})
