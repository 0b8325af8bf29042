"""What the web server needs of the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logagent.web.live import LiveView


class AgentView(Protocol):
    """The agent, as the web server sees it. Everything but ``metrics`` is answered from memory at once.

    A key that the agent has no value for is left out or ``None``: the page then shows a dash, never a zero.
    """

    @property
    def live(self) -> LiveView:
        """Recent traces, records and tallies."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """Give the exposition and its content type, as negotiated from an ``Accept`` header; commits first.

        Raises LogagentError where nothing can be committed.
        """
        ...

    def health(self) -> Mapping[str, object]:
        """Give the agent's own state.

        ``status`` (``ok`` or a word for what is wrong), ``version``, ``uptime_seconds``, ``receivers`` and
        ``exporters`` (lists of mappings with ``name``; receivers with ``lag_bytes``, ``lag_seconds`` and
        ``open_files``, exporters with ``items``, ``bytes`` and ``oldest_seconds`` of their outbox), ``ledger`` (a mapping).
        """
        ...

    def ready(self) -> bool:
        """Tell whether configuration, ledger and receivers are up."""
        ...

    def alerts(self) -> Sequence[Mapping[str, object]]:
        """Give the pending and firing alerts.

        ``name``, ``state``, ``labels``, ``summary``, ``value``, ``reason``, ``starts_unix_nano``.
        """
        ...

    def budgets(self) -> Sequence[Mapping[str, object]]:
        """Give each budget's state.

        ``name``, ``group``, ``spent_usd``, ``limit_usd``, ``period``, ``resets_unix_nano``; ``projected_usd`` and
        ``forecast_30d_usd`` with ``…_low_usd`` and ``…_high_usd``; ``forecast_note``, ``burn_rates``.
        """
        ...

    def slos(self) -> Sequence[Mapping[str, object]]:
        """Give each SLO's state.

        ``name``, ``group``, ``objective`` (percent), ``period``, ``valid``, ``good``, ``bad``, ``sli`` and ``budget_left``
        (parts; None without events), ``burn_rates`` (by window), ``firing`` (windows of the alerts that fire).
        """
        ...

    def totals(self) -> Mapping[str, object]:
        """Give committed totals.

        ``lines``, ``records``, ``requests``, ``llm_calls``, ``queries``, ``errors``, ``cost_usd``, ``dropped``, ``alerts_firing``.
        """
        ...
