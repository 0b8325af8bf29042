from __future__ import annotations

from typing import Any

import pytest

from logagent.metrics import generation
from logagent.metrics.engine import MetricEngine
from logagent.metrics.rules import MetricRule
from logagent.metrics.store import Store
from logagent.model import Failure, LogRecord, Resource, Span, StatusCode

RESOURCE = Resource("backend")


class Dialect:
    name = "json"


def span(kind: str = "request", seconds: float = 1, **attributes: object) -> Span:
    named: dict[str, Any] = {name.replace("__", "."): value for name, value in attributes.items()}
    return Span(kind, "1", "GET", 2, 10**18, 10**18 + round(seconds * 1e9), named, RESOURCE)


def record(severity: int = 9, logger: str = "app", data: dict[str, Any] | None = None) -> LogRecord:
    return LogRecord(1, 1, severity, "", "body", logger, data, Dialect(), RESOURCE, "r", "s")  # type: ignore[arg-type]


def rule(**table: object) -> MetricRule:
    base = {"name": "a_total", "type": "counter", "help": "A.", "from": "request"}
    read, problems = MetricRule.read({**base, **table}, "a.toml", "metric[0]")
    assert read is not None, problems
    return read


def values(store: Store, name: str = "a_total") -> dict[tuple[str, ...], float]:
    return {labels: series.value for labels, series in store.families[name].series.items()}


def test_a_counter_counts_by_its_labels() -> None:
    store = Store()
    engine = MetricEngine([rule(by={"route": "http.route", "code": "http.response.status_code"})], store)
    engine.spans(
        [
            span(http__route="/a", http__response__status_code=200),
            span(http__route="/a", http__response__status_code="200"),
            span(http__route="/a", http__response__status_code=200.0),
            span(http__route="/a"),
            span(http__route=["/a"], http__response__status_code=True),
            span(kind="llm"),
        ]
    )
    assert values(store) == {("/a", "200"): 3, ("/a", ""): 1, ("", "true"): 1}


def test_a_histogram_counts_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    store = Store()
    histogram = rule(name="a_seconds", type="histogram", value="duration", buckets=[0.5, 1], by={"kind": "kind"})
    MetricEngine([histogram], store).spans([span(seconds=seconds) for seconds in (0.5, 0.6, 1, 2)])
    (series,) = store.families["a_seconds"].series.values()
    assert series.counts == [1, 2, 1]
    assert series.value == pytest.approx(4.1)


def test_a_gauge_shows_the_last_value() -> None:
    store = Store()
    gauge = rule(name="level", type="gauge", value="users", **{"from": "log"})
    MetricEngine([gauge], store).records([record(data={"users": users}) for users in (3, -5, "x")])
    assert values(store, "level") == {(): -5}


def test_only_what_meets_the_condition_counts() -> None:
    store = Store()
    MetricEngine([rule(where="duration > 1s and http.response.status_code >= 500")], store).spans(
        [
            span(seconds=2, http__response__status_code=500),
            span(seconds=1, http__response__status_code=500),
            span(seconds=2, http__response__status_code=200),
            span(seconds=2),
        ]
    )
    assert values(store) == {(): 1}


def test_a_source_sees_its_own_items_and_span_sees_every_kind() -> None:
    store = Store()
    sources = ("log", "error", "span", "query", "job")
    engine = MetricEngine([rule(name=f"{source}_total", **{"from": source}) for source in sources], store)
    engine.records([record(), record()])
    engine.failures([Failure(1, "KeyError", "x", "app", record())])
    engine.spans([span("query"), span("job"), span("job"), span("never-heard-of")])
    assert {source: values(store, f"{source}_total")[()] for source in sources} == {
        "log": 2,
        "error": 1,
        "span": 4,
        "query": 1,
        "job": 2,
    }


def test_several_rules_feed_one_metric() -> None:
    store = Store()
    rules = [
        rule(**{"from": "llm"}, value="gen_ai.usage.input_tokens", by={"m": "name"}, labels={"t": "in"}),
        rule(**{"from": "llm"}, value="gen_ai.usage.output_tokens", by={"m": "name"}, labels={"t": "out"}),
    ]
    MetricEngine(rules, store).spans(
        [
            span("llm", gen_ai__usage__input_tokens=5, gen_ai__usage__output_tokens=2),
            span("llm", gen_ai__usage__input_tokens=1),
        ]
    )
    assert values(store) == {("GET", "in"): 6, ("GET", "out"): 2}


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "5", True, [1], 10**400])
def test_a_value_that_cannot_be_counted_is_skipped_and_counted_as_such(value: object) -> None:
    store = Store()
    rules = [
        rule(**{"from": "log"}, value="n"),
        rule(**{"from": "log"}, value="n", name="a_size", type="histogram"),
    ]
    engine = MetricEngine(rules, store)
    engine.records([record(data={"n": value}), record(data={"n": 2})])
    assert values(store) == {(): 2}
    assert values(store, "a_size") == {(): 2}
    assert engine.skipped_values == {"a_total": 1, "a_size": 1}
    assert not engine.rule_errors


def test_a_value_that_is_missing_is_nothing_to_tell() -> None:
    store = Store()
    engine = MetricEngine([rule(**{"from": "log"}, value="n / 2", by={"logger": "logger"})], store)
    engine.records([record(), record(data={})])
    assert values(store) == {}
    assert not engine.skipped_values


def test_a_counter_without_labels_is_zero_before_anything_happens() -> None:
    store = Store()
    MetricEngine([rule()], store)
    assert values(store) == {(): 0}


def test_label_sets_named_by_the_rule_are_zero_before_anything_happens() -> None:
    store = Store()
    MetricEngine([rule(by={"o": "status"}, labels={"c": "x"}, zero_init=[{"o": "ok"}, {"o": "error"}])], store)
    assert values(store) == {("ok", "x"): 0, ("error", "x"): 0}


class Broken(dict[str, Any]):
    def get(self, name: str, default: object = None) -> object:
        if name == "bad":
            raise RuntimeError
        return super().get(name, default)


def test_a_rule_that_raises_is_counted_and_stops_no_other() -> None:
    store = Store()
    rules = [
        rule(name="bad_total", value="bad"),
        rule(name="worse_total", where="bad > 1"),
        rule(by={"r": "http.route"}),
        rule(name="b_total"),
    ]
    engine = MetricEngine(rules, store)
    broken = span(http__route="/a")
    broken.attributes = Broken(broken.attributes)
    engine.spans([broken, span(http__route="/a", bad=2)])
    assert values(store) == {("/a",): 2}
    assert values(store, "worse_total") == {(): 1}
    assert values(store, "b_total") == {(): 2}
    assert values(store, "bad_total") == {(): 2}
    assert engine.rule_errors == {"request": 1}

    engine = MetricEngine([rule(name="bad_total", value="bad"), rule(name="b_total")], store)
    engine.spans([broken])
    assert engine.rule_errors == {"bad_total": 1}
    assert values(store, "b_total") == {(): 3}


def test_a_label_beyond_the_limit_goes_to_the_overflow_series() -> None:
    store = Store(max_series=1)
    MetricEngine([rule(by={"r": "http.route"})], store).spans([span(http__route=f"/{n}") for n in "abb"])
    assert values(store) == {("/a",): 1, ("__overflow__",): 2}
    assert store.overflowed == {"a_total": 2}


def test_a_field_that_is_used_twice_is_read_once() -> None:
    reads = []

    class Counting(dict[str, Any]):
        def get(self, name: str, default: object = None) -> object:
            reads.append(name)
            return super().get(name, default)

    store = Store()
    shared = {"by": {"r": "http.route"}}
    rules = [rule(**shared), rule(name="b_total", where="http.route == '/a'", **shared), rule(name="c_total", **shared)]
    item = span()
    item.attributes = Counting({"http.route": "/a"})
    MetricEngine(rules, store).spans([item])
    assert reads == ["http.route"]
    assert values(store, "b_total") == {("/a",): 1}


def test_a_reload_keeps_what_the_same_rule_counted_and_hides_what_no_rule_counts() -> None:
    store = Store()
    kept, dropped, changed = rule(), rule(name="b_total"), rule(name="c_total")
    engine = MetricEngine([kept, dropped, changed], store)
    engine.spans([span()])
    engine = engine.reload([kept, rule(name="c_total", by={"r": "name"})])
    engine.spans([span()])
    assert values(store) == {(): 2}
    assert "b_total" not in store.families
    assert values(store, "c_total") == {("GET",): 1}
    assert store.notices == ["metric c_total begins anew: its labels changed from none to r"]
    engine.reload([kept, dropped]).spans([span()])
    assert values(store, "b_total") == {(): 2}


def test_a_reload_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    engine = MetricEngine([rule(), rule(name="b_total")], store)
    monkeypatch.setattr("logagent.metrics.engine.compile_source", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.reload([rule(by={"r": "name"})])
    engine.spans([span()])
    assert values(store) == {(): 1}
    assert values(store, "b_total") == {(): 1}


def test_a_thousand_rules_of_one_source_compile() -> None:
    store = Store()
    rules = [
        rule(name=f"a{n}_total", where=f'http.route == "/{n}"', by={"s": "status"}, value="duration")
        for n in range(1000)
    ]
    engine = MetricEngine(rules, store)
    engine.spans([span(http__route="/7", seconds=2)])
    assert values(store, "a7_total") == {("ok",): 2}
    assert sum(bool(family.series) for family in store.families.values()) == 1


def test_failed_spans_have_the_outcome_error() -> None:
    store = Store()
    failed = span()
    failed.status = StatusCode.ERROR
    MetricEngine([rule(by={"outcome": "status"})], store).spans([failed, span()])
    assert values(store) == {("error",): 1, ("ok",): 1}


def test_hostile_texts_in_rules_stay_text() -> None:
    store = Store()
    label = "\"'\\\n{}__import__('os')"
    hostile = rule(by={"a": 'field("a\\"b\'c")'}, labels={"c": label}, where='name == "G\\"" or has(field("\\\\"))')
    hostile_attributes: dict[str, Any] = {"\\": 1, "a\"b'c": "v"}
    MetricEngine([hostile], store).spans([span(**hostile_attributes)])
    assert values(store) == {("v", label): 1}


def test_values_near_the_largest_float_never_make_a_sum_infinite() -> None:
    store = Store()
    MetricEngine([rule(**{"from": "log"}, value="n")], store).records([record(data={"n": 1e308})] * 3)
    assert values(store) == {(): 0}
    assert generation.LARGEST_VALUE < 1e308
