"""A log that an application writes and something rotates, while somebody reads it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from pathlib import Path

ROTATION_SHARE = 0.012
BIG_BURST_SHARE = 0.02


class LiveLog:
    """Writes ``content`` piece by piece, cut anywhere, and rotates the file now and then; nothing is deleted.

    ``rename``: the file is renamed while the application has it open; it finishes its line there before it opens the
    new one. ``copytruncate``: the file is copied and emptied while the application stands still between two lines.
    """

    def __init__(self, path: Path, content: bytes, rotation: str, chance: random.Random, *, bursts: int) -> None:
        self.rotations = 0
        self._path = path
        self._content = content
        self._rotate = {"rename": self._rename, "copytruncate": self._copy_and_truncate}[rotation]
        self._chance = chance
        self._mean_bytes = len(content) / bursts
        self._written = 0
        self._open()

    @property
    def done(self) -> bool:
        return self._written == len(self._content)

    def burst(self) -> None:
        """Writes a little, or much, or rotates."""
        chance = self._chance
        if chance.random() < ROTATION_SHARE:
            self._rotate()
        share = 15.0 if chance.random() < BIG_BURST_SHARE else 0.7
        self._write(self._written + int(chance.expovariate(1 / (share * self._mean_bytes))) + 1)

    def write_line(self) -> None:
        self._write(self._written + 1)
        self._finish_line()

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def _write(self, end: int) -> None:
        self._written += os.write(self._file, self._content[self._written : end])

    def _finish_line(self) -> None:
        if self._written and self._content[self._written - 1 : self._written] != b"\n":
            self._write(self._content.index(b"\n", self._written) + 1)

    def _rename(self) -> None:
        self._shift()
        self._path.rename(f"{self._path}.1")
        if self._chance.random() < 0.5:
            self._write(self._written + int(self._chance.expovariate(1 / self._mean_bytes)))
        self._finish_line()
        os.close(self._file)
        self._open()

    def _copy_and_truncate(self) -> None:
        self._finish_line()
        self._shift()
        shutil.copyfile(self._path, f"{self._path}.1")
        os.truncate(self._path, 0)

    def _shift(self) -> None:
        for number in range(self.rotations, 0, -1):
            os.rename(f"{self._path}.{number}", f"{self._path}.{number + 1}")  # noqa: PTH104 - as it is done elsewhere
        self.rotations += 1
