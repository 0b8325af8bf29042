"""A test in a rule file passes where its rules do what it says, and otherwise tells what they did and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rule_test_samples import RULES, attempt, differences, run

if TYPE_CHECKING:
    from pathlib import Path

BUSY = '{ at = "0s", every = "1s", for = "10m", request = { duration = "0.5s", "http.response.status_code" = 200, endpoint = "/a" } }'
SLOW = '{ at = "5m", request = { duration = "2s", "http.response.status_code" = 200, endpoint = "/a" } }'


def block(inputs: str, expect: str, more: str = "") -> str:
    return f'\n[[test]]\nname = "it works"\n{more}\ninput = [{inputs}]\nexpect = [{expect}]\n'


def seen(tmp_path: Path, inputs: str, expect: str, more: str = "") -> list[tuple[str, str, str, str]]:
    return differences(run(tmp_path, block(inputs, expect, more)))


@pytest.mark.parametrize("more", ["", 'restart = ["5m30s"]', 'restart = ["1m", "5m1s", "7m"]'])
def test_states_values_texts_and_changes_of_an_alert_are_as_expected_also_over_restarts(
    tmp_path: Path, more: str
) -> None:
    expect = """
      { at = "4m59s", alert = "Slow", state = "inactive" },
      { at = "5m", alert = "Slow", state = "firing", labels = { endpoint = "/a" }, value = 2.0, count = 1,
        annotations = { summary = "1 slow, worst 2 s" } },
      { at = "9m59s", alert = "Slow", state = "firing" },
      { at = "10m", alert = "Slow", state = "inactive" },
      { from = "0s", to = "20m", alert = "Slow", fired = 1, resolved = 1 },
      { from = "6m", alert = "Slow", fired = 0, resolved = 1 },
    """
    assert seen(tmp_path, f"{BUSY}, {SLOW}", expect.replace("\n", " "), more) == []


def test_metrics_have_the_values_that_the_events_give(tmp_path: Path) -> None:
    inputs = (
        f'{BUSY}, {SLOW}, {{ at = "1m", count = 3, error = {{ type = "ValueError", message = "no" }} }}, '
        '{ at = "2m", log = { level = "WARN", message = "careful" } }'
    )
    expect = """
      { at = "20m", metric = "requests_total", labels = { status = "200" }, value = 601 },
      { at = "20m", metric = "request_seconds", value = 302.0, count = 601 },
      { at = "59s", metric = "errors_total", value = 0 },
      { at = "1m", metric = "errors_total", labels = { kind = "ValueError" }, value = 3 },
      { at = "2m", metric = "records_total", labels = { level = "WARN" }, value = 1 },
    """
    assert seen(tmp_path, inputs, expect.replace("\n", " ")) == []


def test_lists_are_gone_through_one_value_an_event(tmp_path: Path) -> None:
    inputs = '{ every = "1s", for = "4s", request = { duration = ["1s", "3s"] } }'
    assert seen(tmp_path, inputs, '{ at = "1m", metric = "request_seconds", value = 8.0, count = 4 }') == []


def test_log_lines_are_read_by_the_parsers(tmp_path: Path) -> None:
    line = '\'{"timestamp": "{time}", "level": "ERROR", "message": "no"}\''
    inputs = f'{{ at = "1m", lines = [{line}, "plain text"] }}'
    expect = '{ at = "2m", metric = "records_total", labels = { level = "ERROR" }, value = 1 }, { at = "2m", metric = "records_total", value = 2 }'
    assert seen(tmp_path, inputs, expect) == []


def test_figures_of_a_budget_are_compared(tmp_path: Path) -> None:
    inputs = '{ at = "1h", count = 4, llm = { "gen_ai.usage.cost" = 2.5 } }, { at = "2h", llm = { model = "x" } }'
    good = '{ at = "3h", budget = "Daily", spent = 10, unpriced = 1, share = { above = 0.9, below = 1.1 } }'
    assert seen(tmp_path, inputs, good) == []
    assert seen(tmp_path, inputs, good.replace("spent = 10", "spent = 9")) == [("at 3h", "Daily", "spent 9", "10")]
    assert seen(tmp_path, inputs, '{ at = "3h", budget = "Daily", spend = 9 }') == [
        ("at 3h", "Daily", "spend 9", "did you mean `spent`?")
    ]


def test_a_failure_names_the_rule_the_time_what_was_expected_and_what_was_seen_and_why(tmp_path: Path) -> None:
    expect = '{ at = "6m", alert = "Slow", state = "firing" }'
    (case,) = run(tmp_path, block(f"{BUSY}, {SLOW.replace('200', '500')}", expect))
    (difference,) = case.differences
    assert (difference.when, difference.about) == ("at 6m", "Slow")
    assert (difference.expected, difference.seen) == ("firing", "inactive")
    assert difference.why == (
        "`duration > 1s and http.response.status_code == 200` was true of 0 of the 362 request events that it saw",
        "where it was false, `duration` was 0.5 (361), 2.0 (1)",
        "where it was false, `http.response.status_code` was 200 (361), 500 (1)",
        "it changed its state not once",
    )


def test_a_rule_that_fired_against_expectation_tells_its_changes(tmp_path: Path) -> None:
    (case,) = run(tmp_path, block(SLOW, '{ from = "0s", to = "20m", alert = "Slow", fired = 0 }'))
    (difference,) = case.differences
    assert (difference.when, difference.expected, difference.seen) == ("from 0s to 20m", "fired never", "once")
    assert difference.why[-1] == "its changes: 5m firing (match, value 2); 10m resolved (quiet, value 2)"


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ('{ at = "1m", alert = "Slo", state = "firing" }', ("a rule of this name", "did you mean `Slow`?")),
        ('{ at = "1m", metric = "request_total", value = 1 }', ("a metric of this name", "did you mean `requests_total`?")),
        ('{ at = "1m", budget = "Daly", spent = 1 }', ("a budget of this name", "did you mean `Daily`?")),
    ],
)  # fmt: skip
def test_a_name_that_no_rule_has_is_a_difference_with_the_nearest(
    tmp_path: Path, expect: str, told: tuple[str, str]
) -> None:
    ((_, _, *rest),) = seen(tmp_path, SLOW, expect)
    assert tuple(rest) == told


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ('{ at = "1h", alert = "Slow", value = 3 }', ("an alert", "inactive")),
        ('{ at = "1h", alert = "Slow", annotations = { summary = "1 slow" } }', ("an alert", "inactive")),
        ('{ at = "1m", metric = "requests_total", labels = { stats = "200" }, value = 0 }',
         ("a label `stats`", "did you mean `status`?")),
    ],
)  # fmt: skip
def test_an_expectation_of_what_is_not_there_fails(tmp_path: Path, expect: str, told: tuple[str, str]) -> None:
    ((_, _, *rest),) = seen(tmp_path, SLOW, expect)
    assert tuple(rest) == told


def test_a_test_of_a_rule_that_is_not_there_fails(tmp_path: Path) -> None:
    expect = '{ alert = "Slow", fired = 1 }'
    ((_, about, wanted, found),) = seen(tmp_path, SLOW, expect, 'rules = ["Slow", "Dayly"]')
    assert (about, wanted, found) == ("Dayly", "a rule of this name", "did you mean `Daily`?")


def test_a_test_begins_at_a_time_that_logs_are_of(tmp_path: Path) -> None:
    expect = '{ at = "1m", alert = "Slow", state = "inactive" }'
    _, problems = attempt(tmp_path, block(SLOW, expect, "start = 9999-12-31T23:59:59Z"))
    assert problems[0].startswith("test[0].start: no time that logs are of"), problems


@pytest.mark.parametrize(
    ("inputs", "expect", "problem"),
    [
        ("{ requst = 3 }", "", "test[0].input[0]: `requst` is neither a key of an input"),
        ('{ at = "1m" }', "", "test[0].input[0]: an input is one kind of event"),
        ('{ at = "1m", log = {}, error = {} }', "", "test[0].input[0]: an input is one kind of event"),
        ("{ at = 7, log = {} }", "", "test[0].input[0].at: a duration needs a unit"),
        ('{ every = "1s", log = {} }', "", "test[0].input[0]: `every` and `for` belong together"),
        ('{ every = "1ms", for = "30d", log = {} }', "", "test[0].input[0]: too many events"),
        ("", '{ at = "1m", alert = "Slow" }', "test[0].expect[0]: an expectation that expects nothing"),
        ("", '{ at = "1m", alert = "Slow", state = "on" }', "test[0].expect[0].state: `on` is none of"),
        ("", '{ alert = "Slow", state = "firing" }', "test[0].expect[0]: `at` is missing"),
        ("", '{ at = "1m", state = "firing" }', "test[0].expect[0]: an expectation is about one thing"),
        ("", '{ at = "1m", metric = "m", value = {} }', "test[0].expect[0].value"),
        ("", '{ at = [1], alert = "Slow", state = "firing" }', "test[0].expect[0].at: a duration is a string"),
        ("{ request = { duration = { a = 1 } } }", "", "test[0].input[0]: a duration is a string"),
        ('{ request = { duration = ["1s", "soon"] } }', "", "test[0].input[0]: not a duration"),
        ("{ request = { duration = nan } }", "", "test[0].input[0]: a duration out of range"),
        ("{ request = { duration = inf } }", "", "test[0].input[0]: a duration out of range"),
        ("", '{ at = "1m", metric = "m", state = "firing" }', "test[0].expect[0]: `state` and `annotations` are of alerts"),
        ("", '{ at = "1m", slo = "s", annotations = { a = "b" } }', "test[0].expect[0]: `state` and `annotations` are"),
        ("", '{ at = "1m", alert = "Slow", state = "inactive", value = 1 }', "test[0].expect[0]: an alert that is inactive"),
        ("", '{ alert = "Slow", fired = 0, state = "firing" }', "test[0].expect[0]: `state`, `value`, `count` and"),
        ("", '{ route = "r", notifications = 0, value = 1 }', "test[0].expect[0]: `state`, `value`, `count` and"),
        ("", '{ from = "2m", to = "1m", alert = "Slow", fired = 0 }', "test[0].expect[0]: `to` is before `from`"),
        ("", '{ at = "1m", to = "2m", alert = "Slow", state = "firing" }', "test[0].expect[0]: `from` and `to` are of"),
        ("", '{ at = "1m", metric = "m", value = { above = 2, below = 2 } }', "test[0].expect[0].value"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_test_is_told_with_its_place(tmp_path: Path, inputs: str, expect: str, problem: str) -> None:
    expect = expect or '{ at = "1m", alert = "Slow", state = "inactive" }'
    _, problems = attempt(tmp_path, block(inputs, expect))
    assert any(one.startswith(problem) for one in problems), problems


ROUTE = """
[[route]]
name = "all"
to = []
"""


def test_notifications_of_a_route_are_counted_and_listed(tmp_path: Path) -> None:
    rules = RULES + ROUTE.replace("[]", '["hook"]')
    expect = '{ from = "0s", to = "20m", route = "all", notifications = %d }'
    block_of = lambda count: block(f"{BUSY}, {SLOW}", expect % count)  # noqa: E731 - a shorthand of this test
    assert differences(run(tmp_path, block_of(2), rules)) == []
    (case,) = run(tmp_path, block_of(1), rules)
    (difference,) = case.differences
    assert (difference.expected, difference.seen) == ("1 notifications", "2")
    assert difference.why == ("they were: 5m30s new, 10m30s resolved",)


def test_only_the_rules_that_a_test_names_are_on_the_bench(tmp_path: Path) -> None:
    expect = '{ at = "1m", alert = "Daily", state = "inactive" }'
    ((_, _, wanted, found),) = seen(tmp_path, SLOW, expect, 'rules = ["Slow"]')
    assert (wanted, found) == ("a rule of this name", "none")
