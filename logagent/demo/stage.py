"""What the demonstration needs around the agent: a directory with a configuration, and the application's workers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 4
"""Processes of the application, as behind gunicorn. Its LLM calls and queries name no request: the fewer requests a
process has open at once, the more parents can be told for certain."""
BUDGET_USD = 0.40
"""What is spent in rather less than a minute."""
STOP_SECONDS = 5.0
HOST = "127.0.0.1"

CONFIGURATION = """\
[service]
name = "demo-application"
namespace = "demo"
environment = "development"

[state]
dir = "state"

[receivers.app]
type = "filelog"
include = ["logs/*.log"]
start_at = "beginning"

[exporters.prometheus]
listen = "{host}:{port}"

[rules]
paths = ["rules/*.toml"]
"""
RULES = """\
version = 1
group = "demo"

[[budget]]
name = "DemoLlmBudget"
from = "llm"
value = "gen_ai.usage.cost"
currency = "USD"
limit = {limit:.2f}
period = "month"
thresholds = [0.5, 0.9, {{ at = 1.0, severity = "critical" }}]
summary = "{{{{ share | percent }}}} of the monthly LLM budget is spent"
"""


def free_port(wanted: int) -> int:
    """Give the wanted loopback port, or a free one where somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    return wanted


def write_configuration(directory: Path, port: int) -> Path:
    """Write a configuration with its rules into an empty directory; gives the configuration's path."""
    for name in ("logs", "rules", "state"):
        (directory / name).mkdir()
    (directory / "rules" / "demo.toml").write_text(RULES.format(limit=BUDGET_USD))
    path = directory / "logagent.toml"
    path.write_text(CONFIGURATION.format(host=HOST, port=port))
    return path


class Workers:
    """The application's processes, each with a log of its own. They end with this one, however that ends."""

    def __init__(self, directory: Path, count: int = WORKERS) -> None:
        self._directory = directory
        self._count = count
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """Start them all."""
        for number in range(1, self._count + 1):
            arguments = ("--log", str(self.log(number)), "--seed", str(number * 10), "--until-stdin-closes")
            self._processes.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "logagent.demo.application", *arguments),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the agent, which then ends them
                )
            )

    def log(self, number: int) -> Path:
        """Give the log of a worker, counted from 1."""
        return self._directory / "logs" / f"app-{number}.log"

    async def stop(self) -> None:
        """End them all; kill those that do not."""
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
        for process in self._processes:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._processes.clear()
