"""TOML with syntax errors: every error, and the values of what is well.

The parser stops at its first error. So that a file's other problems are told in the same
go, the line of an error is blanked (for a table's header: the whole table) and the rest
read again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import tomli

_MOST_ERRORS = 20
_KEY = re.compile(r'\s*"?([A-Za-z0-9_.-]+)"?\s*=', re.ASCII)


@dataclass(frozen=True)
class SyntaxProblem:
    """One error of syntax."""

    place: str
    message: str
    hint: str


@dataclass
class Parsed:
    """What could be read: ``text`` is the input with the lines in error blanked."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    errors: list[SyntaxProblem] = field(default_factory=list)
    broken_keys: frozenset[str] = frozenset()


def parse_tolerantly(text: str) -> Parsed:
    """The values of a TOML text, without those on lines whose syntax is wrong."""
    lines = text.split("\n")
    blanked: set[int] = set()
    parsed = Parsed(text)
    while True:
        parsed.text = "\n".join("" if number in blanked else line for number, line in enumerate(lines, 1))
        try:
            parsed.data = tomli.loads(parsed.text)
        except tomli.TOMLDecodeError as error:
            number = _line_in_error(error, parsed.text)
            if number - 1 not in blanked:
                parsed.errors.append(_syntax_problem(error, number))
            if number in blanked or len(parsed.errors) >= _MOST_ERRORS:
                parsed.text = ""
                break
            blanked.update(_lines_to_blank(lines, number))
        except RecursionError:
            parsed.text = ""
            parsed.errors.append(SyntaxProblem("", "nested too deeply", "fewer brackets inside one another"))
            break
        except ValueError:  # an integer of more digits than Python converts
            parsed.text = ""
            parsed.errors.append(SyntaxProblem("", "a number that is too large", "at most 64 bits"))
            break
        else:
            break
    found = (_KEY.match(lines[number - 1]) for number in blanked)
    parsed.broken_keys = frozenset(match[1].rpartition(".")[2] for match in found if match)
    return parsed


def _line_in_error(error: tomli.TOMLDecodeError, text: str) -> int:
    """An error at a line's end is reported by the parser at the beginning of the next."""
    position = error.pos
    if position and text[position - 1 : position] == "\n" and "Illegal character" not in error.msg:
        return max(1, len(text[:position].rstrip("\n").split("\n")))
    return error.lineno


def _lines_to_blank(lines: list[str], number: int) -> range:
    """The line; with a table's header also all up to the next header, so that no key lands in another table."""
    end = number + 1
    if lines[number - 1].lstrip().startswith("["):
        while end <= len(lines) and not lines[end - 1].startswith("["):
            end += 1
    return range(number, end)


def _syntax_problem(error: tomli.TOMLDecodeError, number: int) -> SyntaxProblem:
    place = f"line {number}, column {error.colno}" if number == error.lineno else f"line {number}"
    said = error.msg.replace("\n", "\\n")
    return SyntaxProblem(place, f"not valid TOML: {said[:1].lower()}{said[1:]}", _syntax_hint(error.msg))


def _syntax_hint(said: str) -> str:
    for start, hint in (
        ("Invalid value", 'text in double quotes, as name = "value"; true and false in lower case'),
        ("Expected '='", "one option a line, as name = value"),
        ("Invalid statement", "one option a line, as name = value"),
        ("Expected ']'", "a closing bracket after the table's name, as [limits]"),
        ("Cannot", "name each table and each option once"),
        ("Duplicate", "name each table and each option once"),
        ("Illegal character", "a closing quote on the same line"),
        ("Unterminated", "a closing quote"),
        ("Unclosed", "a closing bracket"),
        ("Unescaped", "single quotes around text with backslashes, such as a regular expression"),
    ):
        if said.startswith(start):
            return hint
    return "one option a line, as name = value, with text in double quotes"
