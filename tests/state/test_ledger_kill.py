from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from logagent.clock import ManualClock

KILLS = int(os.environ.get("LOGAGENT_LEDGER_KILLS", "10"))
LOOP = Path(__file__).with_name("commit_loop.py")


async def test_after_a_kill_at_any_moment_the_ledger_is_exactly_one_commit(tmp_path: Path, clock: ManualClock) -> None:
    chance = random.Random()
    for _ in range(KILLS):
        acknowledged = _run_and_kill(tmp_path, chance.uniform(0.0, 0.12))
        ledger = Ledger.open(tmp_path, clock)
        assert ledger.set_aside is None, ledger.set_aside_reason
        assert ledger.rolled_back == 0
        generations = {int(value.rstrip(b"\0")) for room in range(3) for value in ledger.load(f"room {room}").values()}
        assert len(generations) == 1
        [generation] = generations
        assert generation - 1 <= acknowledged <= generation
        assert ledger.load("changing") == {str(generation): b"%d" % generation}
        delivered = int(ledger.load("delivered").get("last", b"0"))
        items = await ledger.outbox("otlp", limit=1000)
        waiting = [int(item.payload.rstrip(b"\0")) for item in items]
        assert waiting == [number for number in range(delivered + 1, generation + 1) for _ in range(3)]
        state = ledger.outbox_state()["otlp"]
        assert (state.items, state.bytes) == (len(items), sum(len(item.payload) for item in items))
        await ledger.close()


def _run_and_kill(directory: Path, seconds_after_first_commit: float) -> int:
    """Give the last generation that was acknowledged."""
    process = subprocess.Popen([sys.executable, str(LOOP), str(directory)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        first = process.stdout.readline()
        killer = Timer(seconds_after_first_commit, process.kill)
        killer.start()
        lines = [first, *process.stdout]
        killer.join()
    assert process.returncode == -signal.SIGKILL
    return int([line for line in lines if line.endswith(b"\n")][-1])
