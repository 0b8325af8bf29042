"""Which records and spans a person wants to see: one function for each, put together once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logagent import expr
from logagent.errors import LogagentError
from logagent.expr.severities import HIGHEST, severity_range
from logagent.fields import resolve_record, resolve_span
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logagent.model import LogRecord, Span

LOG = "log"
_LEVELS = ("trace", "debug", "info", "warn", "error", "critical", "fatal")
"""Those that are offered; others mean the same."""


class LevelError(LogagentError):
    """A level that does not exist."""

    exit_code = 2


def parse_level(text: str) -> frozenset[int]:
    """The severity numbers of ``warn`` (that and all above) or of ``=warn,error`` (exactly these)."""
    exact = text.startswith("=")
    numbers: set[int] = set()
    for name in text.removeprefix("=").split(","):
        found = severity_range(name)
        if not found:
            hint = did_you_mean(name.strip().lower(), _LEVELS) or f"one of {', '.join(_LEVELS)}; or =warn,error"
            raise LevelError(f"no level {name.strip()!r}", hint)
        numbers.update(found if exact else range(found.start, HIGHEST + 1))
    return frozenset(numbers)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to show. Empty parts select everything; ``where`` may raise ``ExpressionError`` on construction."""

    where: str = ""
    levels: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()
    trace: str = ""
    since_unix_nano: int | None = None
    until_unix_nano: int | None = None
    fold: bool = True
    """Show a span in place of the lines that told it."""
    _record: Callable[[LogRecord], bool] = field(init=False)
    _span: Callable[[Span], bool] = field(init=False)

    def __post_init__(self) -> None:
        """Compiles the condition for both."""
        expression = expr.parse(self.where) if self.where else None
        for name, resolve in (("_record", resolve_record), ("_span", resolve_span)):
            condition = expr.compile_condition(expression, resolve) if expression else bool
            object.__setattr__(self, name, condition)

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        bounds = (self.since_unix_nano, self.until_unix_nano)
        return not (self.where or self.levels or self.kinds or self.trace) and bounds == (None, None)

    @property
    def spans(self) -> bool:
        """Whether any span can be shown."""
        return not self.kinds or bool(self.kinds - {LOG})

    def folds(self, record: LogRecord) -> bool:
        """Whether a record is told by a span that is shown in its place."""
        line = record.line
        if line is None or self.where or not self.fold:
            return False
        return not self.kinds or line.span.kind in self.kinds

    def record(self, record: LogRecord, time_unix_nano: int, line: bytes) -> bool:
        """Whether to show a record. The time is given, for lines that carry none of their own."""
        return (
            (not self.kinds or LOG in self.kinds)
            and (not self.levels or record.severity_number in self.levels)
            and self._in_time(time_unix_nano)
            and (not self.trace or record.trace_id.hex().startswith(self.trace) or self.trace.encode() in line)
            and self._record(record)
        )

    def span(self, span: Span) -> bool:
        """Whether to show a span; its time is its end."""
        return (
            (not self.kinds or span.kind in self.kinds)
            and (not self.levels or span.severity_number in self.levels)
            and self._in_time(span.end_unix_nano)
            and (not self.trace or self._traced(span))
            and self._span(span)
        )

    def _traced(self, span: Span) -> bool:
        ids: Sequence[str] = (span.request_id, span.id, span.trace_id.hex(), span.span_id.hex())
        return any(one.startswith(self.trace) for one in ids)

    def _in_time(self, unix_nano: int) -> bool:
        return (self.since_unix_nano is None or unix_nano >= self.since_unix_nano) and (
            self.until_unix_nano is None or unix_nano <= self.until_unix_nano
        )
