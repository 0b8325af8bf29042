"""What is open in one service: the spans by id, by request and by process, and the echoes still expected."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.shapes import SpanShape
    from logagent.spans.open import OpenSpan

ECHO_MEMORY_NANO = 60_000_000_000
"""How long after a span an echo of it is still known as one."""
_MANY_ECHOES = 4_096


class ServiceSpans:
    """The open spans of one service and the indexes that lines are matched with."""

    __slots__ = ("_changed_echoes", "by_request", "echoes", "name", "open", "requests")

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: defaultdict[str, dict[str, OpenSpan]] = defaultdict(dict)
        """Kind → id → span."""
        self.by_request: dict[str, list[OpenSpan]] = {}
        """Request id → its open spans, outermost first."""
        self.requests: dict[str, dict[str, OpenSpan]] = {}
        """Process → its open spans that may be parents by inference."""
        self.echoes: dict[str, list[int]] = {}
        """Echo key → [tellings expected, event time of the last]."""
        self._changed_echoes: set[str] = set()

    def all(self) -> Iterator[OpenSpan]:
        """Every span that has not left."""
        for spans in self.open.values():
            yield from spans.values()

    def oldest(self) -> OpenSpan | None:
        """The span that began first: each kind has its own in the order in which they began."""
        first = [next(iter(spans.values())) for spans in self.open.values() if spans]
        return min(first, key=lambda span: span.order, default=None)

    def add(self, span: OpenSpan, *, may_be_parent: bool) -> None:
        """Puts a span into every index."""
        self.open[span.kind][span.id] = span
        request_id = span.request_id
        if request_id:
            siblings = self.by_request.get(request_id)
            if siblings is None:
                self.by_request[request_id] = [span]
            else:
                siblings.append(span)
        if may_be_parent and span.process:
            self.requests.setdefault(span.process, {})[span.id] = span

    def remove(self, span: OpenSpan) -> None:
        """Takes a span out of every index."""
        self.open[span.kind].pop(span.id, None)
        span.is_gone = True
        self.leave(span)

    def leave(self, span: OpenSpan) -> None:
        """Takes an ended span out of the indexes in which only running ones count; its id still finds it."""
        siblings = self.by_request.get(span.request_id)
        if siblings is not None:
            if siblings[-1] is span:
                siblings.pop()
            elif span in siblings:
                siblings.remove(span)
            if not siblings:
                del self.by_request[span.request_id]
        if span.process and (candidates := self.requests.get(span.process)) and candidates.get(span.id) is span:
            del candidates[span.id]
            if not candidates:
                del self.requests[span.process]

    def innermost(self, request_id: str) -> OpenSpan | None:
        """The open span of a request that began last."""
        siblings = self.by_request.get(request_id)
        return siblings[-1] if siblings else None

    def only(self, request_id: str, shape: SpanShape) -> OpenSpan | None:
        """The request's open span of a kind, if there is exactly one."""
        found = [span for span in self.by_request.get(request_id, ()) if span.kind == shape.kind]
        return found[0] if len(found) == 1 else None

    def expect_echo(self, key: str, time: int) -> None:
        """A span was told that an echo may tell again."""
        entry = self.echoes.get(key)
        if entry is None or time - entry[1] > ECHO_MEMORY_NANO:
            if len(self.echoes) >= _MANY_ECHOES:
                self._forget_echoes(time)
            self.echoes[key] = [1, time]
        else:
            entry[0] += 1
            entry[1] = max(entry[1], time)
        self._changed_echoes.add(key)

    def take_echo(self, key: str, time: int) -> bool:
        """Whether a telling without an id is the echo of a span that was told with one."""
        entry = self.echoes.get(key)
        if entry is None or not entry[0] or time - entry[1] > ECHO_MEMORY_NANO:
            return False
        entry[0] -= 1
        self._changed_echoes.add(key)
        return True

    def _forget_echoes(self, time: int) -> None:
        old = [key for key, entry in self.echoes.items() if time - entry[1] > ECHO_MEMORY_NANO]
        by_age = sorted(self.echoes, key=lambda key: (self.echoes[key][1], key))
        for key in old or by_age[: _MANY_ECHOES // 2]:
            del self.echoes[key]
            self._changed_echoes.add(key)

    def echo_changes(self) -> list[tuple[str, bytes | None]]:
        """Echo entries that changed since the last call."""
        changed = [
            (key, b"%d %d" % (self.echoes[key][0], self.echoes[key][1]) if key in self.echoes else None)
            for key in self._changed_echoes
        ]
        self._changed_echoes.clear()
        return changed

    def restore_echo(self, key: str, value: bytes) -> None:
        """Takes an entry that ``echo_changes`` gave."""
        count, time = value.split()
        self.echoes[key] = [int(count), int(time)]
