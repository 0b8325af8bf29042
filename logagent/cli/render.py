"""Records and spans as lines for people: time, level, source, message, fields, id."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.cli.span_text import short_id, span_remark, span_text
from logagent.cli.stacktrace import fold
from logagent.cli.style import NARROW, Style
from logagent.cli.terminal_text import clip, visible, width
from logagent.cli.times import Moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from logagent.fields import Datum
    from logagent.model import AttributeValue, ExceptionInfo, LogRecord, Span

_LEVELS = ("   ", "TRC", "DBG", "INF", "WRN", "ERR", "FTL")
_MAX_SOURCE = 16
_MIN_FIELDS = 12
_SHORTEST_FIELD = 4
_MAX_EXPANDED = 200
_QUIET_FIELDS = ("code.", "process.", "thread.", "logagent.", "exception.")
_SLACK = 4096
"""Characters of one value that are looked at when lines are clipped to a width."""


def level_of(severity_number: int) -> str:
    """The three-letter name of a severity number's range; blank where there is none."""
    return _LEVELS[(severity_number + 3) // 4] if 0 <= severity_number <= 24 else _LEVELS[0]  # noqa: PLR2004 - the data model's range


def has_time(record: LogRecord) -> bool:
    """Whether a line carried a time of its own; one that did not has a neighbour's, or that at which it was read."""
    return record.data is not None and record.time_unix_nano != record.observed_time_unix_nano


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the lines go. ``columns`` 0 is no terminal: nothing is clipped, aligned or left out."""

    style: Style
    columns: int = 0
    zone: tzinfo | None = None
    expand: bool = False


class Renderer:
    """Makes lines, without the line feed at the end."""

    def __init__(self, layout: Layout) -> None:
        self._style = style = layout.style
        self._columns = layout.columns
        self._expand = layout.expand
        self._narrow = 0 < layout.columns < NARROW
        self.moments = Moments(layout.zone, full=not layout.columns)
        self._levels = [self._level(number) for number in range(25)]
        self._most_fields = layout.columns // _SHORTEST_FIELD if layout.columns else sys.maxsize
        self._names: dict[str, str] = {}
        self._heads: dict[tuple[int, str], tuple[str, int]] = {}
        self._sources: dict[str, str] = {}
        self._source_width = 0
        self._no_time = "-" if not layout.columns else style.dot.rjust(8 if self._narrow else 12)

    @property
    def folds(self) -> bool:
        """Whether what takes many lines is folded."""
        return self._columns > 0 and not self._expand

    def record(self, record: LogRecord, stacktrace: str = "") -> str:
        """One record. ``stacktrace`` are the lines of text that stood before it."""
        body = record.body
        fields = ident = ""
        if record.data is not None:
            attributes = record.dialect.attributes(record)
            fields = self._fields(attributes)
            ident = _id_of(record, record.data, attributes)
        exception = record.exception
        rest = self._trace(stacktrace) if stacktrace else ""
        if exception is not None:
            body, rest = self._with_exception(body, exception)
        elif "\n" in body and self._columns:
            body, rest = self._several_lines(body)
        time = self._time(record.time_unix_nano) if has_time(record) else self._no_time
        head = self._head(time, record.severity_number, record.logger or f"/{record.source}")
        return self._line(head, self._safe(body), fields, ident) + rest

    def span(self, span: Span) -> str:
        """One finished span, at the time of its end."""
        style = self._style
        head = self._head(self._time(span.end_unix_nano), span.severity_number, span.kind)
        remark = span_remark(span)
        body = f"{span_text(span, style.arrow)}{'  ' + remark if remark else ''}"
        line = self._line(head, self._safe(body), "", short_id(span.request_id or span.id), self._mark(span))
        trace = next((event.attributes.get("exception.stacktrace") for event in span.events if event.attributes), None)
        return line + (self._trace(str(trace)) if trace and span.outcome == "failed" else "")

    def rule(self, text: str) -> str:
        """A remark between lines, as wide as the terminal."""
        style = self._style
        line = clip(f"{style.rule * 2} {visible(text)} ", max(self._columns - 1, 1), style.ellipsis)
        return style.paint(style.dim, line + style.rule * max(self._columns - 1 - width(line), 0))

    # -- parts ---------------------------------------------------------------------------------------------

    def _time(self, unix_nano: int) -> str:
        return self.moments.short(unix_nano) if self._narrow else self.moments(unix_nano)

    def _level(self, number: int) -> str:
        style = self._style
        name = level_of(number)[: 1 if self._narrow else 3]
        colours = {"F": style.red + style.bold, "E": style.red, "W": style.yellow, "T": style.dim, "D": style.dim}
        return style.paint(colours.get(name[0], ""), name)

    def _head(self, time: str, severity: int, source: str) -> tuple[str, int]:
        """Everything before the message, and how wide it is."""
        after = self._heads.get((severity, source))
        if after is None:
            after = self._new_head(severity, source)
        style = self._style
        return f"{style.dim}{time}{style.reset} {after[0]}", len(time) + after[1]

    def _new_head(self, severity: int, source: str) -> tuple[str, int]:
        level = self._levels[severity] if 0 <= severity < len(self._levels) else self._levels[0]
        if self._narrow:
            return f"{level} ", 3
        name = self._sources.get(source) or self._new_source(source)
        padding = " " * (self._source_width - width(name) + 1) if self._columns else " "
        text = f"{level} {self._style.paint(self._style.cyan, name or '-')}{padding}"
        after = self._heads[severity, source] = (text, 6 + self._source_width)
        return after

    def _new_source(self, source: str) -> str:
        if len(self._sources) > _SLACK:
            self._sources.clear()
            self._heads.clear()
        last = source.rsplit("/", 1)[-1] if "/" in source else source.rsplit(".", 1)[-1] or source
        name = visible(last).replace(" ", "_")
        name = clip(name, _MAX_SOURCE, self._style.ellipsis) if self._columns else name
        self._sources[source] = name
        if width(name) > self._source_width:
            self._source_width = width(name)
            self._heads.clear()
        return name

    def _safe(self, text: str) -> str:
        return visible(text[:_SLACK] if self._columns and len(text) > _SLACK else text)

    def _mark(self, span: Span) -> tuple[str, str]:
        style = self._style
        if span.outcome == "failed":
            return style.failed, style.red
        if span.outcome == "error":
            return style.failed, style.red if span.severity_number > 16 else style.yellow  # noqa: PLR2004 - ERROR begins at 17
        return (style.no_end, style.yellow) if span.incomplete else (style.done, style.green)

    def _line(
        self, head: tuple[str, int], body: str, fields: str, ident: str, marked: tuple[str, str] = ("", "")
    ) -> str:
        style = self._style
        mark, colour = marked
        ident = visible(ident)
        painted = f"{colour}{mark}{style.reset} " if mark else ""
        if not self._columns:
            return f"{head[0]}{painted}{body}{'  ' + fields if fields else ''}{'  ' + ident if ident else ''}"
        room = self._columns - head[1] - (len(mark) + 1 if mark else 0)
        if self._narrow:
            return head[0] + painted + clip(body, room, style.ellipsis)
        room -= width(ident) + 2 if ident else 0
        if not body.isascii() or len(body) > room:
            body = clip(body, room, style.ellipsis)
        left = room - width(body)
        if fields and left - 2 >= _MIN_FIELDS:
            if not fields.isascii() or len(fields) > left - 2:
                fields = clip(fields, left - 2, style.ellipsis)
            left -= width(fields) + 2
            body = f"{body}  {style.dim}{fields}{style.reset}"
        tail = f"{' ' * (left + 2)}{style.dim}{ident}{style.reset}" if ident else ""
        return f"{head[0]}{painted}{body}{tail}"

    def _fields(self, attributes: Mapping[str, AttributeValue]) -> str:
        names = self._names
        most = self._most_fields
        parts: list[str] = []
        for name, value in attributes.items():
            shown = names.get(name)
            if shown is None:
                shown = self._new_name(name)
            if not shown:
                continue
            if not isinstance(value, str):
                parts.append(f"{shown}{value:.6g}" if value.__class__ is float else f"{shown}{value}")
            elif " " in value or not value:
                parts.append(f'{shown}"{value}"')
            else:
                parts.append(shown + value)
            if len(parts) > most:
                break
        return self._safe(" ".join(parts))

    def _new_name(self, name: str) -> str:
        if len(self._names) > _SLACK:
            self._names.clear()
        short = name.rsplit(".", 1)[-1] if self._columns else name
        self._names[name] = shown = "" if name.startswith(_QUIET_FIELDS) else f"{short}="
        return shown

    # -- what takes more than a line -------------------------------------------------------------------------

    def _with_exception(self, body: str, exception: ExceptionInfo) -> tuple[str, str]:
        error = f"{exception.type}: {exception.message}" if exception.message else exception.type
        if exception.message and exception.message in body:
            error = "" if not exception.type or exception.type in body else exception.type
        body = body.split("\n", 1)[0] if self._columns else body
        return (f"{body}  {error}" if error and body else body or error), self._trace(exception.stacktrace)

    def _trace(self, stacktrace: str) -> str:
        if self._expand:
            return self._continued(stacktrace.strip("\n").split("\n"))
        folded = fold(stacktrace)
        if not folded.frame:
            return ""
        more = f"  {self._style.ellipsis} {folded.more} more lines" if folded.more else ""
        if not self._columns:
            return f"  at {self._safe(folded.frame)}{more}"
        return self._continued([f"{folded.frame}{more} (-x)"])

    def _several_lines(self, body: str) -> tuple[str, str]:
        lines = body.split("\n")
        if self._expand:
            return lines[0], self._continued(lines[1:])
        return f"{lines[0]}  {self._style.ellipsis} {len(lines) - 1} more lines", ""

    def _continued(self, lines: Iterable[str]) -> str:
        style = self._style
        indent = 4 if self._narrow or not self._columns else 13
        room = self._columns - indent - 2 if self._columns else 0
        out = []
        for text in list(lines)[:_MAX_EXPANDED]:
            safe = self._safe(text)
            out.append(
                f"\n{' ' * indent}{style.dim}{style.bar} {clip(safe, room, style.ellipsis) if room else safe}{style.reset}"
            )
        return "".join(out)


def _id_of(record: LogRecord, data: dict[str, Datum], attributes: Mapping[str, AttributeValue]) -> str:
    """The short id of the request, or else of the call or trace, that a record belongs to."""
    found = record.dialect.request_of(data) or attributes.get("logagent.id") or record.trace_id.hex()
    return short_id(str(found))
