"""The metrics that are counted for alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from promtool_comparison import configured

from logagent.alert_metrics import metrics_of, stems
from logagent.errors import ConfigurationError
from logagent.metrics.engine import MetricEngine
from logagent.metrics.store import Store
from logagent.ruletests.events import events_of
from logagent.ruletests.tables import Input, RuleTest

if TYPE_CHECKING:
    from pathlib import Path

    from logagent.catalog import Catalog

RATIO = 'kind = "ratio"\nfrom = "request"\nbad = "error"\nwindow = "5m"\nabove = 0.1\n'
QUANTILE = 'kind = "quantile"\nfrom = "request"\nvalue = "duration"\nquantile = 0.95\nwindow = "5m"\n'


def alert(name: str, keys: str) -> str:
    return f'[[alert]]\nname = "{name}"\n{keys}\n'


def catalog_of(directory: Path, rules: str, options: str = "prometheus = true") -> Catalog:
    return configured(directory, rules, options=options)[1]


def counted(catalog: Catalog, *events: dict[str, object]) -> str:
    store = Store(prefix="shop")
    engine = MetricEngine(catalog.metrics, store)
    test = RuleTest.model_construct(input=[Input.model_validate({"request": event}) for event in events])
    engine.spans([event.item for event in events_of(test)])  # type: ignore[misc]  # all of them are spans
    return store.render().decode()


def test_nothing_is_counted_without_the_option(tmp_path: Path) -> None:
    assert catalog_of(tmp_path, alert("Errors", RATIO), "").metrics == ()


def test_a_group_that_never_failed_has_no_bad_events_rather_than_none_at_all(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, alert("Errors", f'{RATIO}where = "not incomplete"\nby = ["endpoint"]'))
    events = [
        {"endpoint": "/a"},
        {"endpoint": "/a", "error": True},
        {"endpoint": "/b"},
        {"endpoint": "/b", "incomplete": True},
    ]
    text = counted(catalog, *events)
    assert 'shop_alert_errors_events_total{endpoint="/a"} 2.0' in text
    assert 'shop_alert_errors_bad_total{endpoint="/a"} 1.0' in text
    assert 'shop_alert_errors_events_total{endpoint="/b"} 1.0' in text
    assert 'shop_alert_errors_bad_total{endpoint="/b"} 0.0' in text


def test_the_limits_of_a_quantile_are_bounds_of_its_buckets(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, alert("Slow", f'{QUANTILE}above = "1.7s"\nrecover = "0.3s"'))
    (metric,) = catalog.metrics
    assert {0.3, 1.7} <= {*metric.buckets}
    assert list(metric.buckets) == sorted(set(metric.buckets))
    text = counted(catalog, {"duration": "1700ms"}, {"duration": "1701ms"})
    assert 'shop_alert_slow_value_bucket{le="1.7"} 1' in text


def test_expected_groups_are_there_before_their_first_event(tmp_path: Path) -> None:
    keys = 'kind = "absence"\nfrom = "request"\nwindow = "5m"\nby = ["endpoint"]\nexpected = [{ endpoint = "/a" }]'
    assert 'shop_alert_silent_events_total{endpoint="/a"} 0.0' in counted(catalog_of(tmp_path, alert("Silent", keys)))


def test_names_are_words_and_a_hash_where_two_rules_have_the_same(tmp_path: Path) -> None:
    rules = "".join(alert(name, RATIO) for name in ("LLMErrors5xx", "http-errors", "HttpErrors"))
    named = stems(catalog_of(tmp_path, rules).rules)
    assert named["LLMErrors5xx"] == "alert_llm_errors5xx"
    assert len(set(named.values())) == 3
    assert named["HttpErrors"].startswith("alert_http_errors_")


@pytest.mark.parametrize(
    "keys",
    [
        f'{QUANTILE}above = 1\nby = {{ le = "endpoint" }}',
        'kind = "mean"\nfrom = "request"\nvalue = "duration"\nwindow = "5m"\nbelow = -1',
        f"{QUANTILE}above = 0",
        'kind = "distinct"\nfrom = "request"\nvalue = "user.id"\nwindow = "5m"\nabove = 1',
        'kind = "event"\nfrom = "request"',
    ],
)
def test_what_metrics_cannot_tell_is_not_counted(tmp_path: Path, keys: str) -> None:
    assert metrics_of(catalog_of(tmp_path, alert("Odd", keys)).rules) == ()


def test_a_metric_of_a_rule_file_with_the_name_of_an_alerts_own_is_a_problem(tmp_path: Path) -> None:
    metric = '[[metric]]\nname = "alert_errors_bad_total"\ntype = "counter"\nhelp = "Mine."\nfrom = "request"\n'
    with pytest.raises(ConfigurationError, match="an alert's own metric has this name"):
        catalog_of(tmp_path, metric + alert("Errors", RATIO))
