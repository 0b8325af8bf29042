"""Bytes to lines: what a line feed ends, in memory bounded by the longest line that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

_LINE_FEED = b"\n"
_UTF8_CONTINUATIONS = 3  # a character has at most three continuation bytes (RFC 3629)


@dataclass(slots=True)
class Framed:
    """Complete lines without terminators; empty ones are left out."""

    lines: list[bytes]
    cut: dict[int, int] = field(default_factory=dict)
    """Index of a line that was over the limit -> bytes cut away."""
    nul_bytes: int = 0
    """NUL bytes at the start of lines, which a truncation under a writer leaves behind."""


class LineFramer:
    """Joins chunks of a byte stream into lines of at most ``max_line_bytes``."""

    __slots__ = ("_carry", "_length", "_limit", "_nul_bytes", "held")

    def __init__(self, max_line_bytes: int) -> None:
        self._limit = max_line_bytes
        self.reset()

    def reset(self) -> None:
        """Forget the incomplete line."""
        self.held = 0
        """Bytes of the source since the last line feed."""
        self._carry = bytearray()
        self._length = 0
        self._nul_bytes = 0

    def feed(self, data: bytes, start: int = 0) -> Framed | None:
        """Give the lines that ``data[start:]`` completes, or None where it completes none.

        What stands before ``start`` was fed earlier; it is passed so that a large chunk need
        not be copied.
        """
        if data.find(_LINE_FEED, start) < 0:
            self._hold(data[start:])
            return None
        lines = data.split(_LINE_FEED)
        if start:
            del lines[: data.count(_LINE_FEED, 0, start)]
            lines[0] = lines[0][start - data.rfind(_LINE_FEED, 0, start) - 1 :]
        rest = lines.pop()
        framed = Framed([])
        if self.held:
            first, missing = self._join(lines.pop(0))
            self._tidy([first], missing, framed)
        if len(data) - start > self._limit or b"\0" in data or b"\r" in data or not all(lines):
            self._tidy(lines, 0, framed)
        else:
            framed.lines += lines
        self._hold(rest)
        return framed

    def flush(self) -> Framed | None:
        """Give the incomplete line as if it had ended here, or None where nothing is held."""
        if not self.held:
            return None
        framed = Framed([])
        line, missing = self._join(b"")
        self._tidy([line], missing, framed)
        return framed

    def _hold(self, piece: bytes) -> None:
        self.held += len(piece)
        if not self._length:
            content = piece.lstrip(b"\0")
            self._nul_bytes += len(piece) - len(content)
            piece = content
        self._carry += piece[: self._room()]
        self._length += len(piece)

    def _room(self) -> int:
        # One byte over the limit is kept: it tells a carriage return from a line that is too
        # long, and where the character at the limit begins.
        return self._limit + 1 - len(self._carry)

    def _join(self, piece: bytes) -> tuple[bytes, int]:
        """End the held line with ``piece``; give what is kept of it, and how many bytes are not."""
        line = bytes(self._carry) + piece[: self._room()]
        missing = self._length + len(piece) - len(line)
        nul_bytes = self._nul_bytes
        self.reset()
        self._nul_bytes = nul_bytes
        return line, missing

    def _tidy(self, lines: list[bytes], missing: int, framed: Framed) -> None:
        framed.nul_bytes += self._nul_bytes
        self._nul_bytes = 0
        for line in lines:
            kept = line
            if kept.startswith(b"\0"):
                kept = kept.lstrip(b"\0")
                framed.nul_bytes += len(line) - len(kept)
            if not missing and kept.endswith(b"\r"):
                kept = kept[:-1]
            if len(kept) > self._limit:
                end = _character_boundary(kept, self._limit)
                framed.cut[len(framed.lines)] = len(kept) - end + missing
                kept = kept[:end]
            missing = 0
            if kept:
                framed.lines.append(kept)


def _character_boundary(line: bytes, limit: int) -> int:
    """Give the last index up to ``limit`` that does not split a UTF-8 character."""
    for end in range(limit, max(limit - _UTF8_CONTINUATIONS, 0) - 1, -1):
        if line[end] & 0xC0 != 0x80:  # noqa: PLR2004  # 10xxxxxx is UTF-8's continuation byte
            return end or limit
    return limit
