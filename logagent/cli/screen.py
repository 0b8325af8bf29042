"""Where ``tail``'s lines go: standard output, in batches, in order, under a line that names day and zone."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.cli.render import Renderer

Line = tuple[int, str]
MAX_HELD = 200_000
"""Lines that are held back to be put into order; beyond them the oldest half is written."""


class Screen:
    """Writes lines at once, or holds them back to order them by time."""

    def __init__(
        self,
        output: BinaryIO,
        *,
        days: Renderer | None = None,
        names: str = "",
        ordered: bool = False,
    ) -> None:
        """``days`` is the renderer of a terminal, on which a rule names each new day; ``names`` stands in the first."""
        self._output = output
        self._days = days
        self._names = names
        self.ordered = ordered
        """Whether lines are held back; those that come after it was set to False are not."""
        self._held: list[Line] = []
        self._day = ""

    def begin(self, now: int) -> None:
        """Names the day before any line has come."""
        if self._days is not None and not self._day:
            self._put(self._new_day(self._days, now))

    def show(self, lines: list[Line]) -> None:
        """Takes lines; writes them unless they are held back."""
        if not self.ordered:
            self._write(lines)
            return
        self._held += lines
        if len(self._held) > MAX_HELD:
            self._release(MAX_HELD // 2)

    def raw(self, data: bytes) -> None:
        """Writes bytes as they are."""
        self._output.write(data)
        self._output.flush()

    def release(self) -> None:
        """Writes what was held back."""
        if self._held:
            self._release(len(self._held))

    def _release(self, count: int) -> None:
        """Writes the oldest lines; those of one time stay in the order in which they came."""
        if count < len(self._held):
            ready = heapq.nsmallest(count, self._held, key=_time)
            chosen = {id(line) for line in ready}
            self._held = [line for line in self._held if id(line) not in chosen]
        else:
            ready, self._held = sorted(self._held, key=_time), []
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
        self._put(texts)

    def _put(self, texts: list[str]) -> None:
        # A raw line may hold bytes that are no UTF-8: they came in as lone surrogates and leave as they were.
        self._output.write("\n".join([*texts, ""]).encode("utf-8", "surrogateescape"))
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
