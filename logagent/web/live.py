"""A bounded picture of what has just been committed, for the page; kept in memory only."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from logagent.web.tallies import Table, model_key, name_key
from logagent.web.traces import Trace, Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.model import LogRecord, Outcome, Span

RECORDS = 2000
BODY = 1000
"""Characters kept of a record's text."""
STACKTRACE = 4000


class Row(NamedTuple):
    """What the page keeps of a record: its redacted text, never the line itself."""

    sequence: int
    time_unix_nano: int
    severity_number: int
    severity_text: str
    logger: str
    body: str
    source: str
    exception: str
    trace_id: bytes

    def as_json(self) -> dict[str, object]:
        """Give the row for the page; time in seconds since the Unix epoch."""
        return {
            "seq": self.sequence,
            "time": self.time_unix_nano / 1e9,
            "severity": self.severity_number,
            "level": self.severity_text,
            "logger": self.logger,
            "body": self.body,
            "source": self.source,
            "exception": self.exception,
            "trace": self.trace_id.hex(),
        }


class LiveView:
    """Latest traces and records, and tallies by endpoint, model and table since the start of the agent.

    ``add`` takes committed outcomes. ``identify`` sets the ids of spans that have none;
    it is called for what somebody looks at.
    """

    def __init__(self, identify: Callable[[list[Span]], object]) -> None:
        self.traces = Traces(identify)
        self.tables = {"request": Table(name_key), "llm": Table(model_key, money=True), "query": Table(name_key)}
        self.sequence = 0
        """Number of the latest record."""
        self._records: deque[Row] = deque(maxlen=RECORDS)

    def add(self, outcome: Outcome) -> None:
        """Take in what a batch came to; a microsecond or two a span or record, no I/O."""
        if outcome.spans:
            tables = self.tables
            for span in outcome.spans:
                table = tables.get(span.kind)
                if table is not None:
                    table.add(span)
            self.traces.add(outcome.spans)
        if outcome.records:
            self._keep(outcome.records)

    def records(self, *, after: int = 0, limit: int = RECORDS, severity: int = 0) -> tuple[list[Row], int]:
        """Give the latest records after a sequence number, oldest first, and how many of those after it are not given.

        Only records of at least ``severity`` are looked at; those that have left the ring cannot be, and count.
        """
        new = min(self.sequence - after, len(self._records))
        fallen_out = max(self.sequence - after - len(self._records), 0)
        if new <= 0:
            return [], 0
        rows = [row for row in islice(reversed(self._records), new) if row.severity_number >= severity]
        missed = fallen_out + max(len(rows) - limit, 0)
        return rows[:limit][::-1], missed

    def records_of(self, trace: Trace) -> list[Row]:
        """Give the kept records that carry the trace's id, oldest first."""
        return [row for row in self._records if row.trace_id == trace.trace_id]

    def _keep(self, records: list[LogRecord]) -> None:
        first = self.sequence + 1
        self.sequence += len(records)
        skipped = max(len(records) - RECORDS, 0)
        for sequence, record in enumerate(islice(records, skipped, None), first + skipped):
            exception = record.exception
            self._records.append(
                Row(
                    sequence,
                    record.time_unix_nano,
                    record.severity_number,
                    record.severity_text[:20],
                    record.logger[:200],
                    record.body[:BODY],
                    record.source,
                    "" if exception is None else (exception.stacktrace or exception.message)[:STACKTRACE],
                    record.trace_id,
                )
            )
