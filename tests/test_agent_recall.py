"""What the agent says of a ledger that it cannot make sense of."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from agent_harness import LINES, Harness, plain

from logagent.committer import Committer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("in_a_hurry")


async def test_a_ledger_that_cannot_be_understood_is_told_in_one_line_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    adopt = Committer.adopt
    failing = ["positions"]

    def fail_once(committer: Committer, room: str, entries: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if room in failing:
            failing.remove(room)
            raise ValueError("not of this world")
        return adopt(committer, room, entries)

    monkeypatch.setattr(Committer, "adopt", fail_once)
    harness = Harness(tmp_path)
    harness.begin(plain(5))
    with caplog.at_level(logging.INFO, "logagent"):
        await harness.once()
    assert harness.shown(LINES) == 5
    (told,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert "it cannot be understood (ValueError: not of this world)" in told.getMessage()
    assert "Traceback" not in caplog.text
