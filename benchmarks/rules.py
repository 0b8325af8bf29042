"""``make bench-rules``: what many rules cost, most of which have nothing to do with the lines that come.

Files of 10, 100 and 1,000 rules, of which the same ten match. In each round every file has its turn over the same log,
in a process of its own, and its cost is held against that of ten rules in the same round; the median of the rounds
counts. One more file holds rules that must look at the text of every line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.child import run
from benchmarks.generate import generate
from benchmarks.many_rules import MATCHING, write_rules
from benchmarks.rules_child import Cost

SIZES = (MATCHING, 100, 1000)
SEARCHES = 100
MOST = 2.0
"""Times the cost of ten rules that a thousand may come to."""


def main() -> int:
    """Measure the cost of a line under 10, 100 and 1,000 rules of which ten match."""
    parser = argparse.ArgumentParser(prog="make bench-rules", description=main.__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds, of which the median counts")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logagent-bench-") as name:
        directory = Path(name)
        generate(given.lines, directory / "app.log", seed=given.seed)
        cases = {f"{size:,} rules": (size, 0) for size in SIZES}
        cases[f"{MATCHING} and {SEARCHES} that search texts"] = (MATCHING, SEARCHES)
        rounds: list[dict[str, Cost]] = []
        for number in range(given.runs):
            print(f"round {number + 1} of {given.runs}", file=sys.stderr)
            rounds.append({case: _measure(directory, *sizes) for case, sizes in cases.items()})
    return report(rounds)


def _measure(directory: Path, size: int, searches: int) -> Cost:
    rules = directory / f"rules-{size}-{searches}.toml"
    write_rules(rules, size, searches)
    command = [sys.executable, "-m", "benchmarks.rules_child", str(directory / "app.log"), str(rules)]
    measured = run(command, directory=Path(__file__).parents[1])
    if measured.exit_code:
        raise SystemExit(f"{rules}: exit code {measured.exit_code}")
    cost = Cost(*json.loads(measured.output))
    if cost.rules != size + searches:
        raise SystemExit(f"{rules}: {cost.rules} rules")
    return cost


def report(rounds: list[dict[str, Cost]]) -> int:
    """Print what the rounds came to and give the exit code; the first case is what the others are held against."""
    first = next(iter(rounds[0]))
    print(f"{rounds[0][first].lines:,} lines; median of {len(rounds)}, user time, {MATCHING} rules match in each case")
    print(f"{'':30}{'µs/line':>9}{'ratio':>8}{'load s':>8}{'tick µs':>9}{'peak RSS':>11}")
    ratios = {}
    for case in rounds[0]:
        costs = [costs[case] for costs in rounds]
        ratios[case] = statistics.median(costs[case].seconds / costs[first].seconds for costs in rounds)
        line = statistics.median(cost.seconds / cost.lines for cost in costs) * 1e6
        load, tick, memory = (
            statistics.median(getattr(cost, what) for cost in costs)
            for what in ("load_seconds", "tick_microseconds", "peak_rss_mib")
        )
        print(f"{case:30}{line:9.2f}{ratios[case]:8.2f}{load:8.2f}{tick:9.1f}{memory:7.0f} MiB")
    wrong = 0
    for one in rounds:
        truth = tuple(one[first].outcome)
        for case, cost in one.items():
            if tuple(cost.outcome) != truth:
                print(f"WRONG: {case} came to {tuple(cost.outcome)}, and {first} to {truth}")
                wrong += 1
    too_much = ratios[f"{SIZES[-1]:,} rules"] >= MOST
    if too_much:
        print(f"WRONG: {SIZES[-1]:,} rules cost {MOST} times as much as {MATCHING}, or more")
    return 1 if wrong or too_much else 0


if __name__ == "__main__":
    sys.exit(main())
