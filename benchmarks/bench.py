"""``make bench``: what reading a log costs, against the floor of decoding its lines.

In each round come, one after the other: the floor; the agent with the textfile only; the agent delivering every span
over OTLP to a receiver on this machine. Each is a process of its own, measured whole; the median of the rounds counts.
Every round's results are held against the truth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.child import Run, run
from benchmarks.configuration import AGENT, write_configuration
from benchmarks.generate import generate
from benchmarks.otlp_sink import received, sink
from benchmarks.profiling import print_profile
from benchmarks.truth import Truth, differences, figures_checked

FLOOR, TEXTFILE, OTLP = "floor", "textfile", "otlp"
WHAT = {
    FLOOR: "floor: orjson.loads of each line",
    TEXTFILE: "logagent run --once, textfile",
    OTLP: "logagent run --once, every span over OTLP",
}
_MIB = 2**20


@dataclass(slots=True)
class Contender:
    """All runs of one program."""

    name: str
    runs: list[Run] = field(default_factory=list)

    def median(self, what: str) -> float:
        """Give the median of one of ``Run``'s numbers."""
        return float(statistics.median(getattr(run, what) for run in self.runs))

    def row(self, lines: int, floor: Contender) -> dict[str, float]:
        """Give what the table shows of it."""
        return {
            "lines_per_second": lines / self.median("wall_seconds"),
            "wall_seconds": self.median("wall_seconds"),
            "cpu_seconds": self.median("cpu_seconds"),
            "cpu_ratio": self.median("cpu_seconds") / floor.median("cpu_seconds"),
            "peak_rss_mib": self.median("peak_rss_mib"),
        }


class Benchmark:
    """The log, its truth and the rounds over it, in one directory."""

    def __init__(self, directory: Path, lines: int, seed: int) -> None:
        self._directory = directory
        self._log = directory / "app.log"
        self.truth: Truth = generate(lines, self._log, seed=seed)
        self.contenders = {name: Contender(name) for name in WHAT}
        self.wrong: list[str] = []
        """What was not as the truth says."""
        self.spans = 0
        """Spans that the agent rebuilt, and delivered over OTLP, in the last round."""
        self.delivered = 0

    def round(self, number: int) -> None:
        """Run each contender once."""
        directory = self._directory / f"round{number}"
        directory.mkdir()
        floor = run([sys.executable, "-m", "benchmarks.floor", str(self._log)], directory=Path(__file__).parents[1])
        self._take(FLOOR, floor)
        textfile = write_configuration(directory / "textfile.toml", log=self._log)
        self._agent(TEXTFILE, directory / "textfile.toml", textfile)
        with sink(directory / "spans.bin") as endpoint:
            textfile = write_configuration(directory / "otlp.toml", log=self._log, otlp=endpoint)
            measured = self._agent(OTLP, directory / "otlp.toml", textfile)
        self._check_spans(directory / "spans.bin", measured)

    def profile(self) -> None:
        """Print where the agent's time goes, with the textfile only."""
        configuration = self._directory / "profile.toml"
        write_configuration(configuration, log=self._log)
        print_profile(configuration, self._directory / "profile.out")

    def rows(self) -> dict[str, dict[str, float]]:
        """Give the table's rows."""
        floor = self.contenders[FLOOR]
        return {name: contender.row(self.truth.lines, floor) for name, contender in self.contenders.items()}

    def _take(self, name: str, measured: Run) -> None:
        if measured.exit_code:
            raise SystemExit(f"{WHAT[name]}: exit code {measured.exit_code}")
        self.contenders[name].runs.append(measured)

    def _agent(self, name: str, configuration: Path, textfile: Path) -> Run:
        measured = run([AGENT, "run", "--once", "-c", str(configuration)])
        self._take(name, measured)
        self.wrong += [f"{name}: {found}" for found in differences(self.truth, textfile.read_text())]
        return measured

    def _check_spans(self, stored: Path, measured: Run) -> None:
        found = received(stored)
        self.spans = json.loads(measured.output)["spans"]
        self.delivered = len(found.starts)
        if not self.spans == self.delivered == found.copies:
            self.wrong.append(f"{self.spans} spans, {self.delivered} delivered in {found.copies} copies")
        if found.restarted:
            self.wrong.append(f"{len(found.restarted)} spans were delivered with different start times")
        stored.unlink()


def main() -> int:
    """Measure the agent against the floor and check what it found against the truth."""
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds, of which the median counts")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--profile", action="store_true", help="print where the agent's time goes as well")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep log, ledgers and textfiles in this new directory"
    )
    given = parser.parse_args()
    with ExitStack() as stack:
        if given.keep:
            given.keep.mkdir(parents=True)
            directory = given.keep.resolve()
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logagent-bench-")))
        _say(f"writing {given.lines} lines")
        benchmark = Benchmark(directory, given.lines, given.seed)
        for number in range(1, given.runs + 1):
            _say(f"round {number} of {given.runs}")
            benchmark.round(number)
        if given.json:
            print(json.dumps(_document(benchmark, given.runs), indent=1))
        else:
            _print_table(benchmark, given.runs)
        if given.profile:
            benchmark.profile()
    return 1 if benchmark.wrong else 0


def _document(benchmark: Benchmark, runs: int) -> dict[str, Any]:
    return {
        "lines": benchmark.truth.lines,
        "bytes": benchmark.truth.bytes,
        "runs": runs,
        "results": benchmark.rows(),
        "spans": benchmark.spans,
        "spans_delivered": benchmark.delivered,
        "figures_checked": figures_checked(benchmark.truth),
        "wrong": benchmark.wrong,
    }


def _print_table(benchmark: Benchmark, runs: int) -> None:
    truth = benchmark.truth
    print(f"{truth.lines:,} lines, {truth.bytes / _MIB:,.0f} MiB; median of {runs}, whole processes")
    print(f"{'':42}{'lines/s':>10}{'wall s':>9}{'CPU s':>9}{'CPU ratio':>11}{'peak RSS':>11}")
    for name, row in benchmark.rows().items():
        print(
            f"{WHAT[name]:42}{row['lines_per_second']:10,.0f}{row['wall_seconds']:9.2f}{row['cpu_seconds']:9.2f}"
            f"{row['cpu_ratio']:11.2f}{row['peak_rss_mib']:7.0f} MiB"
        )
    if benchmark.wrong:
        print("WRONG:", *benchmark.wrong, sep="\n  ")
    else:
        figures = figures_checked(truth)
        print(
            f"all {figures} figures as the truth says; {benchmark.delivered:,} of {benchmark.spans:,} spans delivered"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
