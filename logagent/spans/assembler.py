"""Records become spans: start and end lines find each other by id, the rest is told on its own.

Everything depends on the lines and their times alone, never on when or in what batches they were read, so that
reading them again after a kill gives the same spans.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from logagent.model import Failure, LogRecord, Resource, Severity, Span
from logagent.spans.builder import Builder
from logagent.spans.expiry import close_all, sweep, tick
from logagent.spans.failures import FailureGroups
from logagent.spans.ids import Identifier, span_id
from logagent.spans.journal import Journal, ShapeFinder
from logagent.spans.roles import Roles
from logagent.spans.scopes import mark, scoped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from logagent.shapes import LineShape, Told

_ERROR = int(Severity.ERROR)
AHEAD_NANO = 300_000_000_000
"""A time further ahead of the clock than this is a mistake: the line counts as written with the one before it."""


class Assembler:
    """Rebuilds the spans of all services from their lines."""

    def __init__(self, *, max_open: int = 50_000) -> None:
        self.failures = FailureGroups()
        self.identifier = Identifier()
        self.builder = Builder(max_open)
        self._roles = Roles(self.builder, self.identifier)
        self._by_place = self._roles.by_place()
        self._journal = Journal(self.builder, self.failures)

    @property
    def dropped(self) -> Counter[str]:
        """Losses by reason, for the pipeline to take."""
        return self.builder.dropped

    @property
    def names_spans(self) -> bool:
        """Whether somebody wants the names of spans."""
        return self.builder.names_spans

    @names_spans.setter
    def names_spans(self, wanted: bool) -> None:
        self.builder.names_spans = wanted

    @property
    def marks_records(self) -> bool:
        """Whether records are given the ids of the spans that they tell of."""
        return self._roles.marks_records

    @marks_records.setter
    def marks_records(self, wanted: bool) -> None:
        self._roles.marks_records = wanted

    def feed(  # noqa: C901 - the loop over all lines: a call for each of its pieces would cost more than they do
        self, records: list[LogRecord]
    ) -> tuple[list[Span], list[Failure]]:
        """The spans that ended and the failures that happened with these records, all of one log, in its order."""
        if not records:
            return [], []
        builder = self.builder
        spans = builder.finished = []
        failures: list[Failure] = []
        first = records[0]
        builder.enter(first)
        clock = builder.clock
        told_time = clock.told or self._first_date(records)
        latest = clock.now
        roles = self._by_place
        marks = self._roles.marks_records
        ahead = first.origin.observed_time_unix_nano + AHEAD_NANO
        for record in records:
            time = record.time_unix_nano
            if time > latest:
                if time > ahead:
                    # a mistake: the line is as old as the one before it, and moves no clock
                    record.time_unix_nano = told_time or record.origin.observed_time_unix_nano
                    builder.dropped["time_ahead"] += 1
                else:
                    latest = told_time = time
                    if latest >= clock.due:
                        clock.now = latest
                        sweep(builder, clock)
            elif time:
                told_time = time
            else:
                # an undated line is as old as the one before it, however long ago that was read
                record.time_unix_nano = told_time or record.origin.observed_time_unix_nano
            template = record.template
            line: LineShape | None = template.line
            told: Told | None = None
            if line is not None:
                inner: dict[str, Any] = record.object  # type: ignore[assignment]
                keys = tuple(inner)
                told = (line.readers.get(keys) or line.new_reader(keys, record.data or inner))(inner)
                roles[line.place](record, line, told)
                if marks and told[1] is not None and not record.trace_id:
                    self._mark(record, line, told)
            elif record.data is not None:
                self._roles.accompany(record)
            if (template.severity_number >= _ERROR or record.exception is not None) and (
                failure := self.failures.tell(record, builder.stem, line, told)
            ):
                failures.append(failure)
        clock.now = latest
        clock.told = told_time
        clock.observed = first.observed_time_unix_nano
        self._journal.moved(clock)
        return spans, failures

    def _first_date(self, records: list[LogRecord]) -> int:
        """The first time that a line of a log gives, 0 where none does: its clock then goes by ticks alone."""
        clock = self.builder.clock
        for record in records:
            if record.time_unix_nano:
                clock.now = min(record.time_unix_nano, record.observed_time_unix_nano)
                return clock.now
        return 0

    def _mark(self, record: LogRecord, line: LineShape, told: Told) -> None:
        """Gives a record the ids of the span that it tells of."""
        if line.span.scopes is not None:
            within = scoped(record, line, told)
            mark(record, self.identifier, line.span.kind, within[1] or "", within[0])
            return
        entity, request = told[0], told[1] or ""
        resource = record.origin.resource
        record.trace_id = trace = self.identifier.trace(resource.service_namespace, "", request)
        if entity:
            record.span_id = span_id(trace, resource.service_name, line.span.kind, entity)

    def tick(self, now: int) -> list[Span]:
        """Time passes while the logs are silent and read to their ends; the spans that this closes."""
        spans = self.builder.finished = []
        tick(self.builder, now)
        return spans

    def close(self) -> list[Span]:
        """Closes all that is open: the input has ended."""
        spans = self.builder.finished = []
        close_all(self.builder)
        return spans

    @property
    def now(self) -> int:
        """The furthest event time of all logs, 0 before the first line."""
        return max((clock.now for clock in self.builder.clocks.values()), default=0)

    def open_counts(self) -> Counter[str]:
        """Open spans by kind."""
        return Counter(span.kind for span in self.builder.spans())

    def changes(self) -> Iterable[tuple[str, str, bytes | None]]:
        """(room, key, value) of what changed since the last call."""
        return self._journal.changes()

    def restore(
        self, rooms: Mapping[str, Mapping[str, bytes]], shapes: ShapeFinder, resources: Mapping[str, Resource], now: int
    ) -> None:
        """Takes the entries that ``changes`` gave.

        A span whose definition or service is gone is left out and counted, and so is an entry that cannot be read.
        """
        self._journal.restore(rooms, shapes, resources, now)
