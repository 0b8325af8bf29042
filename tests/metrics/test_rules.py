from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from logagent.metrics.rules import DEFAULT_BUCKETS, MetricRule, family_problems

if TYPE_CHECKING:
    from logagent.errors import Problem

COUNTER = {"name": "things_total", "type": "counter", "help": "Things.", "from": "log"}
HISTOGRAM = {"name": "thing_seconds", "type": "histogram", "help": "Time.", "from": "request", "value": "duration"}


def read(**changes: object) -> tuple[MetricRule | None, list[Problem]]:
    table = {**(HISTOGRAM if changes.get("type") == "histogram" else COUNTER), **changes}
    return MetricRule.read(table, "a.toml", "metric[0]")


def test_a_rule_without_mistakes_is_read() -> None:
    rule, problems = read(type="histogram", by={"a": "http.route"}, labels={"b": "c"}, where="duration > 1s")
    assert problems == []
    assert rule is not None
    assert rule.label_names == ("a", "b")
    assert rule.bounds == DEFAULT_BUCKETS


@pytest.mark.parametrize(
    ("changes", "place", "message", "hint"),
    [
        ({"name": "things"}, "name", "the name of a counter ends in _total", "things_total"),
        ({"name": "my-things.total"}, "name", "is no metric name", "my_things_total"),
        ({"name": "x_bucket", "type": "gauge", "value": 1}, "name", "Prometheus's own", ""),
        ({"name": "x_total", "type": "gauge", "value": 1}, "name", "only a counter's name ends in _total", ""),
        ({"name": "logagent_x_total"}, "name", "the agent's own", ""),
        ({"from": "requests"}, "from", "unknown source 'requests'", "request"),
        ({"from": "A B"}, "from", "unknown source 'A B'", "one of log, error"),
        ({"unit": "bytes"}, "unit", "does not end in its unit", "_bytes_total"),
        ({"type": "histogram", "unit": "bytes"}, "unit", "does not end in its unit", "_bytes"),
        ({"buckets": [1]}, "buckets", "a counter has no buckets", "histogram"),
        ({"type": "histogram", "buckets": [1, 1]}, "buckets", "must ascend", "[1.0]"),
        ({"type": "histogram", "buckets": [1, float("inf")]}, "buckets", "+Inf is added by itself", ""),
        ({"type": "histogram", "buckets": list(range(65))}, "buckets", "at most 64", ""),
        ({"by": {"le": "name"}}, "by.le", "cannot be a label's name", ""),
        ({"by": {"__x": "name"}}, "by.__x", "cannot be a label's name", ""),
        ({"by": {"a": "logger"}, "labels": {"a": "b"}}, "labels.a", "a label of `by` already", ""),
        ({"by": {f"l{n}": "logger" for n in range(17)}}, "by", "at most 16 labels", ""),
        ({"by": {"a": "logger ="}}, "by.a", "column 8: = is no operator", "=="),
        ({"where": "duratio > 1 &&"}, "where", "column 13: && is no operator", "`and`"),
        ({"from": "query", "where": "duratoin > 1"}, "where", "column 1: unknown field duratoin", "duration"),
        (
            {"from": "llm", "by": {"a": "gen_ai.usage.input_token"}},
            "by.a",
            "unknown field gen_ai.usage.input_token",
            "gen_ai.usage.input_tokens",
        ),
        ({"where": 'headers.authorization != ""'}, "where", "names a secret", ""),
        ({"value": '"text"'}, "value", "a value is a number, and this is text", ""),
        ({"value": "a > 1"}, "value", "this is true or false", ""),
        ({"value": -1}, "value", "takes no negative value", "gauge"),
        ({"type": "gauge", "name": "x", "value": ""}, "value", "a gauge needs a value", "duration"),
        ({"by": {"a": "logger"}, "zero_init": [{"b": "x"}]}, "zero_init[0]", "every label of `by`", "a"),
        ({"by": {"a": "logger"}, "zero_init": [{"a": "__overflow__"}]}, "zero_init[0]", "overflow", ""),
        ({"wehre": "a > 1"}, "wehre", "unknown key `wehre`", "did you mean `where`?"),
        ({"zzzz": 1}, "zzzz", "unknown key `zzzz`", "one of name, type"),
        ({"type": "summary"}, "type", "input should be 'counter', 'gauge' or 'histogram'", ""),
        ({"by": 5}, "by", "input should be a valid dictionary", ""),
        ({"value": True}, "value", "input should be a valid", ""),
        ({"help": "x" * 401}, "help", "at most 400", ""),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_what_to_try(
    changes: dict[str, Any], place: str, message: str, hint: str
) -> None:
    rule, problems = read(**changes)
    assert rule is None
    first = problems[0]
    assert first.file == "a.toml"
    assert first.place.startswith(f"metric[0].{place}")
    assert message in first.message
    assert hint in first.hint


def test_all_mistakes_of_a_rule_are_reported_at_once() -> None:
    _, problems = read(name="things", by={"a": "1 +", "b": "lowr(x)"}, where="a = 1", unit="x")
    assert [problem.place.removeprefix("metric[0].") for problem in problems] == [
        "name",
        "unit",
        "by.a",
        "by.b",
        "where",
    ]


def test_a_missing_key_is_named() -> None:
    _, problems = MetricRule.read({"name": "a_total", "type": "counter"}, "a.toml", "metric[3]")
    assert [str(problem) for problem in problems] == [
        "a.toml: metric[3].help: this key is missing; try: add help = …",
        "a.toml: metric[3].from: this key is missing; try: add from = …",
    ]


@pytest.mark.parametrize("table", [None, 5, [], "x"])
def test_something_else_than_a_table_is_a_problem(table: object) -> None:
    assert MetricRule.read(table, "a.toml", "metric[0]")[1]


@pytest.mark.parametrize("source", ["job", "span", "agent"])
def test_a_span_kind_of_a_parsers_own_is_a_source(source: str) -> None:
    assert read(**{"from": source})[1] == []


def test_a_field_that_is_really_named_almost_like_a_known_one_can_be_quoted() -> None:
    assert read(**{"from": "query", "where": 'field("duratoin") > 1'})[1] == []


def rules(*changes: dict[str, Any]) -> list[tuple[MetricRule, str, str]]:
    read_rules = []
    for position, change in enumerate(changes):
        rule, problems = read(**change)
        assert rule is not None, problems
        read_rules.append((rule, "a.toml", f"metric[{position}]"))
    return read_rules


def test_rules_of_one_name_may_differ_in_what_they_count() -> None:
    first = {"by": {"a": "logger"}, "labels": {"b": "1"}}
    second = {"by": {"b": "logger"}, "labels": {"a": "1"}, "where": "a > 1"}
    assert family_problems(rules(first, second)) == []


def test_one_name_with_two_meanings_is_a_problem() -> None:
    found = family_problems(
        rules(
            {"by": {"a": "logger"}},
            {"by": {"b": "logger"}},
            {"type": "histogram"},
            {"type": "histogram", "buckets": [1]},
        )
    )
    assert [(problem.place, problem.hint) for problem in found] == [
        ("metric[1].labels", "labels = ['a']"),
        ("metric[3].buckets", f"buckets = {list(DEFAULT_BUCKETS)}"),
    ]


def test_two_names_that_openmetrics_cannot_tell_apart_are_a_problem() -> None:
    found = family_problems(rules({"name": "a_total"}, {"name": "a", "type": "gauge", "value": 1}))
    assert [problem.message for problem in found] == ["a and a_total are one name in OpenMetrics"]
