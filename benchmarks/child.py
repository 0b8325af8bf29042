"""A program run to its end, and what it took from the machine.

Run as a program, this is the small process between: on Linux a process's peak memory counts what its parent had when it
was started (fork(2) copies it, execve(2) keeps the mark), so a measured program needs a parent with next to none.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_KIB_IN_MIB = 1024
_LONGEST_SECONDS = 3600.0


class Run(NamedTuple):
    """What a whole process took, its start included, and what it said."""

    exit_code: int
    output: str
    """Its standard output."""
    wall_seconds: float
    cpu_seconds: float
    """User and system."""
    peak_rss_mib: float


def run(command: Sequence[str], *, directory: Path | None = None, timeout_seconds: float = _LONGEST_SECONDS) -> Run:
    """Run a command to its end; one that takes too long is killed. What it says on stderr goes to ours.

    The command's name is a path, or is looked for in PATH.
    """
    import subprocess  # noqa: PLC0415 - the process between is to stay small
    from threading import Timer  # noqa: PLC0415 - the same

    # An installed program has its modules compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    launcher = [sys.executable, "-I", "-S", __file__, *command]
    with subprocess.Popen(
        launcher, stdout=subprocess.PIPE, text=True, cwd=directory, env=environment, start_new_session=True
    ) as process:
        killer = Timer(timeout_seconds, os.killpg, (process.pid, 9))
        killer.start()
        try:
            output, _ = process.communicate()
        finally:
            killer.cancel()
    if process.returncode:
        raise TimeoutError(f"{command[0]} took longer than {timeout_seconds} s")
    said, _, numbers = output.rstrip("\n").rpartition("\n")
    return Run(**{"output": said, **json.loads(numbers)})


def main() -> None:
    """Run the command that the command line gives and print its cost as the last line."""
    command = sys.argv[1:]
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    cost = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_rss_mib": usage.ru_maxrss / _KIB_IN_MIB,  # Linux gives KiB (getrusage(2))
    }
    print("\n" + json.dumps(cost))


if __name__ == "__main__":
    main()
