"""Recent spans grouped by trace, as the page lists and draws them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from logagent.model import StatusCode
from logagent.web.tallies import COST, amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logagent.model import Span

TRACES = 500
SPANS = 5000
"""Spans kept over all traces; where there are more, the oldest traces go."""
SPANS_OF_TRACE = 1000
"""Spans kept of one trace; further ones are only counted."""
ROOT_KIND = "request"


class Trace:
    """The spans of one trace that have been seen so far."""

    __slots__ = ("changed", "errors", "hidden", "llm", "llm_cost", "queries", "root", "spans", "trace_id")

    def __init__(self, trace_id: bytes) -> None:
        self.trace_id = trace_id
        self.spans: list[Span] = []
        self.root: Span | None = None
        self.hidden = 0
        self.errors = 0
        self.queries = 0
        self.llm = 0
        self.llm_cost: float | None = None
        self.changed = 0

    def add(self, span: Span) -> bool:
        """Take a span in; False where it was only counted, because the trace is full."""
        if span.status == StatusCode.ERROR:
            self.errors += 1
        if span.kind == ROOT_KIND:
            if self.root is None or not span.parent_span_id:
                self.root = span
        elif span.kind == "query":
            self.queries += 1
        elif span.kind == "llm":
            self.llm += 1
            cost = amount(span.attributes.get(COST))
            if cost is not None:
                self.llm_cost = (self.llm_cost or 0.0) + cost
        if len(self.spans) >= SPANS_OF_TRACE:
            self.hidden += 1
            return False
        self.spans.append(span)
        return True

    @property
    def head(self) -> Span:
        """The request, or where none was seen the earliest span."""
        return self.root or min(self.spans, key=lambda span: span.start_unix_nano)

    @property
    def start_unix_nano(self) -> int:
        """Start of the earliest span."""
        return min(span.start_unix_nano for span in self.spans)

    def summary(self) -> dict[str, object]:
        """Give the trace's row in the list: times in seconds, costs in USD; what is not known is ``None``.

        ``errors`` are the failed spans below the head; whether that one failed is ``failed``.
        """
        head = self.head
        return {
            "trace": self.trace_id.hex(),
            "id": head.request_id or head.id,
            "kind": head.kind,
            "name": head.name,
            "service": head.resource.service_name,
            "start": head.start_unix_nano / 1e9,
            "duration": None if head.incomplete else (head.end_unix_nano - head.start_unix_nano) / 1e9,
            "status": head.attributes.get("http.response.status_code"),
            "failed": head.status == StatusCode.ERROR,
            "errors": self.errors - (head.status == StatusCode.ERROR),
            "spans": len(self.spans) + self.hidden,
            "llm": self.llm,
            "llm_cost": self.llm_cost,
            "queries": self.queries,
            "changed": self.changed,
        }

    def tree(self) -> Iterator[tuple[int, Span]]:
        """Give (depth, span) parents first, siblings by start; spans whose parent is not here stand at the top."""
        present = {span.span_id for span in self.spans}
        children: dict[bytes, list[Span]] = {}
        for span in sorted(self.spans, key=lambda span: (span.start_unix_nano, -span.end_unix_nano), reverse=True):
            parent = span.parent_span_id if span.parent_span_id in present else b""
            children.setdefault(b"" if parent == span.span_id else parent, []).append(span)
        waiting = [(0, span) for span in children.pop(b"", [])]
        while waiting or children:
            if not waiting:  # what is left are spans that are each other's ancestors: break in at any one
                waiting = [(0, span) for span in children.pop(next(iter(children)))]
            depth, span = waiting.pop()
            yield depth, span
            waiting.extend((depth + 1, child) for child in children.pop(span.span_id, []))


class Traces:
    """The latest traces, bounded in traces and in spans. Spans are grouped when somebody looks, not when they come."""

    def __init__(self, identify: Callable[[list[Span]], object]) -> None:
        self._identify = identify
        self._waiting: list[Span] = []
        self._traces: OrderedDict[bytes, Trace] = OrderedDict()
        self._spans = 0
        self._sequence = 0

    def add(self, spans: list[Span]) -> None:
        """Take spans in; only the latest of those that nobody has looked at are kept."""
        waiting = self._waiting
        waiting += spans
        if len(waiting) > 2 * SPANS:
            del waiting[:-SPANS]

    def recent(self, limit: int, *, after: int = 0) -> list[Trace]:
        """Give the traces that changed after a sequence number, latest start first."""
        self._fold()
        changed = [trace for trace in self._traces.values() if trace.changed > after]
        changed.sort(key=lambda trace: trace.head.start_unix_nano, reverse=True)
        return changed[:limit]

    def find(self, name: str) -> Trace | None:
        """Give the trace with this id in hexadecimal, or the one with a span of this context id."""
        self._fold()
        try:
            trace = self._traces.get(bytes.fromhex(name))
        except ValueError:
            trace = None
        if trace is not None:
            return trace
        return next((each for each in reversed(self._traces.values()) if any(s.id == name for s in each.spans)), None)

    @property
    def sequence(self) -> int:
        """Number of the latest change."""
        self._fold()
        return self._sequence

    def _fold(self) -> None:
        if not self._waiting:
            return
        spans, self._waiting = self._waiting[-SPANS:], []
        self._group(spans)
        while self._traces and (len(self._traces) > TRACES or self._spans > SPANS):
            _, oldest = self._traces.popitem(last=False)
            self._spans -= len(oldest.spans)

    def _group(self, spans: list[Span]) -> None:
        self._identify(spans)
        for span in spans:
            trace = self._traces.get(span.trace_id)
            if trace is None:
                trace = self._traces[span.trace_id] = Trace(span.trace_id)
            if trace.add(span):
                self._spans += 1
            self._sequence += 1
            trace.changed = self._sequence
