"""A stack trace folded to what a reader looks for first: the error and the innermost frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logagent.model import LogRecord

_FRAME = re.compile(r'^\s*(?:\|\s*)?File "([^"]{1,512})", line (\d+)(?:, in (\S{1,256}))?', re.MULTILINE)
_KEPT_DIRECTORIES = 2
_BEGINS = re.compile(
    r"\s*(?:[|+]\s*)?(?:(?:Exception Group )?Traceback \(most recent call last\):"
    r"|The above exception was the direct cause|During handling of the above exception)"
)
_MAX_HELD = 2000


@dataclass(frozen=True, slots=True)
class Folded:
    """A stack trace in one line."""

    frame: str
    """``pricing.py:88 in price_for``; empty where no frame was found."""
    more: int
    """Lines that are not shown."""


def fold(stacktrace: str) -> Folded:
    """The innermost frame of a Python traceback, with two directories' worth of path, and how many lines are left out."""
    lines = stacktrace.strip("\n").count("\n") + 1 if stacktrace else 0
    frame = ""
    for found in _FRAME.finditer(stacktrace):
        path = "/".join(found[1].split("/")[-_KEPT_DIRECTORIES:])
        frame = f"{path}:{found[2]}" + (f" in {found[3]}" if found[3] else "")
    return Folded(frame, max(lines - 1, 0))


class Tracebacks:
    """Tracebacks that stand in a log as lines of text: each is held back until the line that names its error."""

    def __init__(self) -> None:
        self._held: dict[str, list[str]] = {}

    def takes(self, record: LogRecord) -> bool:
        """Whether a line of text belongs to the body of a traceback, so that it is not shown for itself."""
        held = self._held.get(record.source)
        body = record.body
        if held is None:
            if not _BEGINS.match(body):
                return False
            held = self._held[record.source] = []
        elif not (body[:1].isspace() or _BEGINS.match(body)) or len(held) >= _MAX_HELD:
            return False
        held.append(body)
        return True

    def before(self, record: LogRecord) -> str:
        """The traceback that a line of text ends; empty where it ends none."""
        return "\n".join(self._held.pop(record.source, ()))
