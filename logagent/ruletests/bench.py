"""Rules on a bench: their engines alone, fed with events on a virtual clock, killed and started at will."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from logagent.alerting import AlertEngine
from logagent.alerting.routing import Router
from logagent.metrics.engine import MetricEngine
from logagent.metrics.store import Store
from logagent.model import Failure, LogRecord, RawBatch, Span
from logagent.pipeline import Pipeline, build_pipeline
from logagent.ruletests.events import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logagent.catalog import Catalog
    from logagent.model import Alert, Notification, Outcome
    from logagent.ruletests.events import Item
    from logagent.settings import Settings

_RECEIVER = "test"


class Bench:
    """The engines of a catalog's rules, and everything that they have told so far.

    A restart kills the engines of rules; what reads log lines lives on.
    """

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._settings = settings
        self._reader: Pipeline | None = None
        self._series: dict[str, bytes] = {}
        self._alerts: dict[str, bytes] = {}
        self._routes: dict[str, bytes] = {}
        self.told: list[Alert] = []
        """Every change of an alert."""
        self.events: list[LogRecord | Failure | Span] = []
        """Everything that was fed."""
        self.sent: list[Notification] = []
        """What the routes told."""
        self._start()

    def _start(self) -> None:
        self.store = Store(max_series=self._settings.limits.series)
        self.metrics = MetricEngine(self._catalog.metrics, self.store)
        self.router = Router(self._catalog.routing)
        self.alerts = AlertEngine(self._catalog.rules, {"service": self._settings.service.name})

    def restart(self) -> None:
        """Kill the engines after a commit, and start them from what the ledger would hold."""
        _commit(self._series, self.store.changes())
        _commit(self._alerts, self.alerts.changes())
        _commit(self._routes, self.router.changes())
        self._start()
        self.store.restore(self._series)
        self.alerts.restore(self._alerts)
        self.router.restore(self._routes)

    def advance(self, time_unix_nano: int) -> None:
        """Let time pass. The open spans of log lines end as they would."""
        if self._reader is not None:
            self._take(self._reader.tick(time_unix_nano))
        self._tell(self.alerts.tick(time_unix_nano))
        self.sent += self.router.tick(time_unix_nano - self._catalog.patience_nano)

    def _tell(self, alerts: list[Alert]) -> None:
        self.told += alerts
        self.sent += self.router.add(alerts)

    def feed(self, items: Sequence[Item], now: int) -> None:
        """Read the events of one moment."""
        for lines in items:
            if isinstance(lines, Lines):
                self._take(self._read(lines, now))
        self._count(
            [item for item in items if isinstance(item, LogRecord)],
            [item for item in items if isinstance(item, Failure)],
            [item for item in items if isinstance(item, Span)],
        )

    def _read(self, lines: Lines, now: int) -> Outcome:
        if self._reader is None:
            parsers = dataclasses.replace(self._catalog, metrics=(), rules=())
            self._reader = build_pipeline(parsers, self._settings, receivers=[_RECEIVER])
        size = sum(map(len, lines.lines))
        return self._reader.process(RawBatch(_RECEIVER, lines.source, lines.lines, lines.source, None, now, size), now)

    def _take(self, outcome: Outcome) -> None:
        self._count(outcome.records, outcome.failures, outcome.spans)

    def _count(
        self, records: Sequence[LogRecord] = (), failures: Sequence[Failure] = (), spans: Sequence[Span] = ()
    ) -> None:
        """As the pipeline does, in its order."""
        if records:
            self.metrics.records(records)
            self._tell(self.alerts.records(records))
        if failures:
            self.metrics.failures(failures)
            self._tell(self.alerts.failures(failures))
        if spans:
            self.metrics.spans(spans)
            self._tell(self.alerts.spans(spans))
        self.events += [*records, *failures, *spans]


def _commit(ledger: dict[str, bytes], changes: Mapping[str, bytes | None]) -> None:
    for key, value in changes.items():
        if value is None:
            ledger.pop(key, None)
        else:
            ledger[key] = value
