"""The type and message of an exception from the text of a Python traceback."""

from __future__ import annotations

import itertools
import re

from logagent.model import ExceptionInfo

_LAST = re.compile(
    r"^(?:\s*\|\s?)*([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Iteration|Warning|Group|[A-Z]\w*)?)(?::\s?(.*))?$"
)
_MAX_TEXT = 64 * 1024
_GROUP, _INSIDE = "  + Exception Group Traceback", "  | "


def exception_of(text: str) -> ExceptionInfo:
    """What a traceback says at its end; the message may run over several lines.

    The exception stands on the first unindented line after the last frame; of an exception group, the group itself
    counts. Text without a frame is a message without a type.
    """
    text = text[-_MAX_TEXT:]
    lines = _outermost(text.rstrip().split("\n"))
    last_frame = max((n for n, line in enumerate(lines) if line.startswith("  ")), default=-1)
    head = last_frame + 1 if last_frame + 1 < len(lines) else len(lines) - 1
    match = _LAST.match(lines[head]) if last_frame >= 0 or len(lines) == 1 else None
    if match is None:
        return ExceptionInfo("", lines[-1][:1024], text)
    message = "\n".join([match[2] or "", *lines[head + 1 :]]).strip()
    return ExceptionInfo(match[1], message[:4096], text)


def _outermost(lines: list[str]) -> list[str]:
    """Where the text ends with an exception group: the group's own traceback, without the exceptions inside it."""
    begin = max((number for number, line in enumerate(lines) if line.startswith(_GROUP)), default=-1)
    if begin < 0 or not lines[-1].lstrip().startswith("+--"):
        return lines
    inside = itertools.takewhile(lambda line: line.startswith(_INSIDE), lines[begin + 1 :])
    return [line.removeprefix(_INSIDE) for line in inside] or lines
