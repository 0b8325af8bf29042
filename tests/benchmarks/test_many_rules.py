from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.generate import generate
from benchmarks.many_rules import MATCHING, write_rules
from benchmarks.rules import MOST, SIZES, report
from benchmarks.rules_child import Cost, measure

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def cost(rules: int, seconds: float, outcome: tuple[int, int, int] = (5, 1, 2)) -> Cost:
    return Cost(rules, 0.1, seconds, 20.0, 60.0, 1000, outcome)


def cases(seconds: float) -> dict[str, Cost]:
    return {f"{size:,} rules": cost(size, 1.0 if size == MATCHING else seconds) for size in SIZES}


def test_more_rules_come_to_what_the_ten_that_match_come_to(tmp_path: Path) -> None:
    generate(3000, tmp_path / "app.log")
    found = []
    for size, searches in ((MATCHING, 0), (60, 5)):
        write_rules(tmp_path / "rules.toml", size, searches)
        found.append(measure(tmp_path / "app.log", tmp_path / "rules.toml"))
    assert [one.rules for one in found] == [MATCHING, 65]
    assert found[0].outcome == found[1].outcome
    spans, alerts, series = found[0].outcome
    assert spans > 1000
    assert alerts
    assert series >= 5
    assert [one.lines for one in found] == [3000, 3000]


def test_the_cost_is_shown_as_a_ratio_to_that_of_ten_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([cases(1.25), cases(1.5), cases(1.75)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in shown[2:]] == ["1.00", "1.50", "1.50"]


def test_a_thousand_rules_that_cost_twice_as_much_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([cases(MOST)]) == 1
    assert "WRONG: 1,000 rules cost 2.0 times as much" in capsys.readouterr().out


def test_rules_that_come_to_something_else_fail(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = cases(1.0) | {"100 rules": cost(100, 1.0, (5, 2, 2))}
    assert report([cases(1.0), wrong]) == 1
    assert "WRONG: 100 rules came to (5, 2, 2), and 10 rules to (5, 1, 2)" in capsys.readouterr().out
