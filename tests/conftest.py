"""What holds for every test, and what several of them ask for."""

from __future__ import annotations

import pytest
from hypothesis import settings

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
