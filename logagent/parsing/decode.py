"""The slow way into a JSON line: for lines that the strict decoder refuses."""

from __future__ import annotations

import json
import math

from logagent.parsing.values import Decoded, bounded_number

_JSON_STARTS = (b"{", b"\xef\xbb\xbf{")
_LONGEST_NUMBER = 4_000
"""Digits that Python turns into an integer; it refuses 4300 and more."""


def rescue(line: bytes) -> dict[str, Decoded] | None:
    """The object in a line that breaks JSON's rules in a way that loses nothing, or None.

    Taken: ``NaN`` and infinities (as text, for no number says what they say), raw control characters, invalid UTF-8 and
    lone surrogates (replaced), a byte order mark, numbers of any size. Not taken: torn or endlessly nested text.
    """
    if not line.lstrip().startswith(_JSON_STARTS):
        return None
    try:
        data = _decode(line.strip().decode("utf-8-sig", "replace"))
        return _encodable(data) if isinstance(data, dict) else None
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> float | str:
    return bounded_number(int(digits)) if len(digits) <= _LONGEST_NUMBER else digits[:_LONGEST_NUMBER]


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_decode = json.JSONDecoder(strict=False, parse_constant=str, parse_float=_float, parse_int=_integer).decode


def _encodable(value: Decoded) -> Decoded:
    """The value with text that can be encoded: lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not value.isascii() else value
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value
