from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_conditions import FIELDS, conditions, events

from logagent.expr import index as index_module
from logagent.metrics import generation
from logagent.metrics.engine import MetricEngine
from logagent.metrics.rules import MetricRule
from logagent.metrics.store import Store
from logagent.model import Failure, LogRecord, Resource, Span

RESOURCE = Resource("backend")
Shown = dict[str, dict[tuple[str, ...], tuple[float, list[int]]]]


class Dialect:
    name = "json"


def span(fields: dict[str, Any], kind: str = "query") -> Span:
    return Span(kind, "1", "GET", 2, 10**18, 10**18 + 10**9, fields, RESOURCE)


def record(fields: dict[str, Any], severity: int = 9, logger: str = "app") -> LogRecord:
    return LogRecord(1, 1, severity, "", "body", logger, fields, Dialect(), RESOURCE, "r", "s")  # type: ignore[arg-type]


def metric(name: str, source: str, where: str, **more: Any) -> MetricRule:
    type_ = more.pop("type", "counter")
    return MetricRule.model_validate(
        {"name": name, "type": type_, "help": "A.", "from": source, "where": where, **more}
    )


def drawn(sources: list[str]) -> st.SearchStrategy[list[MetricRule]]:
    parts = st.tuples(
        st.sampled_from(sources),
        st.one_of(conditions, st.just("")),
        st.sampled_from(["counter", "histogram", "gauge"]),
        st.sampled_from([*FIELDS, "1"]),
        st.lists(st.sampled_from(FIELDS), max_size=2, unique=True),
    )
    return st.lists(parts, min_size=1, max_size=12).map(
        lambda found: [
            metric(f"m{number}", source, where, type=type_, value=value, by={name[0]: name for name in by})
            for number, (source, where, type_, value, by) in enumerate(found)
        ]
    )


def shown(store: Store) -> Shown:
    return {
        name: {labels: (series.value, list(series.counts)) for labels, series in family.series.items()}
        for name, family in store.families.items()
    }


def counted(rules: list[MetricRule], items: list[Any]) -> tuple[Shown, dict[str, int], dict[str, int]]:
    """What rules made of items, and what they could not count."""
    store = Store()
    engine = MetricEngine(rules, store)
    if items and isinstance(items[0], Span):
        engine.spans(items)
    elif items and isinstance(items[0], Failure):
        engine.failures(items)
    else:
        engine.records(items)
    return shown(store), dict(engine.rule_errors), dict(engine.skipped_values)


def agree(rules: list[MetricRule], items: list[Any]) -> None:
    """All rules together give what each gives by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "FEWEST", 1)
        together, errors, skipped = counted(rules, items)
    alone = [counted([rule], items) for rule in rules]
    assert together == {name: series for found, _, _ in alone for name, series in found.items()}
    assert errors == {name: count for _, found, _ in alone for name, count in found.items()}
    assert skipped == {name: count for _, _, found in alone for name, count in found.items()}


@given(
    drawn(["span", "query", "llm"]), st.lists(st.tuples(events, st.sampled_from(["query", "llm", "tool"])), max_size=8)
)
def test_indexed_rules_count_spans_as_each_would_by_itself(
    rules: list[MetricRule], found: list[tuple[dict[str, Any], str]]
) -> None:
    agree(rules, [span(fields, kind) for fields, kind in found])


@given(drawn(["log"]), st.lists(events, max_size=8))
def test_indexed_rules_count_records_as_each_would_by_itself(
    rules: list[MetricRule], found: list[dict[str, Any]]
) -> None:
    agree(rules, [record(fields) for fields in found])


@given(drawn(["error"]), st.lists(events, max_size=8))
def test_indexed_rules_count_failures_as_each_would_by_itself(
    rules: list[MetricRule], found: list[dict[str, Any]]
) -> None:
    agree(rules, [Failure(1, "KeyError", "x", "app", record(fields)) for fields in found])


def test_rules_on_what_templates_share_are_indexed_beside_others() -> None:
    loggers = [metric(f"l{number}_total", "log", f'logger == "l{number}"') for number in range(20)]
    users = [metric(f"u{number}_total", "log", f'user == "u{number}"') for number in range(20)]
    records = [record({"user": f"u{number % 3}"}, logger=f"l{number % 2}") for number in range(6)]
    found, errors, _ = counted([*loggers, *users], records)
    assert {name: series[()][0] for name, series in found.items() if series[()][0]} == {
        "l0_total": 3,
        "l1_total": 3,
        "u0_total": 2,
        "u1_total": 2,
        "u2_total": 2,
    }
    assert errors == {}


def test_the_last_rule_that_sets_a_gauge_counts_whatever_rules_are_found_by() -> None:
    others = [metric(f"o{number}_total", "query", f'a == "{number}"') for number in range(20)]
    wheres = ['a == "7"', "has(a)", 'startswith(a, "7")', 'a in ["7", "8"]']
    for turn in range(len(wheres)):
        order = wheres[turn:] + wheres[:turn]
        gauges = [metric("g", "query", where, type="gauge", value=number) for number, where in enumerate(order)]
        found, _, _ = counted([*others, *gauges], [span({"a": "7"})])
        assert found["g"][()][0] == len(wheres) - 1


def test_several_rules_feed_one_counter_through_an_index() -> None:
    rules = [
        metric("a_total", "query", f'a == "{number}"', labels={"team": "xy"[number % 2]}, by={"a": "a"})
        for number in range(20)
    ]
    found, _, _ = counted(rules, [span({"a": str(number % 3)}) for number in range(9)])
    assert {labels: value for labels, (value, _) in found["a_total"].items()} == {
        ("0", "x"): 3,
        ("1", "y"): 3,
        ("2", "x"): 3,
    }


def test_a_thousand_rules_cost_an_item_only_those_that_can_match_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    real = generation.condition_source

    def counting(expression: Any, resolve: Any, names: dict[str, object]) -> str:
        names["tried"] = tried
        return f"(tried.append({expression.text!r}) or {real(expression, resolve, names)})"

    monkeypatch.setattr(generation, "condition_source", counting)
    wheres = [f'endpoint == "/e{number}" and not incomplete' for number in range(1000)]
    rules = [metric(f"m{number}_total", "request", where) for number, where in enumerate(wheres)]
    MetricEngine(rules, Store()).spans([span({"http.route": f"/e{number}"}, "request") for number in (3, 999, 1000)])
    assert tried == [wheres[3], wheres[999]]


def test_a_rule_that_raises_behind_an_index_is_counted_and_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = generation._Writer._rule

    def raising(self: Any, rule: MetricRule, names: Any) -> Any:
        yield from (["1 / 0"] if rule.name == "m1_total" else real(self, rule, names))

    monkeypatch.setattr(generation._Writer, "_rule", raising)
    rules = [metric(f"m{number}_total", "query", f'a in ["{number}", "all"]') for number in range(10)]
    found, errors, _ = counted(rules, [span({"a": "all"}), span({"a": "2"})])
    assert errors == {"m1_total": 1}
    assert [found[f"m{number}_total"][()][0] for number in range(4)] == [1, 0, 2, 1]
