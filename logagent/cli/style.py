"""How a terminal is written to: colours from its own palette of eight, symbols with ASCII twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from logagent.cli.terminal import has_colour

NARROW = 60
"""Columns under which only time, level and message are shown."""


@dataclass(frozen=True, slots=True)
class Style:
    """What to put around and between texts. Red is for errors only, yellow for warnings only."""

    red: str = ""
    yellow: str = ""
    green: str = ""
    cyan: str = ""
    bold: str = ""
    dim: str = ""
    reset: str = ""
    done: str = "✔"
    failed: str = "✗"
    no_end: str = "≥"
    ellipsis: str = "…"
    arrow: str = "→"
    bar: str = "│"
    dot: str = "·"
    rule: str = "─"

    def paint(self, colour: str, text: str) -> str:
        """The text in a colour of this style; as it is where there are no colours."""
        return f"{colour}{text}{self.reset}" if colour and text else text


_COLOURS = {
    "red": "\x1b[31m",
    "yellow": "\x1b[33m",
    "green": "\x1b[32m",
    "cyan": "\x1b[36m",
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "reset": "\x1b[0m",
}
_ASCII = {
    "done": "+",
    "failed": "x",
    "no_end": ">=",
    "ellipsis": "...",
    "arrow": "->",
    "bar": "|",
    "dot": ".",
    "rule": "-",
}


def wants_colour(mode: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: ``always``, ``never``, or ``auto``, as the terminal can."""
    return has_colour(stream) if mode == "auto" else mode == "always"


def wants_ascii(encoding: str | None) -> bool:
    """Whether an output's encoding has no symbols beyond ASCII."""
    return "utf" not in (encoding or "utf-8").lower()


def make_style(*, colour: bool, ascii_only: bool) -> Style:
    """The style for an output."""
    return Style(**(_COLOURS if colour else {}), **(_ASCII if ascii_only else {}))
