"""``${NAME}`` and ``${file:PATH}`` in the text values of a configuration file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from logagent.settings.lines import Place

_LARGEST_FILE_BYTES = 1024 * 1024
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(
    rf"\$\$ | \$\{{(?P<name>{_NAME})\}} | \$\{{file:(?P<file>(?:[^{{}}$]|\$\{{{_NAME}\}})+)\}} | (?P<wrong>\$\{{[^}}]*\}}?)",
    re.VERBOSE | re.ASCII,
)


class Concealed(str):
    """Text that came in through a reference: perhaps a secret, so never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Stars, however long the text."""
        return "'**********'"


@dataclass(frozen=True)
class UnresolvedReference:
    """A reference whose variable or file is missing, and the place of the value that names it."""

    place: Place
    message: str
    hint: str


@dataclass
class Substitution:
    """Replaces the references in a document: relative paths are relative to ``directory``."""

    environment: Mapping[str, str]
    directory: Path
    unresolved: list[UnresolvedReference] = field(default_factory=list)

    def apply(self, value: Any, place: Place = ()) -> Any:
        """The value with every reference in its texts replaced; an unresolved one leaves the text as it was."""
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, dict):
            return {key: self.apply(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, (*place, index)) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, place: Place) -> str:
        if "$" not in text:
            return text
        try:
            pieces = list(self._pieces(text))
        except _UnresolvedError as error:
            self.unresolved.append(UnresolvedReference(place, error.message, error.hint))
            return text
        replaced = "".join(piece for piece, _ in pieces)
        return Concealed(replaced) if any(referred for _, referred in pieces) else replaced

    def _pieces(self, text: str) -> Iterator[tuple[str, bool]]:
        """Each part of the text, and whether it came through a reference."""
        end = 0
        for match in _REFERENCE.finditer(text):
            yield text[end : match.start()], False
            end = match.end()
            if match["name"]:
                yield self._variable(match["name"]), True
            elif match["file"]:
                yield self._file(match["file"]), True
            elif match["wrong"]:
                raise _UnresolvedError(
                    "${ begins a reference, and this is none",
                    "${NAME}, ${file:PATH}, or $${ for the characters themselves",
                )
            else:
                yield "$", False
        yield text[end:], False

    def _variable(self, name: str) -> str:
        if name not in self.environment:
            raise _UnresolvedError(
                f"the environment has no variable {name}",
                f"set {name} before starting, or write $${{{name}}} for the text itself",
            )
        return self.environment[name]

    def _file(self, written: str) -> str:
        named = re.sub(rf"\$\{{({_NAME})\}}", lambda match: self._variable(match[1]), written, flags=re.ASCII)
        path = self.directory / named.strip()
        try:
            with path.open("rb") as stream:
                raw = stream.read(_LARGEST_FILE_BYTES + 1)
            if len(raw) > _LARGEST_FILE_BYTES:
                raise _UnresolvedError(f"the file {written} is larger than 1MiB", "a file that holds only the value")
            return raw.decode().strip()
        except (OSError, ValueError) as error:
            reason = (error.strerror or "unreadable").lower() if isinstance(error, OSError) else "not UTF-8 text"
            raise _UnresolvedError(
                f"the file {written} cannot be read: {reason}", "the path of a file that holds only the value"
            ) from None


class _UnresolvedError(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
