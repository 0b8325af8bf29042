"""Real logs of the target application through the real pipeline."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pipeline_harness import DATA, described, read_lines, run

from logagent.model import ParentFound

LOGS = ["afn_pjl2", "afn_pjl3", "afn_pjl4"]


def parents(log: str) -> dict[str, str]:
    """Id of each query and call to the id of the request that made it, as the client saw it."""
    text = (DATA / "autoforgenexus" / f"{log}.truth.jsonl").read_text()
    requests = [json.loads(line) for line in text.splitlines()]
    return {
        child: request["request_id"]
        for request in requests
        if request.get("request_id")
        for child in [*(request["queries"] or ()), *(request["calls"] or ())]
    }


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def lines_of(log: str) -> list[bytes]:
    return read_lines(f"autoforgenexus/{log}.log")


def test_every_request_call_and_query_is_one_span_with_its_outcome(log: str) -> None:
    seen, _ = run(lines_of(log))
    assert Counter((span.kind, span.outcome) for span in seen.spans) == {
        ("request", "ok"): 13, ("request", "error"): 4, ("request", "failed"): 3, ("request", "incomplete"): 1,
        ("llm", "ok"): 11, ("llm", "failed"): 4, ("llm", "incomplete"): 1,
        ("query", "ok"): 18, ("query", "failed"): 3,
    }  # fmt: skip
    slow = [span for span in seen.of("query") if span.end_unix_nano - span.start_unix_nano > 1_000_000_000]
    assert Counter(span.outcome for span in slow) == {"ok": 2}


def test_no_child_is_under_a_wrong_parent(log: str) -> None:
    seen, _ = run(lines_of(log))
    truth = parents(log)
    inferred = [span for span in seen.spans if span.parent_found is ParentFound.INFERRED]
    assert len(inferred) >= 7
    for span in inferred:
        assert truth.get(span.id) in (None, span.parent_id)
    assert sum(truth.get(span.id) == span.parent_id for span in inferred) >= 7
    known = {span.span_id for span in seen.spans}
    assert all(span.parent_span_id in known for span in inferred)


def test_no_failure_is_counted_twice(log: str) -> None:
    seen, pipeline = run(lines_of(log))
    assert len(seen.failures) == 7
    exposition = pipeline.store.render().decode()
    counts = [
        float(line.rsplit(" ", 1)[1]) for line in exposition.splitlines() if line.startswith("autoforge_errors_total{")
    ]
    assert sum(counts) == 7


def test_every_line_is_a_record_and_text_lines_keep_their_text(log: str) -> None:
    lines = lines_of(log)
    seen, _ = run(lines)
    assert len(seen.records) == len(lines)
    for line, record in zip(lines, seen.records, strict=True):
        if not line.startswith(b"{"):
            assert (record.body, record.severity_number, record.data) == (line.decode(), 0, None)
        else:
            assert record.dialect.name == "autoforgenexus"
            assert record.severity_number > 0


def test_the_start_is_the_logged_one_and_the_end_follows_the_logged_duration(log: str) -> None:
    seen, _ = run(lines_of(log))
    spans = {span.id: span for span in seen.spans}
    checked = 0
    for record in seen.records:
        context = (record.data or {}).get("context", {})
        entity = next((context[key] for key in ("request_id", "call_id", "query_id") if key in context), "")
        if "timestamp" in context and "duration_ms" in context:
            span = spans[entity]
            start = datetime.fromisoformat(context["timestamp"])
            assert timedelta(microseconds=span.start_unix_nano // 1000) == start - datetime(1970, 1, 1, tzinfo=UTC)
            assert span.end_unix_nano - span.start_unix_nano == round(context["duration_ms"] * 1e6)
            checked += 1
    assert checked == 56


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_the_spans_do_not_depend_on_the_size_of_the_batches(log: str, size: int) -> None:
    lines = lines_of(log)
    assert list(described(run(lines, size=size)[0].spans)) == list(described(run(lines)[0].spans))


def test_one_request_told_by_two_lines_is_counted_once() -> None:
    _, pipeline = run(lines_of("afn_pjl3"))
    exposition = pipeline.store.render().decode()
    counts = [
        float(x.rsplit(" ", 1)[1]) for x in exposition.splitlines() if x.startswith("autoforge_http_requests_total{")
    ]
    assert sum(counts) == 20


def test_the_samples_say_where_they_come_from() -> None:
    readme = (DATA / "autoforgenexus" / "README.md").read_text()
    assert "MIT" in readme
    assert all(Path(log).name in readme for log in LOGS)
