"""The exposition as a file for node_exporter's textfile collector: replaced whole, never seen half-written."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Textfile:
    """Writes the file beside its place and renames it there. ``problem`` says why the last write failed, if it did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = b""
        self.problem = ""

    def write(self, exposition: bytes) -> None:
        """Replaces the file where the exposition differs. Blocks; never raises for what the disk does."""
        if exposition == self._last:
            return
        # One name for ever: what a kill leaves behind is overwritten, not added to.
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(exposition)
            beside.chmod(0o644)
            beside.replace(self.path)
        except OSError as error:
            self.problem = f"{self.path}: {error.strerror}"
            with contextlib.suppress(OSError):
                beside.unlink()
            return
        self.problem = ""
        self._last = exposition
