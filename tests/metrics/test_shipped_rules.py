from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli

from logagent.metrics.engine import MetricEngine
from logagent.metrics.rules import MetricRule, family_problems
from logagent.metrics.store import Store
from logagent.model import Failure, LogRecord, Resource, Span, StatusCode

FILES = sorted((Path(__file__).parents[2] / "rules").glob("*.toml"))
RESOURCE = Resource("backend")

SPECIFIED = {
    "http_requests_total": ("counter", {"method", "endpoint", "status_code"}),
    "http_request_duration_seconds": ("histogram", {"method", "endpoint"}),
    "llm_requests_total": ("counter", {"provider", "model", "outcome"}),
    "llm_duration_seconds": ("histogram", {"provider", "model"}),
    "llm_tokens_total": ("counter", {"provider", "model", "token_type"}),
    "llm_cost_usd_total": ("counter", {"provider", "model"}),
    "db_queries_total": ("counter", {"operation", "table", "outcome"}),
    "db_query_duration_seconds": ("histogram", {"operation", "table"}),
    "db_slow_queries_total": ("counter", {"operation", "table"}),
    "errors_total": ("counter", {"error_type", "logger"}),
    "log_records_total": ("counter", {"severity", "logger"}),
}


class Dialect:
    name = "json"


def shipped() -> list[tuple[MetricRule, str, str]]:
    rules = []
    for path in FILES:
        for position, table in enumerate(tomli.loads(path.read_text()).get("metric", [])):
            rule, problems = MetricRule.read(table, path.name, f"metric[{position}]")
            assert rule is not None, problems
            rules.append((rule, path.name, f"metric[{position}]"))
    return rules


def span(kind: str, seconds: float, attributes: dict[str, Any], **changes: object) -> Span:
    made = Span(kind, "1", kind, 3, 10**18, 10**18 + round(seconds * 1e9), attributes, RESOURCE)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def store() -> Store:
    return Store("app")


@pytest.fixture
def engine(store: Store) -> MetricEngine:
    return MetricEngine([rule for rule, _, _ in shipped()], store)


def values(store: Store, name: str) -> dict[tuple[str, ...], float]:
    return {labels: series.value for labels, series in store.families[name].series.items()}


def test_the_shipped_rules_have_no_problems() -> None:
    assert family_problems(shipped()) == []


@pytest.mark.parametrize("name", SPECIFIED)
def test_the_specified_metric_has_its_type_and_labels(name: str, store: Store, engine: MetricEngine) -> None:
    assert engine is not None
    family = store.families[name]
    assert (family.type.value, set(family.label_names)) == SPECIFIED[name]


def test_a_request_is_counted_once_it_has_ended(store: Store, engine: MetricEngine) -> None:
    attributes = {"http.request.method": "GET", "url.path": "/prompts/123?x=1", "http.response.status_code": 200}
    engine.spans([span("request", 0.3, attributes), span("request", 9, attributes, incomplete=True)])
    assert values(store, "http_requests_total") == {("GET", "/prompts/{id}", "200"): 1}
    (series,) = store.families["http_request_duration_seconds"].series.values()
    assert series.counts == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert series.value == 0.3


def test_a_model_call_is_counted_with_its_tokens_and_cost(store: Store, engine: MetricEngine) -> None:
    call = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt", "gen_ai.usage.cost": 0.25}
    tokens = {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "gen_ai.usage.total_tokens": 120,
    }
    engine.spans(
        [
            span("llm", 12, call | tokens),
            span("llm", 1, {"gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt"}, status=StatusCode.ERROR),
            span("llm", 1, {"gen_ai.provider.name": "x", "gen_ai.usage.total_tokens": 7}),
            span("llm", 1, call | tokens, incomplete=True),
        ]
    )
    assert values(store, "llm_requests_total") == {
        ("openai", "gpt", "ok"): 1,
        ("openai", "gpt", "error"): 1,
        ("x", "", "ok"): 1,
    }
    assert values(store, "llm_tokens_total") == {
        ("openai", "gpt", "input"): 100,
        ("openai", "gpt", "output"): 20,
        ("openai", "gpt", "cache_read"): 30,
        ("openai", "gpt", "cache_write"): 10,
        ("openai", "gpt", "reasoning"): 5,
        ("x", "", "total"): 7,
    }
    assert values(store, "llm_cost_usd_total") == {("openai", "gpt"): 0.25}
    assert values(store, "llm_duration_seconds") == {("openai", "gpt"): 12, ("x", ""): 1}


def test_a_query_of_more_than_a_second_is_slow(store: Store, engine: MetricEngine) -> None:
    query = {"db.operation.name": "SELECT", "db.collection.name": "users"}
    engine.spans([span("query", seconds, query) for seconds in (0.002, 1, 1.001)])
    assert values(store, "db_queries_total") == {("SELECT", "users", "ok"): 3}
    assert values(store, "db_slow_queries_total") == {("SELECT", "users"): 1}
    (series,) = store.families["db_query_duration_seconds"].series.values()
    assert sum(series.counts) == 3


def test_records_and_failures_are_counted(store: Store, engine: MetricEngine) -> None:
    record = LogRecord(1, 1, 17, "", "x", "app.db", None, Dialect(), RESOURCE, "r", "s")  # type: ignore[arg-type]
    engine.records([record, record])
    engine.failures([Failure(1, "KeyError", "x", "app", record)])
    assert values(store, "log_records_total") == {("ERROR", "app.db"): 2}
    assert values(store, "errors_total") == {("KeyError", "app"): 1}
