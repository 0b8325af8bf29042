"""Redacts decoded JSON of any shape, by keys and by texts, and writes it as JSON text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.parsing.values import bounded_number, json_text

if TYPE_CHECKING:
    from logagent.parsing.redaction import Decoded, Redactor

MAX_DEPTH = 64
MAX_NODES = 4096
MAX_TEXT = 65_536
_ELIDED = "…"
_NAMES_OF_NAMES = ("name", "key", "header")
_PAIR = 2


class Nested:
    """One walk over one decoded value, bounded in depth and in the number of values that it looks at."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = MAX_NODES
        self.changed = False
        """Whether anything was redacted or left out."""

    def clean(self, value: Decoded, depth: int = 0) -> Decoded:
        """The value without secrets; what lies beyond the bounds is ``…``."""
        self._left -= 1
        if value.__class__ is str:
            return self._text(value)
        if value.__class__ is dict or value.__class__ is list:
            if depth >= MAX_DEPTH or self._left < 0:
                self.changed = True
                return _ELIDED
            return self._list(value, depth) if isinstance(value, list) else self._object(value, depth)
        if value.__class__ is int:
            return bounded_number(value)
        return value

    def _text(self, value: str) -> str:
        clean = self._redactor.text(value)
        if clean is not value:
            self.changed = True
        return clean

    def _object(self, value: dict[str, Decoded], depth: int) -> dict[str, Decoded]:
        sensitive = self._redactor.key_is_sensitive
        names = any(sensitive(value[key]) for key in _NAMES_OF_NAMES if value.get(key).__class__ is str)
        clean: dict[str, Decoded] = {}
        for key, item in value.items():
            if self._left < 0:
                self.changed = True
                break
            if item is not None and (sensitive(key) or (names and key == "value")):
                self.changed = True
                clean[key] = self._redactor.whole(item)
            else:
                clean[key] = self.clean(item, depth + 1)
        return clean

    def _list(self, value: list[Decoded], depth: int) -> list[Decoded]:
        if len(value) == _PAIR and value[0].__class__ is str and self._redactor.key_is_sensitive(value[0]):
            self.changed = True
            return [value[0], self._redactor.whole(value[1])]
        clean: list[Decoded] = []
        for item in value:
            if self._left < 0:
                self.changed = True
                break
            clean.append(self.clean(item, depth + 1))
        return clean


def redacted_json(value: Decoded, redactor: Redactor) -> str:
    """JSON text of a decoded value, without secrets."""
    return json_text(Nested(redactor).clean(value))


def redacted_text(text: str, redactor: Redactor) -> str:
    """A text without secrets; where it is itself JSON (up to 64 KiB), its keys count too."""
    if len(text) <= MAX_TEXT and text[:1] in ("{", "["):
        try:
            value = orjson.loads(text)
        except ValueError:
            return redactor.text(text)
        nested = Nested(redactor)
        clean = nested.clean(value)
        return json_text(clean) if nested.changed else text
    return redactor.text(text)
