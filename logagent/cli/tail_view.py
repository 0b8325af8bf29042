"""What ``tail`` shows of each batch: selects, folds, orders, renders and counts. Does no I/O."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from logagent.cli.render import Renderer, has_time
from logagent.cli.render_json import record_json, span_json
from logagent.cli.stacktrace import Tracebacks
from logagent.model import LogRecord, Outcome, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logagent.cli.selection import Selection
    from logagent.cli.times import Moments

_NO_LEVEL = 25
"""Above the data model's severity numbers."""
_NOT_JSON = -1

Shown = tuple[int, str, int]
"""Time, text without line feed, and severity number; ``_NOT_JSON`` for a line of text."""


class Tally:
    """What passed by, for the last line."""

    def __init__(self) -> None:
        self.not_json = 0
        self.dropped = 0
        self.by_severity: Counter[int] = Counter()
        """Severity number -> records that are JSON."""
        self.first_unix_nano = 0
        self.last_unix_nano = 0

    @property
    def lines(self) -> int:
        """All lines."""
        return self.not_json + self.by_severity.total()

    def at_least(self, lowest: Severity, below: int = _NO_LEVEL) -> int:
        """Records of a level and those above it, up to another."""
        return sum(count for number, count in self.by_severity.items() if lowest <= number < below)

    def count(self, record: LogRecord) -> None:
        """Adds one record."""
        if record.data is None:
            self.not_json += 1
            return
        self.by_severity[record.severity_number] += 1
        time = record.time_unix_nano
        if time != record.observed_time_unix_nano:
            self._reach(time)

    @classmethod
    def of(cls, shown: Iterable[Shown]) -> Self:
        """Counts what is shown and nothing else."""
        tally = cls()
        for time, _, severity in shown:
            if severity == _NOT_JSON:
                tally.not_json += 1
            else:
                tally.by_severity[severity] += 1
                tally._reach(time)
        return tally

    def _reach(self, time: int) -> None:
        if time > self.last_unix_nano:  # noqa: PLR1730 - a call of max for every line is what a comparison saves
            self.last_unix_nano = time
        if time < self.first_unix_nano or not self.first_unix_nano:
            self.first_unix_nano = time

    def text(self, moments: Moments) -> str:
        """The last line: ``412 lines · 3 ERR 9 WRN 399 INF · 1 not JSON · 0 dropped · 13:00:00 to 13:07:30 (+01:00)``."""
        errors, warnings = self.at_least(Severity.ERROR), self.at_least(Severity.WARN, Severity.ERROR)
        parts = [
            f"{self.lines} line{'' if self.lines == 1 else 's'}",
            f"{errors} ERR {warnings} WRN {self.at_least(Severity.INFO, Severity.WARN)} INF",
            f"{self.not_json} not JSON",
            f"{self.dropped} dropped",
        ]
        if self.first_unix_nano:
            first, last = moments.short(self.first_unix_nano), moments.short(self.last_unix_nano)
            parts.append(f"{first} to {last} {moments.zone_name(self.last_unix_nano)}")
        return " · ".join(parts)


class TailView:
    """Turns outcomes into lines, each with the time that orders it.

    A line that carries no time of its own has that of the line before it in its source.
    """

    def __init__(self, selection: Selection, renderer: Renderer | None) -> None:
        """``renderer`` None writes JSON."""
        self._selection = selection
        self._renderer = renderer
        self._tracebacks = Tracebacks() if renderer is not None and renderer.folds else None
        self._last_time: dict[str, int] = {}
        self.tally = Tally()

    @property
    def shows_everything(self) -> bool:
        """Whether no line is left out."""
        return self._selection.everything

    def lines(self, outcome: Outcome, raw_lines: Sequence[bytes] = ()) -> list[Shown]:
        """What to show of an outcome, in order of time.

        ``raw_lines`` are the batch's lines, one a record, in which ``--trace`` also looks.
        """
        raw = raw_lines if len(raw_lines) == len(outcome.records) else [b""] * len(outcome.records)
        shown: list[Shown] = []
        for record, line in zip(outcome.records, raw, strict=True):
            time = self._time_of(record)
            self.tally.count(record)
            if self._selection.record(record, time, line) and not self._selection.folds(record):
                if record.data is None and self._tracebacks is not None and self._tracebacks.takes(record):
                    continue
                shown.append((time, self._record(record), _NOT_JSON if record.data is None else record.severity_number))
        if self._selection.spans and outcome.spans:
            shown += [
                (span.end_unix_nano, self._span(span), span.severity_number)
                for span in outcome.spans
                if self._selection.span(span)
            ]
            shown.sort(key=_time)
        return shown

    def raw(self, outcome: Outcome, raw_lines: Sequence[bytes]) -> list[Shown]:
        """The lines of a batch whose records are selected, as they were read; spans have no raw form.

        Bytes that are no UTF-8 are lone surrogates (PEP 383).
        """
        shown = []
        for place, record in enumerate(outcome.records):
            line = raw_lines[place] if place < len(raw_lines) else b""
            time = self._time_of(record)
            self.tally.count(record)
            if self._selection.record(record, time, line):
                text = line.decode("utf-8", "surrogateescape")
                shown.append((time, text, _NOT_JSON if record.data is None else record.severity_number))
        return shown

    def _time_of(self, record: LogRecord) -> int:
        if not has_time(record):
            return self._last_time.get(record.source, 0)
        self._last_time[record.source] = record.time_unix_nano
        return record.time_unix_nano

    def _record(self, record: LogRecord) -> str:
        if self._renderer is None:
            return record_json(record)
        if record.data is None and self._tracebacks is not None:
            return self._renderer.record(record, self._tracebacks.before(record))
        return self._renderer.record(record)

    def _span(self, span: Span) -> str:
        return self._renderer.span(span) if self._renderer else span_json(span)


def _time(line: Shown) -> int:
    return line[0]
