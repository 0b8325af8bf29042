"""The alert engine: rules in, spans and records through, changes of alerts out.

All state follows from event times and the order of the data, never from a clock: the same lines after the same ledger
give the same alerts, whatever the batches were.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from logagent.alerting.budgets import BudgetRule
from logagent.alerting.compiling import compile_watches
from logagent.alerting.kinds import KINDS, LEFTOVERS
from logagent.alerting.reasons import Loss
from logagent.alerting.running import Surroundings
from logagent.alerting.slo.running import SloRule
from logagent.alerting.state import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logagent.alerting.accounts import BudgetState
    from logagent.alerting.rules import NamedRule
    from logagent.alerting.running import RunningRule
    from logagent.alerting.slo.state import SloState
    from logagent.model import Alert, Failure, LogRecord, Span

_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
_BUILDERS = {kind.model: kind.build for kind in KINDS}


@dataclass(frozen=True, slots=True)
class EngineCounts:
    """What went wrong since the last look, for the agent's own metrics."""

    rule_errors: dict[str, int]
    """Rule → events that its condition, value or group could not be worked out for."""
    losses: dict[str, int]
    """Reason → what did not count."""
    slo_events: list[tuple[str, str, int, int]]
    """SLO and group with their valid and bad events."""


class AlertEngine:
    """Alerts and budgets over one stream of spans, records and failures.

    ``labels`` are those of every alert (``service``, ``namespace``); ``identify`` gives spans their trace ids and is
    asked only for the spans that an alert tells of.
    """

    def __init__(
        self,
        rules: Sequence[NamedRule],
        labels: Mapping[str, str] | None = None,
        identify: Callable[[list[Span]], object] | None = None,
    ) -> None:
        common = {name: text for name, text in (labels or {}).items() if text}
        self._journal = Journal()
        self._errors: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._time: int | None = None
        self._leftover: list[Alert] = []
        given = Surroundings(common, identify, self._journal, self._lost)
        self._rules: list[RunningRule] = [_BUILDERS[type(rule)](rule, given) for rule in rules]
        self._budgets = [rule for rule in self._rules if isinstance(rule, BudgetRule)]
        self._slos = [rule for rule in self._rules if isinstance(rule, SloRule)]
        self._declared = [(rule.name, severity) for rule in self._rules for severity in rule.severities]
        watches = [watch for rule in self._rules for watch in rule.watches]
        self._look_at_spans = compile_watches(watches, "span", self._failed)
        self._look_at_records = compile_watches(watches, "log", self._failed)
        self._look_at_failures = compile_watches(watches, "error", self._failed)

    def _failed(self, rule: str) -> None:
        self._errors[rule] += 1

    def _lost(self, reason: Loss) -> None:
        self._losses[reason.value] += 1

    def spans(self, spans: Sequence[Span]) -> list[Alert]:
        """The changes of alerts that finished spans come to, in data order."""
        return self._look(self._look_at_spans, spans)

    def records(self, records: Sequence[LogRecord]) -> list[Alert]:
        """The changes of alerts that log records come to, in data order."""
        return self._look(self._look_at_records, records)

    def failures(self, failures: Sequence[Failure]) -> list[Alert]:
        """The changes of alerts that failures come to, in data order."""
        return self._look(self._look_at_failures, failures)

    def _look(self, look: Callable[[Sequence[Any]], None] | None, items: Sequence[Any]) -> list[Alert]:
        if look is not None:
            look(items)
        return self._take()

    def _take(self) -> list[Alert]:
        alerts = self._journal.take_alerts()
        if self._leftover:
            alerts = self._leftover + alerts
            self._leftover = []
        return alerts

    def tick(self, time_unix_nano: int) -> list[Alert]:
        """What the passing of event time comes to: quiet groups resolve, budget periods end.

        Call it with a time before which no line is expected any more: what is resolved by a time that is too early
        begins anew with the next line.
        """
        self._time = time_unix_nano
        due = [rule for rule in self._rules if rule.due <= time_unix_nano]
        ended = [alert for rule in due for alert in rule.advance(time_unix_nano)]
        return self._take() + sorted(ended, key=lambda alert: alert.time_unix_nano)

    def changes(self) -> dict[str, bytes | None]:
        """The entries that changed since the last call; None deletes one.

        Nothing before the alerts that ``restore`` came to have been taken, so that a crash between loses none.
        """
        return {} if self._leftover else self._journal.take_changes()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Take back what ``changes`` gave. What belongs to no rule of now resolves as superseded with the next alerts."""
        owners = {
            (room, rule.name, fingerprint): rule for rule in self._rules for room, fingerprint in rule.rooms.items()
        }
        for entry in sorted(entries):
            try:
                room, name, fingerprint, *parts = orjson.loads(entry)
                owner = owners.get((room, name, fingerprint))
                if owner is None:
                    self._journal.forget(entry)
                    self._leftover += LEFTOVERS[room](entry, entries[entry])
                else:
                    self._leftover += owner.restore(room, parts, entries[entry])
            except _UNREADABLE:
                self._lost(Loss.ALERT_STATE)
                self._journal.forget(entry)

    def firing(self) -> list[Alert]:
        """All alerts that fire, by rule and age."""
        return [alert for rule in self._rules for alert in rule.firing()]

    def firing_counts(self) -> list[tuple[str, str, int]]:
        """Name, severity and number of firing alerts, zeros included: ``logagent_alerts_firing``."""
        counts = Counter(dict.fromkeys(self._declared, 0))
        counts.update((alert.name, alert.labels["severity"]) for alert in self.firing())
        return [(name, severity, count) for (name, severity), count in counts.items()]

    def budgets(self) -> list[BudgetState]:
        """Every budget and group in the period of the last tick (before the first: in the latest period)."""
        return [state for rule in self._budgets for state in rule.states(self._time)]

    def slos(self) -> list[SloState]:
        """Every SLO and group in the period of the last tick (before the first: of their last events)."""
        return [state for rule in self._slos for state in rule.states(self._time)]

    def take_counts(self) -> EngineCounts:
        """Errors, losses and the events of SLOs since the last call."""
        events = [(rule.name, *one) for rule in self._slos for one in rule.take_events()]
        counts = EngineCounts(dict(self._errors), dict(self._losses), events)
        self._errors.clear()
        self._losses.clear()
        return counts
