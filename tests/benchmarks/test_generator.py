from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.generate import generate
from benchmarks.truth import Truth, differences

if TYPE_CHECKING:
    from pathlib import Path

EXPOSITION = """\
logagent_receiver_lines_total{receiver="a"} 7.0
logagent_receiver_lines_total{receiver="b"} 3.0
errors_total{error_type="x",logger="app.llm"} 2.0
errors_total{error_type="y",logger="app.llm"} 1.0
llm_tokens_total{provider="openai",model="m",token_type="input"} 100.0
llm_cost_usd_total{provider="openai",model="m"} 0.0000004
http_request_duration_seconds_bucket{method="GET",endpoint="/",le="0.5"} 1
http_request_duration_seconds_bucket{method="GET",endpoint="/",le="1.0"} 4
http_request_duration_seconds_bucket{method="GET",endpoint="/",le="+Inf"} 5
http_request_duration_seconds_sum{method="GET",endpoint="/"} 1.2345
http_request_duration_seconds_count{method="GET",endpoint="/"} 5
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("count", "drawn", "lines", "truth"),
    [
        (
            2000,
            {"seed": 7},
            "66dc39e337f6abc3908d1fe7e56f64f3cec4f1565d19bc235c4490f245d0c93d",
            "16682b7fb15e91ea09a341a34e2f46a251dadb796e4cdfba397f190327a39884",
        ),
        (
            1000,
            {"seed": 3, "concurrency": 5, "dirty": 0.2},
            "29d4fe4677e4dd3edb7313e005a022a8e86d543163005f522615b493a2843e71",
            "9b48698f5d6dd649510924c2384e49114381ecbd4ef3d12cd0ad3b2a772fb176",
        ),
    ],
)
def test_the_same_arguments_give_the_same_lines_and_truth_for_ever(
    tmp_path: Path, count: int, drawn: dict[str, Any], lines: str, truth: str
) -> None:
    generate(count, tmp_path / "log", **drawn).write(tmp_path / "truth")
    assert digest((tmp_path / "log").read_bytes()) == lines
    assert digest((tmp_path / "truth").read_bytes()) == truth


def truth_of_exposition() -> Truth:
    truth = Truth(lines=10)
    truth.errors_total["app.llm"] = 3
    truth.llm_tokens_total["openai|m|prompt"] = 100
    truth.llm_cost_total["openai|m"] = 0.0
    truth.http_dur_count["GET|/"] = 5
    truth.http_dur_le_1000["GET|/"] = 4
    truth.http_dur_sum["GET|/"] = 1234.5
    return truth


def test_an_exposition_that_agrees_has_no_differences() -> None:
    assert differences(truth_of_exposition(), EXPOSITION) == []


def test_counts_are_compared_exactly_and_sums_within_their_rounding() -> None:
    truth = truth_of_exposition()
    truth.errors_total["app.llm"] = 4
    truth.http_dur_le_1000["GET|/"] = 5
    truth.http_dur_sum["GET|/"] += 0.1
    truth.lines = 11
    assert differences(truth, EXPOSITION) == [
        "http_request_duration_seconds_sum{GET,/}: expected 1.2346, is 1.2345",
        "http_request_duration_seconds_bucket{GET,/}: expected 5, is 4.0",
        "errors_total{app.llm}: expected 4, is 3.0",
        "logagent_receiver_lines_total: expected 11, is 10",
    ]


def test_a_series_too_many_and_one_too_few_are_differences() -> None:
    truth = truth_of_exposition()
    del truth.errors_total["app.llm"]
    truth.db_slow_total["runs"] = 1
    assert differences(truth, EXPOSITION) == [
        "bench_slow_queries_total{runs}: expected 1, is 0.0",
        "errors_total{app.llm}: expected 0.0, is 3.0",
    ]
