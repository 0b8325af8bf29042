"""Where in the text of a TOML file each key stands: the parser keeps no positions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import tomli

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str | int, ...]
"""Keys and list indexes from the document's root to a value."""

_TOKEN = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>\"\"\"(?:[^\\]|\\.)*?\"{3,5} | '''.*?'{3,5} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
    | (?P<newline>\n)
    | (?P<punctuation>[\[\]{}=,.])
    | (?P<bare>[^\s\#"'\[\]{}=,.]+)
    """,
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[Place, int]:
    """Line number, from 1, of every table header and key of a valid TOML text.

    Keys inside inline tables are not listed: ``line_of`` finds their table's line.
    """
    return _Scanner(text).scan()


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """The line of a place, or of the nearest enclosing table or key that has one."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def _unquote(key: str) -> str:
    try:
        return next(iter(tomli.loads(f"{key} = 0")))
    except tomli.TOMLDecodeError:
        return key


class _Scanner:
    """One pass over the tokens; statements begin where no bracket is open."""

    def __init__(self, text: str) -> None:
        self.tokens = self._tokenize(text)
        self.at = 0
        self.table: Place = ()
        self.arrays: dict[Place, int] = {}
        self.lines: dict[Place, int] = {}

    @staticmethod
    def _tokenize(text: str) -> list[tuple[str, str, int]]:
        tokens, line, counted = [], 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", counted, match.start())
            counted = match.start()
            if match.lastgroup != "comment":
                tokens.append((match.lastgroup or "", match.group(), line))
        return tokens

    def scan(self) -> dict[Place, int]:
        while self.at < len(self.tokens):
            kind, text, line = self.tokens[self.at]
            if kind == "newline":
                self.at += 1
            elif text == "[" and kind == "punctuation":
                self._header(line)
            else:
                place = self.table + self._keys(until="=")
                self._note(place, line)
                self._skip_value()
        return self.lines

    def _header(self, line: int) -> None:
        many = [token[:2] for token in self.tokens[self.at + 1 : self.at + 2]] == [("punctuation", "[")]
        self.at += 2 if many else 1
        keys = self._keys(until="]")
        place: Place = ()
        for key in keys[:-1]:
            place += (key,)
            if place in self.arrays:
                place += (self.arrays[place],)
        place += keys[-1:]
        if many:
            self.arrays[place] = self.arrays.get(place, -1) + 1
            self._note(place, line)
            place += (self.arrays[place],)
        self.table = place
        self._note(place, line)
        self._skip_value()

    def _note(self, place: Place, line: int) -> None:
        for length in range(1, len(place) + 1):
            self.lines.setdefault(place[:length], line)

    def _keys(self, until: str) -> Place:
        keys: list[str] = []
        while self.at < len(self.tokens):
            kind, text, _ = self.tokens[self.at]
            self.at += 1
            if kind == "punctuation" and text == until:
                break
            if kind == "string":
                keys.append(_unquote(text))
            elif kind == "bare":
                keys.append(text)
        return tuple(keys)

    def _skip_value(self) -> None:
        depth = 0
        while self.at < len(self.tokens):
            kind, text, _ = self.tokens[self.at]
            self.at += 1
            if kind == "newline" and depth <= 0:
                return
            if kind == "punctuation" and text in "[{":
                depth += 1
            elif kind == "punctuation" and text in "]}":
                depth -= 1
