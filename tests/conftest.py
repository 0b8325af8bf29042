"""What holds for every test, and what several of them ask for."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# how long an example takes is the machine's affair; in CI, hypothesis's own profile for it stays in force beside this
settings.register_profile("logagent", parent=settings(), deadline=None)
settings.load_profile("logagent")


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent in this process commits, writes textfiles and tries again to deliver at once."""
    monkeypatch.setattr("logagent.agent.TEXTFILE_SECONDS", 0.0)
    monkeypatch.setattr("logagent.agent.COMMIT_SECONDS", 0.02)
    monkeypatch.setattr("logagent.exporters.drain.BACKOFF_BASE_SECONDS", 0.05)
    monkeypatch.setattr("logagent.exporters.drain.BACKOFF_CAP_SECONDS", 0.05)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB that a test can fill."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a small tmpfs")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
