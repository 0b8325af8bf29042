"""Text out of logs on its way to a terminal: nothing in it can command the terminal, and its width is known."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, DEL; marks, embeddings, overrides and isolates that reorder text (UAX #9); line and paragraph
# separators; zero-width space, word joiner and byte order mark; tag characters; lone surrogates.
_DANGEROUS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# JSON writes C0 controls as escapes itself; those that stand between its values are its own layout.
_DANGEROUS_IN_JSON = re.compile("(?![\x00-\x1f])" + _DANGEROUS.pattern)
_NAMES = {"\n": r"\n", "\r": r"\r"}
_EMOJI_PRESENTATION = "\ufe0f"
_TAB = "    "


def visible(text: str) -> str:
    r"""The text with every control character written out (``\x1b``, ``\u202e``); a tab is four spaces."""
    if text.isprintable():
        return text
    return _DANGEROUS.sub(_escape, text.replace("\t", _TAB))


def inert_json(text: str) -> str:
    """JSON text with what could command a terminal as JSON's own escapes: the same values, in characters that do nothing."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _DANGEROUS_IN_JSON.sub(_escape_in_json, text)


def _escape_in_json(match: re.Match[str]) -> str:
    """RFC 8259, section 7: beyond the basic plane, a pair of UTF-16 surrogates."""
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004 - one byte


def width(text: str) -> int:
    """Columns that a visible text takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, columns: int, ellipsis: str = "…") -> str:
    """The text, cut to at most ``columns`` with an ellipsis at its end."""
    if text.isascii():
        return text if len(text) <= columns else text[: max(columns - len(ellipsis), 0)] + ellipsis[: max(columns, 0)]
    if len(text) * 2 <= columns or sum(map(_columns, text[: columns + 1])) + len(text[columns + 1 :]) <= columns:
        return text
    return _clip_wide(text, columns, ellipsis)


def _clip_wide(text: str, columns: int, ellipsis: str) -> str:
    room = columns - len(ellipsis)
    taken = fits = 0
    for index, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return text[:fits] + ellipsis[: max(columns, 0)]
        if taken <= room:
            fits = index + 1
    return text


def _columns(character: str) -> int:
    if character == _EMOJI_PRESENTATION:
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
