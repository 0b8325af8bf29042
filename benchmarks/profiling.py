"""Where the agent's time goes, function by function."""

from __future__ import annotations

import pstats
import sys
from typing import TYPE_CHECKING

from benchmarks.child import run
from benchmarks.configuration import AGENT

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS_SHOWN = 30


def print_profile(configuration: Path, profile: Path) -> None:
    """Run the agent once more under cProfile, which makes it about twice as slow, and print its dearest functions."""
    run([sys.executable, "-m", "cProfile", "-o", str(profile), AGENT, "run", "--once", "-c", str(configuration)])
    pstats.Stats(str(profile)).strip_dirs().sort_stats("tottime").print_stats(FUNCTIONS_SHOWN)
