"""What the page and scripts ask: overview, traces, records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.web.answers import answer_error, answer_json, encode, integer
from logagent.web.detail import trace_detail
from logagent.web.live import RECORDS
from logagent.web.traces import TRACES

if TYPE_CHECKING:
    from aiohttp import web

    from logagent.clock import Clock
    from logagent.web.view import AgentView

ROWS = 50
"""Rows given of each table."""
FRESH_SECONDS = 0.9
"""An overview this young is given again, so that many open pages cost what one does."""


class Api:
    """The JSON answers."""

    def __init__(self, view: AgentView, clock: Clock) -> None:
        self.view = view
        self._clock = clock
        self._overview = b""
        self._overview_at = 0.0

    def overview(self) -> bytes:
        """Give health, totals, tables, alerts, budgets and SLOs as JSON."""
        now = self._clock.monotonic()
        if not self._overview or now - self._overview_at >= FRESH_SECONDS:
            self._overview, self._overview_at = encode(self._look()), now
        return self._overview

    async def get_overview(self, _request: web.Request) -> web.Response:
        """Answer ``/api/overview``."""
        response = answer_json(None)
        response.body = self.overview()
        return response

    async def get_traces(self, request: web.Request) -> web.Response:
        """Answer ``/api/traces?limit=&after=``: summaries of the latest traces, those changed after a number."""
        traces = self.view.live.traces
        found = traces.recent(integer(request, "limit", 100, TRACES), after=integer(request, "after", 0, 1 << 62))
        return answer_json({"traces": [trace.summary() for trace in found], "sequence": traces.sequence})

    async def get_trace(self, request: web.Request) -> web.Response:
        """Answer ``/api/trace/ID``: one trace in full, by trace id or by any context id in it."""
        name = request.match_info["trace"]
        trace = self.view.live.traces.find(name)
        if trace is None:
            return answer_error(404, "no such trace among the latest ones that are kept in memory")
        return answer_json(trace_detail(trace, self.view.live))

    async def get_records(self, request: web.Request) -> web.Response:
        """Answer ``/api/records?after=&limit=&severity=``: the latest records, oldest first."""
        live = self.view.live
        after, limit = integer(request, "after", 0, 1 << 62), integer(request, "limit", 200, RECORDS)
        rows, missed = live.records(after=after, limit=limit, severity=integer(request, "severity", 0, 24))
        return answer_json({"records": [row.as_json() for row in rows], "missed": missed, "sequence": live.sequence})

    def _look(self) -> dict[str, object]:
        view, tables = self.view, self.view.live.tables
        return {
            "now": self._clock.now() / 1e9,
            "health": view.health(),
            "ready": view.ready(),
            "totals": view.totals(),
            "alerts": view.alerts(),
            "budgets": view.budgets(),
            "slos": view.slos(),
            **{kind: {"rows": table.rows(ROWS), "keys": len(table)} for kind, table in tables.items()},
        }
