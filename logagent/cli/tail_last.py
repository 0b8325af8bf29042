"""The last lines that a selection lets through: from further and further back, until there are enough of them.

Each look begins at a line and reads to the end, so that what is shown is what a reading from there on would show. The
part that is read grows fourfold each time: all looks together read at most two and a third times the file, and no more
is held than the lines that are kept.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from logagent.cli import tail_files
from logagent.cli.tail_view import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from logagent.cli.tail_open import Input
    from logagent.cli.tail_view import Shown

_GROWTH = 4


class LastLines:
    """The last ``count`` lines of each source; ``ends`` are the offsets up to which to read, else those of the files."""

    def __init__(self, sources: Sequence[Input], count: int, ends: Mapping[str, int]) -> None:
        self._count = count
        self._ends = {source: ends.get(source.name, tail_files.size(source)) for source in sources}
        self._starts = {source: self._first_start(source, end) for source, end in self._ends.items()}
        self.kept: dict[str, deque[Shown]] = {}

    def parts(self) -> Iterator[tuple[Input, int, int]]:
        """What to read in this look: source, start and end."""
        self.kept.clear()
        for source, start in self._starts.items():
            yield source, start, self._ends[source]

    def keep(self, name: str, shown: Sequence[Shown]) -> None:
        """Take what came of a source, and forget the oldest."""
        self.kept.setdefault(name, deque(maxlen=self._count)).extend(shown)

    def look_further(self) -> bool:
        """Whether some source has more to look through and too few lines were kept of it."""
        further = False
        for source, start in self._starts.items():
            if start and len(self.kept.get(source.name, ())) < self._count:
                end = self._ends[source]
                wanted = end - max(end - start, tail_files.CHUNK_BYTES) * _GROWTH
                self._starts[source] = tail_files.line_start(source, wanted, end) if wanted > 0 else 0
                further = True
        return further

    def tally(self) -> Tally:
        """The count of what is kept."""
        return Tally.of(shown for lines in self.kept.values() for shown in lines)

    def _first_start(self, source: Input, end: int) -> int:
        if not self._count:
            return end
        start = tail_files.last_lines(source, self._count, end)
        if end - start >= tail_files.CHUNK_BYTES:
            return start
        return tail_files.line_start(source, end - tail_files.CHUNK_BYTES, end)
