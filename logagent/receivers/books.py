"""What all files of a receiver share: limits, who reads which file, and what is to be told."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logagent.receivers.identity import FileKey
    from logagent.receivers.tailer import TailedFile


@dataclass(slots=True, frozen=True)
class Limits:
    """How much is read at a time, and how long files that were rotated away or deleted are held."""

    max_line_bytes: int
    chunk_bytes: int
    quiet_seconds: float
    """A rotated file is finished when it has been read to its end and not grown for so long."""
    order_seconds: float
    """A rotated file that is still written to holds back its successor for no longer than this."""
    hold_seconds: float
    """A deleted file is held open for no longer than this."""
    max_open_files: int


@dataclass(slots=True)
class Books:
    """What the generations of all paths of a receiver share."""

    claims: dict[FileKey, TailedFile] = field(default_factory=dict)
    """Each file is read once, under however many names it is found."""
    notices: deque[tuple[TailedFile, bool]] = field(default_factory=deque)
    """Files whose position has changed without a line being read, and whether to forget them."""
    losses: Counter[str] = field(default_factory=Counter)
    reported: set[tuple[str, str]] = field(default_factory=set)

    def report_once(self, reason: str, path: str) -> None:
        """Count a path that cannot be read, the first time only."""
        if (reason, path) not in self.reported:
            self.reported.add((reason, path))
            self.losses[reason] += 1
