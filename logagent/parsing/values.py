"""Values out of a decoded line, made fit to leave it: ids, attribute values, text."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.model import AttributeValue

MAX_ID = 256
MAX_LIST = 64
_NO_IDS = frozenset({"", "-", "0", "null", "none", "nil", "undefined", "n/a"})
_CACHE_SIZE = 4_096
_CACHED_LENGTH = 256
_TOO_DEEP = "…"
_LARGEST_FLOAT = int(sys.float_info.max)
Decoded = Any
"""A value out of a decoded line, of any of JSON's types."""
PLAIN = frozenset({int, float, bool})


def context_id(value: Decoded) -> str | None:
    """The value as a context id; None for what loggers write where there is no id (``-``, ``0``, zeros, ...)."""
    if value.__class__ is int:
        value = str(value)
    if value.__class__ is not str:
        return None
    if not value.strip("0- \t") or value.lower() in _NO_IDS:
        return None
    if len(value) > MAX_ID:
        return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
    return str(value)


def w3c_id(value: Decoded, size: int) -> bytes:
    """A W3C trace (16 bytes) or span id (8 bytes) written as hex; empty for anything else and for all zeros."""
    if value.__class__ is str and len(value) == 2 * size:
        try:
            raw = bytes.fromhex(value)
        except ValueError:
            return b""
        return raw if any(raw) and len(raw) == size else b""
    return b""


class Cleaner:
    """Redacts and bounds attribute values; remembers short ones, which repeat."""

    def __init__(self, redact: Callable[[str], str], max_value: int) -> None:
        self._redact = redact
        self._max_value = max_value
        self.seen: dict[str, str] = {}

    def remembered(self, value: Decoded) -> str | None:
        """The clean text of a short value that was met before; None for all others, whatever their type."""
        try:
            return self.seen.get(value)
        except TypeError:
            return None

    def text(self, value: str) -> str:
        """The text redacted and cut. Redacted ones are not remembered: each is counted."""
        clean = self._redact(value)
        if len(clean) > self._max_value:
            clean = clean[: self._max_value] + "…"
        if clean == value and len(value) <= _CACHED_LENGTH:
            if len(self.seen) >= _CACHE_SIZE:
                self.seen.clear()
            self.seen[value] = clean
        return clean

    def value(self, value: Decoded) -> AttributeValue | None:
        """Any decoded value as an attribute value: objects as JSON text; None where nothing is left."""
        if value.__class__ is str:
            return self.text(value)
        if isinstance(value, int | float):
            return bounded_number(value)
        if value.__class__ is list and all(item.__class__ in PLAIN or item.__class__ is str for item in value):
            return [self.text(item) if item.__class__ is str else item for item in value[:MAX_LIST]]
        if value is None:
            return None
        return self.text(json_text(value))


def bounded_number(value: float) -> float:
    """The number itself; a whole number beyond 64 bits as a float."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(max(-_LARGEST_FLOAT, min(value, _LARGEST_FLOAT)))
    return value


def json_text(value: Decoded) -> str:
    """JSON text of a decoded value, whatever is in it."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        pass
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return _TOO_DEEP


def plain_text(value: Decoded) -> str:
    """A value as text: a text is itself, all else is JSON text."""
    return value if isinstance(value, str) else json_text(value)
