"""What the terminal can show: colour only where it is one, and how wide it is."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
"""ECMA-48, SGR parameters."""


def is_tty(stream: TextIO) -> bool:
    """Whether a person's terminal is at the other end; a closed stream is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def has_colour(stream: TextIO) -> bool:
    """Whether to write colour there: on a terminal, unless ``NO_COLOR`` (no-color.org) or a dumb terminal says no."""
    return is_tty(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, *styles: str, stream: TextIO) -> str:
    """The text in these styles (``bold``, ``dim`` or a colour), as far as the stream shows them."""
    if not styles or not has_colour(stream):
        return text
    codes = ";".join(str(_CODES[name]) for name in styles)
    return f"\033[{codes}m{text}\033[0m"


def width(default: int = 100) -> int:
    """Columns of the terminal; the default where there is none."""
    return shutil.get_terminal_size((default, 24)).columns
