"""The exposition as a file for node_exporter's textfile collector: replaced whole, never seen half-written."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


class Textfile:
    """Writes the file beside its place and renames it there. ``problem`` says why the last write failed, if it did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""

    def write(self, exposition: bytes) -> None:
        """Replaces the file. Blocks; never raises for what the disk does, but tells the log when that begins and ends."""
        before = self.problem
        self.problem = self._write(exposition)
        if self.problem and self.problem != before:
            _log.error("the textfile cannot be written: %s", self.problem)
        elif before and not self.problem:
            _log.info("the textfile %s can be written again", self.path)

    def _write(self, exposition: bytes) -> str:
        # One name for ever: what a kill leaves behind is overwritten, not added to.
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(exposition)
            beside.chmod(0o644)
            beside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            return f"{self.path}: {error.strerror}"
        return ""
