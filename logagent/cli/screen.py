"""Where ``tail``'s lines go: standard output, in batches, in order, under a line that names day and zone."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.cli.render import Renderer

Line = tuple[int, str]
MAX_HELD = 200_000
"""Lines that are held back to be put into order; beyond them the oldest half is written."""


class Screen:
    """Writes lines at once, or holds them back to order them by time or to keep the last ``keep``."""

    def __init__(
        self,
        output: BinaryIO,
        *,
        days: Renderer | None = None,
        names: str = "",
        ordered: bool = False,
        keep: int | None = None,
    ) -> None:
        """``days`` is the renderer of a terminal, on which a rule names each new day; ``names`` stands in the first."""
        self._output = output
        self._days = days
        self._names = names
        self._ordered = ordered
        self._held: deque[Line] | None = deque(maxlen=keep) if ordered or keep is not None else None
        self._day = ""

    def show(self, lines: list[Line]) -> None:
        """Takes lines; writes them unless they are held back."""
        if self._held is None:
            self._write(lines)
            return
        self._held.extend(lines)
        if len(self._held) > MAX_HELD and self._held.maxlen is None:
            self._release(MAX_HELD // 2)

    def raw(self, data: bytes) -> None:
        """Writes bytes as they are."""
        self._output.write(data)
        self._output.flush()

    def finish(self) -> None:
        """Writes what was held back."""
        if self._held is not None:
            self._release(len(self._held))

    def _release(self, count: int) -> None:
        held = self._held or deque()
        if self._ordered:
            ready = heapq.nsmallest(count, held, key=_time) if count < len(held) else sorted(held, key=_time)
            chosen = {id(line) for line in ready}
            rest = [line for line in held if id(line) not in chosen]
        else:
            ready, rest = list(held), []
        held.clear()
        held.extend(rest)
        self._write(ready)

    def _write(self, lines: Sequence[Line]) -> None:
        if not lines:
            return
        texts: list[str] = []
        if self._days is not None and not self._day:
            texts += self._new_day(self._days, next((time for time, _ in lines if time), 0))
        for time, text in lines:
            if self._days is not None and time:
                texts += self._new_day(self._days, time)
            texts.append(text)
        texts.append("")
        self._output.write("\n".join(texts).encode("utf-8", "replace"))
        self._output.flush()

    def _new_day(self, renderer: Renderer, time: int) -> list[str]:
        if not time:
            return []
        renderer.moments(time)
        day = renderer.moments.day
        if day == self._day:
            return []
        first, self._day = not self._day, day
        return [renderer.rule(f"{day} · times {renderer.moments.zone_name(time)} · {self._names}" if first else day)]


def _time(line: Line) -> int:
    return line[0]
