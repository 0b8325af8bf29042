from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from logagent.metrics.exposition import negotiate
from logagent.metrics.process import process_metrics
from logagent.metrics.series import label_text
from logagent.metrics.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics_parser.text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str, *, openmetrics: bool = False) -> Samples:
    families = parse_openmetrics(text + "# EOF\n") if openmetrics else parse_text(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


LABEL = st.text(max_size=12) | st.text('\\"\n\r ,{}=#\ud800é\u2028\x85\x00', max_size=8)


@given(st.lists(st.tuples(LABEL, LABEL), max_size=5), st.booleans())
def test_any_label_value_reads_back_as_it_was(labels: list[tuple[str, str]], openmetrics: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    store = Store("ns")
    family = store.counter("a_total", "A.", ("x", "y"))
    for pair in labels:
        family.find(pair).add(1)
    expected: Samples = {}
    for x, y in labels:
        key = ("ns_a_total", (("x", label_text(x)), ("y", label_text(y))))
        expected[key] = expected.get(key, 0) + 1
    assert samples(store.render(openmetrics=openmetrics).decode(), openmetrics=openmetrics) == expected


@given(st.text(max_size=30) | st.text('\\"\n x', max_size=10), st.booleans())
def test_any_help_text_reads_back_as_it_was(text: str, openmetrics: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    store = Store()
    store.gauge("a", f"[{text}]").find(()).set(1)
    shown = store.render(openmetrics=openmetrics).decode()
    families = list(parse_openmetrics(shown + "# EOF\n") if openmetrics else parse_text(shown))
    assert [family.samples[0].value for family in families] == [1]
    if openmetrics:
        assert families[0].documentation == f"[{label_text(text)}]"


def filled() -> Store:
    store = Store("ns")
    store.counter("cost_usd_total", "Cost.", ("model",), unit="usd").find(("m",)).add(0.1)
    seconds = store.histogram("took_seconds", "Time.", ("model",), unit="seconds", buckets=(0.5, 1, 2.5))
    for value in (0.5, 0.6, 1, 9):
        seconds.find(("m",)).observe(value)
    store.histogram("plain_seconds", "Time.", buckets=(0.1,)).find(()).observe(0.05)
    store.gauge("level", "Level.").find(()).set(float("-inf"))
    return store


EXPECTED: Samples = {
    ("ns_cost_usd_total", (("model", "m"),)): 0.1,
    ("ns_took_seconds_bucket", (("le", "0.5"), ("model", "m"))): 1,
    ("ns_took_seconds_bucket", (("le", "1.0"), ("model", "m"))): 3,
    ("ns_took_seconds_bucket", (("le", "2.5"), ("model", "m"))): 3,
    ("ns_took_seconds_bucket", (("le", "+Inf"), ("model", "m"))): 4,
    ("ns_took_seconds_sum", (("model", "m"),)): 11.1,
    ("ns_took_seconds_count", (("model", "m"),)): 4,
    ("ns_plain_seconds_bucket", (("le", "0.1"),)): 1,
    ("ns_plain_seconds_bucket", (("le", "+Inf"),)): 1,
    ("ns_plain_seconds_sum", ()): 0.05,
    ("ns_plain_seconds_count", ()): 1,
    ("ns_level", ()): float("-inf"),
}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_type_is_read_by_prometheus_own_parser(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter
    assert samples(filled().render(openmetrics=openmetrics).decode(), openmetrics=openmetrics) == EXPECTED


def test_openmetrics_names_a_counter_without_its_suffix_and_tells_units() -> None:
    text = filled().render(openmetrics=True).decode()
    assert "# TYPE ns_cost_usd counter\n# UNIT ns_cost_usd usd\nns_cost_usd_total{" in text
    assert "# TYPE ns_cost_usd_total counter\n" in filled().render().decode()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_process_metrics_end_an_exposition(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter
    text = (filled().render(openmetrics=openmetrics) + process_metrics(openmetrics=openmetrics)).decode()
    families = list(parse_openmetrics(text) if openmetrics else parse_text(text))
    names = {sample.name for family in families for sample in family.samples}
    assert {"ns_level", "process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"} <= names
    assert text.endswith("# EOF\n") is openmetrics


@pytest.mark.parametrize(
    ("accept", "openmetrics", "content_type"),
    [
        ("", False, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", False, "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", False, "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4",
            True,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("application/openmetrics-text", True, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text;version=0.0.1", False, "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.x.y\r\nA: b", False, "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=9.0\r\nA: b",
            True,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str, openmetrics: bool, content_type: str) -> None:  # noqa: FBT001 - a parameter
    assert negotiate(accept) == (openmetrics, content_type)


def test_36000_lines_are_written_in_a_fraction_of_a_second() -> None:
    store = Store(max_series=3_000)
    family = store.histogram("a_seconds", "A.", ("x", "y"), buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30))
    for number in range(3_000):
        family.find((f"x{number}", "y")).observe(1)
    begin = time.process_time()
    assert store.render().count(b"\n") == 36_002
    assert time.process_time() - begin < 0.25
