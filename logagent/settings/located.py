"""Where in its file a problem stands: line and column for whoever must mend it, whichever room found it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from logagent.settings.document import LARGEST_FILE_BYTES, Document, parse_document
from logagent.settings.lines import Place, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.errors import Problem

_LINE = re.compile(r"line (\d+)(?:, column (\d+))?")
_KEY_WITH_LINE = re.compile(r"(.*) \(line (\d+)\)", re.DOTALL)
_PART = re.compile(r'\[(\d+)\]|"([^"]*)"|([^.\[\]"]+)')
_COLUMN = re.compile(r"column (\d+): ")
_CONDITION = 'a condition such as duration > 1s and kind == "query"'
_NO_HINT = "what docs/configuration.md, docs/parsers.md and docs/rules.md show"


@dataclass(frozen=True, slots=True)
class Located:
    """A problem with its place in parts. ``line`` and ``column`` count from 1; None where there is none to tell."""

    file: str
    line: int | None
    column: int | None
    key: str
    """Dotted path of keys; empty for the file as a whole."""
    message: str
    hint: str

    @property
    def where(self) -> str:
        """``file:line:column``, as editors take it."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number is not None)])


def locate(problems: Iterable[Problem]) -> list[Located]:
    """Each problem with its line, found by its key in the file that it names. Reads each file once."""
    texts: dict[str, _Text] = {}
    return [_locate(problem, texts) for problem in problems]


class _Text:
    """A file's text and what it says; empty where it cannot be read."""

    def __init__(self, file: str) -> None:
        try:
            with Path(file).open("rb") as stream:
                raw = stream.read(LARGEST_FILE_BYTES)
        except (OSError, ValueError):
            raw = b""
        self.lines = raw.decode("utf-8-sig", "replace").split("\n")
        self.document = parse_document(file, raw) if raw else Document(file, {})


def _locate(problem: Problem, texts: dict[str, _Text]) -> Located:
    hint = problem.hint or (_CONDITION if _COLUMN.match(problem.message) else _NO_HINT)
    found = _LINE.fullmatch(problem.place)
    if found:
        column = int(found[2]) if found[2] else None
        return Located(problem.file, int(found[1]), column, "", problem.message, hint)
    if problem.file not in texts:
        texts[problem.file] = _Text(problem.file)
    text = texts[problem.file]
    with_line = _KEY_WITH_LINE.fullmatch(problem.place)
    key = with_line[1] if with_line else problem.place
    place = _place(key)
    line = int(with_line[2]) if with_line else line_of(place, text.document.lines)
    if line is None and key and any(text.lines):
        line = 1
    column, message = _column(text, place, line, problem.message)
    return Located(problem.file, line, column, key, message, hint)


def _place(key: str) -> Place:
    """Keys and list indexes of ``alert[0].by."a b"``."""
    return tuple(int(index) if index else quoted or bare for index, quoted, bare in _PART.findall(key))


def _column(text: _Text, place: Place, line: int | None, message: str) -> tuple[int | None, str]:
    """The column that a problem points at, and its message without a column of the expression where that is told."""
    if line is None or line > len(text.lines) or not place:
        return None, message
    written = text.lines[line - 1]
    within, value = _COLUMN.match(message), text.document.value(place)
    if within and isinstance(value, str) and value and "\n" not in value:
        start = written.find(value, written.find("=") + 1)
        if start >= 0:
            return start + int(within[1]), message[within.end() :]
    if within or text.document.lines.get(place) != line:
        return None, message
    key = re.search(rf"(?<![\w-]){re.escape(str(place[-1]))}(?![\w-])", written)
    return (key.start() + 1 if key else None), message
