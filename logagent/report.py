"""The agent as scrapes, ``/healthz``, the page and its own log tell of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logagent import __version__, telemetry
from logagent.alerting.reasons import Reason
from logagent.metrics.exposition import labels_text, negotiate
from logagent.metrics.process import process_metrics
from logagent.model import AlertState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logagent.agent import Agent
    from logagent.alerting.forecasting import Estimate
    from logagent.metrics.series import Family
    from logagent.model import Alert
    from logagent.web.live import LiveView

alert_log = logging.getLogger("logagent.alerts")

_SECOND = 1_000_000_000


@dataclass(slots=True)
class Summary:
    """What a run did."""

    lines: int = 0
    records: int = 0
    dropped: int = 0
    spans: int = 0
    errors: int = 0
    alerts: int = 0
    undelivered: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Report:
    """Reads an agent. It is the web server's view of it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @property
    def live(self) -> LiveView:
        """Recent traces, records and tallies."""
        return self._agent.live

    # -- metrics -------------------------------------------------------------------------------------------

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type; commits first. Raises LedgerError where nothing can be committed."""
        openmetrics, content_type = negotiate(accept)
        exposition = await self._agent.committer.commit(lambda: self.exposition(openmetrics=openmetrics))
        return exposition, content_type

    def exposition(self, *, openmetrics: bool) -> bytes:
        """All metrics as they are now. For what was committed, let ``Committer.commit`` call it."""
        self._observe()
        pipeline = self._agent.pipeline
        parts = [
            pipeline.store.render(openmetrics=openmetrics),
            pipeline.telemetry.store.render(openmetrics=openmetrics),
            process_metrics(openmetrics=openmetrics),
        ]
        return b"".join(parts)

    def _observe(self) -> None:
        """Brings the agent's gauges up to date."""
        agent = self._agent
        agent.pipeline.observe()
        family = agent.pipeline.telemetry.family
        for receiver in agent.receivers:
            state = receiver.observe()
            family(telemetry.LAG_BYTES).find((receiver.name,)).set(state.lag_bytes)
            family(telemetry.LAG_SECONDS).find((receiver.name,)).set(state.lag_seconds)
            family(telemetry.OPEN_FILES).find((receiver.name,)).set(state.open_files)
        waiting = agent.committer.ledger.outbox_state()
        for name in agent.drains:
            state_of = waiting.get(name)
            family(telemetry.OUTBOX_ITEMS).find((name,)).set(state_of.items if state_of else 0)
        family(telemetry.OUTBOX_BYTES).find(()).set(sum(state.bytes for state in waiting.values()))

    # -- state ---------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether configuration, ledger and receivers are up."""
        return self._agent.running and not self._agent.committer.problem

    def health(self) -> Mapping[str, object]:
        """The agent's own state; ``status`` is ok, degraded (it works, something is wrong) or failed."""
        agent = self._agent
        problem, ledger = agent.committer.problem, agent.committer.ledger
        problems = [drain.state.last_reason for drain in agent.drains.values() if not drain.state.healthy]
        problems += [textfile.problem for textfile in agent.textfiles if textfile.problem]
        return {
            "status": "failed" if problem else "degraded" if problems else "ok",
            "version": __version__,
            "uptime_seconds": agent.clock.monotonic() - agent.started,
            "receivers": self._receivers(),
            "exporters": self._exporters(),
            "textfiles": [{"path": str(one.path), "problem": one.problem or None} for one in agent.textfiles],
            "ledger": {
                "problem": problem or None,
                "set_aside": str(ledger.set_aside) if ledger.set_aside else None,
                "set_aside_reason": ledger.set_aside_reason or None,
                "rolled_back_commits": ledger.rolled_back or None,
            },
        }

    def _receivers(self) -> list[Mapping[str, object]]:
        states = [(receiver.name, receiver.observe()) for receiver in self._agent.receivers]
        return [
            {
                "name": name,
                "lag_bytes": state.lag_bytes,
                "lag_seconds": state.lag_seconds,
                "open_files": state.open_files,
                "polling": state.polling,
            }
            for name, state in states
        ]

    def _exporters(self) -> list[Mapping[str, object]]:
        now = self._agent.clock.now()
        waiting = self._agent.committer.ledger.outbox_state()
        found: list[Mapping[str, object]] = []
        for name, drain in self._agent.drains.items():
            state = waiting.get(name)
            oldest = state.oldest_unix_nano if state else 0
            found.append(
                {
                    "name": name,
                    "healthy": drain.state.healthy,
                    "reason": drain.state.last_reason,
                    "items": state.items if state else 0,
                    "bytes": state.bytes if state else 0,
                    "oldest_seconds": (now - oldest) / _SECOND if oldest else None,
                }
            )
        return found

    def alerts(self) -> Sequence[Mapping[str, object]]:
        """The firing alerts."""
        return [
            {
                "name": alert.name,
                "state": alert.state.value,
                "labels": alert.labels,
                "summary": alert.annotations.get("summary", ""),
                "value": alert.value,
                "reason": alert.reason,
                "starts_unix_nano": alert.starts_unix_nano,
            }
            for alert in self._agent.pipeline.alerts.firing()
        ]

    def budgets(self) -> Sequence[Mapping[str, object]]:
        """Each budget's state."""
        return [
            {
                "name": state.name,
                "group": ",".join(state.group.values()),
                "unit": state.unit,
                "spent_usd": state.spent,
                "limit_usd": state.limit,
                "period": state.period,
                "unpriced": state.unpriced,
                **_expected("projected", state.projection),
                **_expected("forecast_30d", state.forecast_30d),
                "forecast_note": state.note,
                "burn_rates": state.burn_rates,
                "resets_unix_nano": state.period_end_unix_nano,
            }
            for state in self._agent.pipeline.alerts.budgets()
        ]

    def slos(self) -> Sequence[Mapping[str, object]]:
        """Each SLO's state."""
        return [
            {
                "name": state.name,
                "group": ",".join(state.group.values()),
                "objective": state.objective,
                "period": state.period,
                "valid": state.valid,
                "good": state.good,
                "bad": state.bad,
                "sli": state.sli,
                "budget_left": state.budget_left,
                "burn_rates": state.burn_rates,
                "firing": state.firing,
            }
            for state in self._agent.pipeline.alerts.slos()
        ]

    def totals(self) -> Mapping[str, object]:
        """Totals since the ledger began."""
        pipeline = self._agent.pipeline
        spans = pipeline.telemetry.family(telemetry.SPANS)
        by_kind: dict[str, float] = {}
        for labels, series in spans.series.items():
            kind = str(labels[0])
            by_kind[kind] = by_kind.get(kind, 0) + series.value
        return {
            "lines": _sum(pipeline.telemetry.family(telemetry.RECEIVER_LINES)),
            "records": _sum(pipeline.telemetry.family(telemetry.RECORDS)),
            "requests": int(by_kind.get("request", 0)),
            "llm_calls": int(by_kind.get("llm", 0)),
            "queries": int(by_kind.get("query", 0)),
            "errors": _sum(pipeline.store.families.get("errors_total")),
            "cost_usd": _sum(pipeline.store.families.get("llm_cost_usd_total"), whole=False),
            "dropped": self.dropped(),
            "alerts_firing": len(pipeline.alerts.firing()),
        }

    def dropped(self) -> int:
        """How much was lost since the ledger began, for whatever reason."""
        family = self._agent.pipeline.telemetry.family(telemetry.DROPPED)
        return int(sum(series.value for series in family.series.values()))


def _expected(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """An estimate, with its interval where there is one."""
    if estimate is None:
        return {}
    return {f"{name}_usd": estimate.mid, f"{name}_low_usd": estimate.low, f"{name}_high_usd": estimate.high}


def announce(alerts: Sequence[Alert]) -> None:
    """Writes alerts that fire or resolve to the agent's own log, a line each; that one goes on firing is no news."""
    for alert in alerts:
        if alert.reason != Reason.REPEAT.value and alert.state is not AlertState.PENDING:
            level = logging.WARNING if alert.state is AlertState.FIRING else logging.INFO
            alert_log.log(level, "alert %s: %s", alert.state.value, _described(alert))


def _described(alert: Alert) -> str:
    """``NAME{label="value",…}: summary`` on one line, without what a terminal would obey."""
    labels = {name: text for name, text in alert.labels.items() if name != "alertname"}
    summary = alert.annotations.get("summary", "")
    text = f"{alert.name}{{{labels_text(list(labels), list(labels.values()))}}}: {summary}"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _sum(family: Family | None, *, whole: bool = True) -> float | None:
    if family is None:
        return None
    total = sum(series.value for series in family.series.values())
    return int(total) if whole else total
