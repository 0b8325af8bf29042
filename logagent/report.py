"""The agent's state as the page, ``/healthz`` and the agent's own gauges tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from logagent import __version__, telemetry

if TYPE_CHECKING:
    from logagent.agent import Agent

_SECOND = 1_000_000_000


class Report:
    """Reads an agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def observe(self) -> None:
        """Brings the agent's gauges up to date."""
        agent = self._agent
        agent.pipeline.observe()
        family = agent.pipeline.telemetry.family
        for receiver in agent.receivers:
            state = receiver.observe()
            family(telemetry.LAG_BYTES).find((receiver.name,)).set(state.lag_bytes)
            family(telemetry.LAG_SECONDS).find((receiver.name,)).set(state.lag_seconds)
            family(telemetry.OPEN_FILES).find((receiver.name,)).set(state.open_files)
        waiting = agent.ledger.outbox_state() if agent.ledger is not None else {}
        for name in agent.drains:
            state_of = waiting.get(name)
            family(telemetry.OUTBOX_ITEMS).find((name,)).set(state_of.items if state_of else 0)
        family(telemetry.OUTBOX_BYTES).find(()).set(sum(state.bytes for state in waiting.values()))

    def health(self) -> Mapping[str, object]:
        """The agent's own state; ``status`` is ok, degraded (it works, something is wrong) or failed."""
        agent = self._agent
        now = agent.clock.now()
        waiting = agent.ledger.outbox_state() if agent.ledger is not None else {}
        exporters = []
        for name, drain in agent.drains.items():
            state = waiting.get(name)
            oldest = state.oldest_unix_nano if state and state.items else 0
            exporters.append(
                {
                    "name": name,
                    "healthy": drain.state.healthy,
                    "reason": drain.state.last_reason,
                    "items": state.items if state else 0,
                    "bytes": state.bytes if state else 0,
                    "oldest_seconds": (now - oldest) / _SECOND if oldest else None,
                }
            )
        receivers = []
        for receiver in agent.receivers:
            seen = receiver.observe()
            receivers.append(
                {
                    "name": receiver.name,
                    "lag_bytes": seen.lag_bytes,
                    "lag_seconds": seen.lag_seconds,
                    "open_files": seen.open_files,
                    "polling": seen.polling,
                }
            )
        problem = agent.committer.problem if agent.committer is not None else ""
        degraded = any(not drain.state.healthy for drain in agent.drains.values())
        ledger = agent.ledger
        return {
            "status": "failed" if problem else "degraded" if degraded else "ok",
            "version": __version__,
            "uptime_seconds": agent.clock.monotonic() - agent.started,
            "receivers": receivers,
            "exporters": exporters,
            "ledger": {
                "problem": problem or None,
                "set_aside": str(ledger.set_aside) if ledger is not None and ledger.set_aside else None,
            },
        }

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
                "resets_unix_nano": state.period_end_unix_nano,
            }
            for state in self._agent.pipeline.alerts.budgets()
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
            "dropped": _sum(pipeline.telemetry.family(telemetry.DROPPED)),
            "alerts_firing": len(pipeline.alerts.firing()),
        }


def _sum(family: object, *, whole: bool = True) -> float | None:
    series = getattr(family, "series", None)
    if series is None:
        return None
    total = sum(one.value for one in series.values())
    return int(total) if whole else total
