"""The agent as a process of its own, started, watched, killed and started again."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.configuration import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

POLL_SECONDS = 0.02
DEADLINE_SECONDS = 60.0


class AgentProcess:
    """Runs ``logagent run`` over and over with one configuration; what it says is kept beside that."""

    def __init__(self, configuration: Path, textfile: Path, *, command: Sequence[str] = (AGENT,)) -> None:
        self.configuration = configuration
        self.textfile = textfile
        self._command = [*command, "run", "-c", str(configuration)]
        self._messages = configuration.with_suffix(".stderr")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._messages.open("ab") as messages:
            self._process = subprocess.Popen(self._command, stderr=messages, stdout=messages)

    def kill(self) -> None:
        assert self._process is not None
        self.must_live()
        self._process.kill()
        assert self._process.wait() == -signal.SIGKILL

    def stop(self) -> None:
        """Ends it as systemd does, and sees that it ends well."""
        assert self._process is not None
        self.must_live()
        self._process.terminate()
        code = self._process.wait(DEADLINE_SECONDS)
        assert code == 0, f"exit code {code}: {self.messages()}"

    def close(self) -> None:
        """Ends it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def must_live(self) -> None:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"the agent ended by itself with {code}: {self.messages()}"

    def exposition(self) -> str:
        return self.textfile.read_text() if self.textfile.exists() else ""

    def messages(self) -> str:
        return self._messages.read_text(errors="replace")[-4000:]

    def summary(self) -> str:
        """The agent's own metrics and last words, for whoever reads a failure."""
        own = [
            line for line in self.exposition().splitlines() if line.startswith("logagent_") and "_bucket" not in line
        ]
        return "\n".join([*own, self.messages()])

    def wait_until(self, reached: Callable[[], bool], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
        """Waits for a state; the agent must live until then."""
        deadline = time.monotonic() + seconds
        while not reached():
            self.must_live()
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.summary()}"
            time.sleep(POLL_SECONDS)


def value_of(exposition: str, sample: str) -> float:
    """The sum of the samples whose line begins so, 0 where there is none."""
    lines = [line for line in exposition.splitlines() if line.startswith(sample)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
