"""Finds ``name=secret`` and ``"name": "secret"`` inside texts: log messages, query strings, headers, source lines."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from logagent.parsing.secret_shapes import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WINDOW = 32
"""Characters before a separator in which a part of a sensitive name has to stand."""
_LONGEST_NAME = 64
_REMEMBERED = 8192
_NAME_BACKWARDS = re.compile(r"[\\\"'\]: ]{0,6}([\w.\-]+)").match
_VALUE = re.compile(
    r"""
    [ \t]{0,4}
    (?:
      b?"(?P<double>(?:\\.|[^"\\])+)
    | b?'(?P<single>(?:\\.|[^'\\])+)
    | \\{1,8}["'](?P<inner>(?:(?!\\{1,8}["']).)+)
    | (?P<scheme>(?i:bearer|basic|token|digest|apikey)[ ]+)? (?P<bare>(?![=:\[{(])[^\s,;&"'<>)}\]]+)
    )
    """,
    re.VERBOSE | re.DOTALL,
).match
_COOKIES = re.compile(r"""[ \t]{0,4}(?P<bare>(?![=:\[{(])[^\s;,"']+(?:;[ ]?[^\s;,"'=]+=[^\s;,"']*)*)""").match
_PASSWORD = re.compile(r"pass|pwd|secret", re.IGNORECASE).search
_COOKIE = re.compile(r"cookie", re.IGNORECASE).search
_NO_SECRET = frozenset({
    "access", "and", "bool", "bytes", "cannot", "denied", "does", "empty", "error", "expired", "failed", "false", "for",
    "from", "has", "in", "incorrect", "int", "invalid", "is", "missing", "must", "nil", "no", "none", "not", "null", "ok",
    "or", "present", "rejected", "required", "revoked", "should", "str", "the", "too", "true", "undefined", "unknown",
    "was", "wrong", "you",
})  # fmt: skip
"""What follows a secret's name in sentences and signatures about it."""


class Pairs:
    """Replaces the value of each pair whose name is sensitive.

    What stands before a separator comes from the program's own texts and repeats, so whether it can be a sensitive name
    is remembered. ``stems`` are lower-case parts of which every sensitive name has at least one.
    """

    def __init__(self, is_sensitive: Callable[[str], bool], stems: Iterable[str]) -> None:
        self._is_sensitive = is_sensitive
        self._stems = tuple(stems)
        self._seen: dict[str, bool] = {}

    def redact(self, text: str, separator: str) -> tuple[str, int]:
        """The text without the values after ``separator``, and how many there were. Linear in the text's length."""
        at = text.find(separator)
        while at >= 0:
            before = text[at - _WINDOW : at] if at > _WINDOW else text[:at]
            suspicious = self._seen.get(before)
            if suspicious is None:
                suspicious = self._look_at(before)
            if suspicious:
                return self._redact_from(text, separator, at)
            at = text.find(separator, at + 1)
        return text, 0

    def _look_at(self, before: str) -> bool:
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        lower = before.lower() if before.isascii() else unicodedata.normalize("NFKC", before).lower()
        self._seen[before] = suspicious = any(stem in lower for stem in self._stems)
        return suspicious

    def _redact_from(self, text: str, separator: str, at: int) -> tuple[str, int]:
        pieces: list[str] = []
        done = 0
        while at >= 0:
            end = at + 1
            secret = self._secret_after(text, at)
            if secret:
                pieces += (text[done : secret[0]], REDACTED)
                done = end = secret[1]
            at = text.find(separator, end)
        return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)

    def _secret_after(self, text: str, at: int) -> tuple[int, int] | None:
        found = _NAME_BACKWARDS(text[max(0, at - _LONGEST_NAME) : at][::-1])
        if not found:
            return None
        name = found[1][::-1]
        if not self._is_sensitive(name) or text.startswith(("//", "/", "~"), at + 1):
            return None
        value = (_COOKIES if _COOKIE(name) else _VALUE)(text, at + 1) or _VALUE(text, at + 1)
        if not value or (value.lastgroup == "bare" and _is_prose(name, value)):
            return None
        span = value.span(value.lastgroup or 0)
        return None if text.startswith(REDACTED, span[0]) and span[1] - span[0] == len(REDACTED) else span


def _is_prose(name: str, value: re.Match[str]) -> bool:
    word = value["bare"].rstrip(".!?")
    if word.lower() in _NO_SECRET:
        return True
    has_scheme = "scheme" in value.re.groupindex and value["scheme"]
    return word.isalpha() and value[0][0] in " \t" and not has_scheme and not _PASSWORD(name)
