"""A TOML file read for people: its values, and a problem for any place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from logagent.errors import Problem
from logagent.settings.lines import Place, key_lines, line_of
from logagent.settings.recovery import parse_tolerantly

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST_FILE_BYTES = 4 * 1024 * 1024
"""No hand-written file comes near; a wrong path such as a log or a device does."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True)
class Document:
    """The values of one TOML file, the lines on which its keys stand, and what could not be read."""

    file: str
    """The path as a person wrote it; empty where the values came from no file."""
    data: dict[str, Any]
    lines: Mapping[Place, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """Of the file as a whole and of its syntax; ``data`` is what was read in spite of them."""
    broken_keys: frozenset[str] = frozenset()
    """Keys on lines of wrong syntax: written, so not missing."""

    def value(self, place: Place) -> Any:
        """What stands at a place; None where nothing does."""
        value: Any = self.data
        for part in place:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def problem(self, place: Place, message: str, hint: str) -> Problem:
        """A problem at a place, which is given as keys and list indexes from the root."""
        line = line_of(place, self.lines)
        dotted = write_place(place)
        return Problem(self.file or "defaults", f"{dotted} (line {line})" if line else dotted, message, hint)


def write_place(place: Place) -> str:
    """``receivers.app.include[1]`` for keys and list indexes; a key that TOML would quote is quoted."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


def read_document(path: Path) -> Document:
    """What the file says; where it cannot be read, is not UTF-8 or not TOML, ``problems`` tell."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        return _unreadable(file, "there is no such file", "the path of an existing file")
    except IsADirectoryError:
        return _unreadable(file, "this is a directory", "the path of a file inside it")
    except PermissionError:
        return _unreadable(file, "no permission to read it", "run as its owner, or give its group read access")
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        return _unreadable(file, f"cannot be read: {reason}", "the path of a readable file")
    if len(raw) > LARGEST_FILE_BYTES:
        return _unreadable(file, "larger than 4MiB", "the path of a TOML file, not of a log")
    return parse_document(file, raw)


def parse_document(file: str, raw: bytes) -> Document:
    """The same for bytes that were read elsewhere."""
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unreadable(file, "not UTF-8", "save the file as UTF-8", f"line {line}")
    parsed = parse_tolerantly(text)
    problems = tuple(Problem(file, error.place, error.message, error.hint) for error in parsed.errors)
    return Document(file, parsed.data, key_lines(parsed.text), problems, parsed.broken_keys)


def _unreadable(file: str, message: str, hint: str, place: str = "") -> Document:
    return Document(file, {}, problems=(Problem(file, place, message, hint),))
