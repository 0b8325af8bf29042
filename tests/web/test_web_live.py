from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_picture import identify, make_record, make_span

from logagent.model import ExceptionInfo, Outcome, StatusCode
from logagent.web.detail import trace_detail
from logagent.web.live import BODY, RECORDS, STACKTRACE, LiveView
from logagent.web.tallies import KEYS, OTHER, WINDOW, quantile
from logagent.web.traces import SPANS, SPANS_OF_TRACE, TRACES


def live_view(*outcomes: Outcome) -> LiveView:
    live = LiveView(identify)
    for outcome in outcomes:
        live.add(outcome)
    return live


def rows(live: LiveView, kind: str) -> dict[str, dict[str, object]]:
    return {str(row["key"]): row for row in live.tables[kind].rows(1000)}


def test_a_request_and_its_children_are_one_trace_named_by_the_request() -> None:
    child = make_span("llm", "chat m", start=2_000, request_id="r", parent_kind="request", parent_id="r")
    root = make_span(name="POST /a", id="r", request_id="r", start=1_000, attributes={"http.response.status_code": 200})
    live = live_view(Outcome(spans=[child]), Outcome(spans=[root]))
    (trace,) = live.traces.recent(10)
    summary = trace.summary()
    assert (summary["name"], summary["status"], summary["spans"], summary["llm"]) == ("POST /a", 200, 2, 1)
    assert [(depth, span.kind) for depth, span in trace.tree()] == [(0, "request"), (1, "llm")]


def test_a_span_without_a_request_is_a_trace_of_its_own() -> None:
    live = live_view(Outcome(spans=[make_span("query", "SELECT a"), make_span("query", "SELECT b")]))
    assert sorted(str(trace.summary()["name"]) for trace in live.traces.recent(10)) == ["SELECT a", "SELECT b"]


def test_a_trace_is_found_by_its_id_and_by_any_context_id_in_it() -> None:
    live = live_view(Outcome(spans=[make_span(id="r", request_id="r"), make_span("query", id="q", request_id="r")]))
    (trace,) = live.traces.recent(1)
    assert live.traces.find(trace.trace_id.hex()) is trace
    assert live.traces.find("q") is trace
    assert live.traces.find("nothing") is None


def test_only_traces_that_changed_are_given_after_a_sequence_number() -> None:
    live = live_view(Outcome(spans=[make_span(name="old")]))
    seen = live.traces.sequence
    live.add(Outcome(spans=[make_span(name="new")]))
    assert [trace.head.name for trace in live.traces.recent(10, after=seen)] == ["new"]
    assert live.traces.recent(10, after=live.traces.sequence) == []


def test_an_incomplete_request_has_no_duration_and_does_not_count_in_quantiles() -> None:
    live = live_view(Outcome(spans=[make_span(name="GET /", incomplete=True, seconds=900)]))
    (trace,) = live.traces.recent(1)
    assert trace.summary()["duration"] is None
    assert rows(live, "request")["GET /"]["p50"] is None
    assert rows(live, "request")["GET /"]["incomplete"] == 1


def test_the_failed_spans_below_the_request_are_counted_apart_from_its_own_failure() -> None:
    failed = {"request_id": "r", "status": StatusCode.ERROR}
    live = live_view(Outcome(spans=[make_span("llm", **failed), make_span(id="r", **failed)]))
    (trace,) = live.traces.recent(1)
    assert (trace.summary()["failed"], trace.summary()["errors"]) == (True, 1)


def test_old_traces_go_when_there_are_too_many() -> None:
    live = live_view(*(Outcome(spans=[make_span(name=str(n), start=n)]) for n in range(TRACES + 5)))
    kept = [trace.head.name for trace in live.traces.recent(TRACES * 2)]
    assert len(kept) == TRACES
    assert kept[-1] == "5"


def test_spans_are_bounded_over_all_traces_and_in_one_trace() -> None:
    live = LiveView(identify)
    for _ in range(3):
        live.add(Outcome(spans=[make_span("query", request_id="huge") for _ in range(SPANS_OF_TRACE)]))
    (trace,) = live.traces.recent(10)
    assert (len(trace.spans), trace.hidden, trace.summary()["spans"]) == (1000, 2000, 3000)
    for number in range(8):
        live.add(Outcome(spans=[make_span("query", request_id=str(number)) for _ in range(SPANS_OF_TRACE)]))
    assert sum(len(trace.spans) for trace in live.traces.recent(100)) <= SPANS


def test_spans_that_nobody_looks_at_do_not_pile_up() -> None:
    live = LiveView(identify)
    for _ in range(10):
        live.add(Outcome(spans=[make_span() for _ in range(SPANS // 2)]))
    assert len(live.traces._waiting) <= 2 * SPANS


def test_spans_that_are_each_others_parents_are_all_shown() -> None:
    one = make_span("step", "one", id="1", request_id="r", parent_kind="step", parent_id="2")
    two = make_span("step", "two", id="2", request_id="r", parent_kind="step", parent_id="1")
    own = make_span("step", "own", id="3", request_id="r", parent_kind="step", parent_id="3")
    live = live_view(Outcome(spans=[one, two, own]))
    (trace,) = live.traces.recent(1)
    assert sorted(span.name for _, span in trace.tree()) == ["one", "own", "two"]


def test_tallies_add_up_counts_errors_cost_and_tokens_by_model() -> None:
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cost": 0.25,
    }
    failed = {**attributes, "gen_ai.usage.cost": math.nan}
    live = live_view(
        Outcome(
            spans=[
                make_span("llm", attributes=attributes, seconds=1),
                make_span("llm", attributes=attributes, seconds=2),
                make_span("llm", attributes=failed, seconds=3, status=StatusCode.ERROR),
            ]
        )
    )
    row = rows(live, "llm")["gpt-4o (openai)"]
    assert (row["count"], row["errors"], row["cost_usd"], row["unpriced"]) == (3, 1, 0.5, 1)
    assert (row["input_tokens"], row["p50"], row["p95"]) == (300, 2.0, 3.0)
    assert "output_tokens" not in row


def test_what_the_client_did_wrong_is_counted_apart_from_errors_everywhere() -> None:
    missing = {"outcome": "error", "attributes": {"http.response.status_code": 404}}
    broken = {"outcome": "error", "status": StatusCode.ERROR, "attributes": {"http.response.status_code": 500}}
    live = live_view(Outcome(spans=[make_span(**missing), make_span(**missing), make_span(**broken), make_span()]))
    row = rows(live, "request")["GET /"]
    assert (row["count"], row["client_errors"], row["errors"]) == (4, 2, 1)
    assert sorted(trace.summary()["failed"] for trace in live.traces.recent(10)) == [False, False, False, True]


def test_keys_beyond_the_bound_are_counted_together() -> None:
    live = live_view(Outcome(spans=[make_span(name=f"GET /{n}") for n in range(KEYS + 30)]))
    found = rows(live, "request")
    assert len(found) == KEYS + 1
    assert found[OTHER]["count"] == 30


def test_quantiles_are_over_the_latest_durations_only() -> None:
    live = live_view(Outcome(spans=[make_span(seconds=60) for _ in range(100)]))
    live.add(Outcome(spans=[make_span(seconds=1) for _ in range(WINDOW)]))
    assert (rows(live, "request")["GET /"]["p95"], rows(live, "request")["GET /"]["count"]) == (1.0, WINDOW + 100)


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_one_of_the_values_with_enough_of_them_at_or_below_it(values: list[int], share: float) -> None:
    found = quantile(sorted(values), share)
    assert found is not None
    assert round(found * 1e9) in values
    assert sum(value / 1e9 <= found for value in values) >= share * len(values)


def test_records_come_oldest_first_and_those_left_out_are_counted() -> None:
    live = live_view(Outcome(records=[make_record(str(n)) for n in range(RECORDS + 100)]))
    some, missed = live.records(after=0, limit=3)
    assert [row.body for row in some] == ["2097", "2098", "2099"]
    assert missed == RECORDS + 97
    assert live.records(after=live.sequence) == ([], 0)


def test_records_are_taken_in_across_batches_with_rising_numbers() -> None:
    live = live_view(Outcome(records=[make_record("a"), make_record("b")]), Outcome(records=[make_record("c")]))
    assert [(row.sequence, row.body) for row in live.records(after=1)[0]] == [(2, "b"), (3, "c")]


def test_a_level_filter_works_before_the_limit_so_that_rare_errors_are_not_lost() -> None:
    noise = [make_record("noise") for _ in range(1000)]
    live = live_view(Outcome(records=[make_record("bad", severity_number=17), *noise]))
    some, missed = live.records(limit=10, severity=17)
    assert ([row.body for row in some], missed) == (["bad"], 0)


def test_a_long_record_is_cut_so_that_memory_is_bounded() -> None:
    error = ExceptionInfo("E", "m", "t" * 100_000)
    live = live_view(Outcome(records=[make_record("x" * 100_000, exception=error)]))
    ((row,), _) = live.records()
    assert (len(row.body), len(row.exception)) == (BODY, STACKTRACE)


def test_a_trace_in_full_has_texts_only_and_its_own_log_lines() -> None:
    span = make_span(id="r", request_id="r", trace_id=b"t" * 16, attributes={"n": 1 << 80, "ok": True, "l": ["a", 2]})
    live = live_view(Outcome(spans=[span], records=[make_record("mine", trace_id=b"t" * 16), make_record("other")]))
    detail = trace_detail(live.traces.recent(1)[0], live)
    assert detail["tree"][0]["attributes"] == {"n": str(1 << 80), "ok": "true", "l": "a, 2"}  # type: ignore[index]
    assert [record["body"] for record in detail["records"]] == ["mine"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["tool", "agent", "step"])
def test_a_kind_without_a_table_is_still_in_its_trace(kind: str) -> None:
    live = live_view(Outcome(spans=[make_span(kind)]))
    assert len(live.traces.recent(1)) == 1
    assert all(len(table) == 0 for table in live.tables.values())
