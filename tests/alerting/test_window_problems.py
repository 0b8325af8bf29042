from __future__ import annotations

import pytest
from alert_samples import problems, reader
from window_samples import rule

from logagent.alerting.rules.windows import WINDOW_ALERTS

COUNT = rule("count", "above = 3")
RATIO = rule("ratio", 'bad = "error"', "above = 0.05")
QUANTILE = rule("quantile", 'value = "duration"', "quantile = 0.95", 'above = "5s"')
ABSENCE = rule("absence", 'by = { host = "server.address" }', 'expected = [{ host = "w1" }]')


@pytest.mark.parametrize(
    ("text", "written", "wrong", "expected"),
    [
        (COUNT, "above = 3", "", ": neither `above` nor `below`; try: one of them"),
        (COUNT, "above = 3", "above = 3\nbelow = 1", ": both `above` and `below`; try: one of them"),
        (COUNT, "above = 3", "above = true", ".above: not a number that a value can reach; try: a number, or text with"),
        (COUNT, "above = 3", 'above = "many"', '.above: not a number; try: a number, or text with a unit such as "5s"'),
        (COUNT, "above = 3", 'above = "1 +"', ".above: not a number; try: "),
        (COUNT, "above = 3", "above = inf", ".above: not a number that a value can reach; try: "),
        (COUNT, "above = 3", "above = nan", ".above: not a number that a value can reach; try: "),
        (COUNT, "above = 3", "above = 3\nrecover = 4", ": `recover` is on the bad side: the alert would never hold; try: at most 3, such as 1.5"),
        (COUNT, "above = 3", "below = 3\nrecover = 2", ": `recover` is on the bad side: the alert would never hold; try: at least 3, such as 6"),
        (COUNT, '"1m"', '"1m"\ninterval = "25s"', '.interval: the window is no multiple of the interval; try: window = "50s", or interval = "15s"'),
        (COUNT, '"1m"', '"2h"\ninterval = "15s"', '.interval: a window has at most 240 intervals; try: interval = "30s", or none'),
        (COUNT, '"1m"', "60", '.window: a duration needs a unit; try: "60s" for seconds or "60ms" for milliseconds'),
        (COUNT, '"1m"', '"10ms"', '.window: it should be greater than or equal to 1; try: window = "5m"'),
        (COUNT, '"1m"', '"1m"\ninterval = "10ms"', '.interval: it should be greater than or equal to 1; try: interval = "15s"'),
        (COUNT, '"1m"', '"1m"\nforget_after = "30s"', ".forget_after: a group would be forgotten within its window; try: at least"),
        (COUNT, '"1m"', '"1m"\nfor = 30', '.for: a duration needs a unit; try: "30s" for seconds'),
        (COUNT, '"1m"', '"1m"\nno_data = "keeep"', ".no_data: `keeep` is none of 'keep', 'ok' or 'alert'; did you mean `keep`?"),
        (COUNT, '"1m"', '"1m"\nmin_count = 3', ".min_count: unknown key `min_count`; try: "),
        (COUNT, '"1m"', '"1m"\nsummary = "{{ since }}"', ".summary: unknown name `since` in a text; "),
        (COUNT, "above", "threshold", ".threshold: unknown key `threshold`; try: `above` or `below`"),
        (COUNT, '"1m"', '"1m"\nnum_events = 3', ".num_events: unknown key `num_events`; try: `above`, of the kind `count`"),
        (COUNT, '"1m"', '"1m"\nevaluation_interval = "1m"', ".evaluation_interval: unknown key `evaluation_interval`; try: `interval`"),
        (COUNT, '"1m"', '"1m"\npending_period = "1m"', ".pending_period: unknown key `pending_period`; try: `for`"),
        (COUNT, '"1m"', '"1m"\nquery_delay = "1m"', ".query_delay: unknown key `query_delay`; try: `allowed_lateness`"),
        (COUNT, 'kind = "count"', 'kind = "percentile"', '.kind: `percentile` is no kind of alert; try: kind = "quantile" and'),
        (COUNT, 'kind = "count"', 'kind = "flatline"', '.kind: `flatline` is no kind of alert; try: kind = "absence"'),
        (COUNT, 'kind = "count"', 'kind = "coutn"', ".kind: `coutn` is no kind of alert; did you mean `count`?"),
        (RATIO, "0.05", "5", ".above: 5 is no share; try: 5 % is 0.05"),
        (RATIO, "0.05", "-0.1", ".above: -0.1 is no share; try: a number between 0 and 1"),
        (RATIO, '"error"', '"eror"', ".bad: column 1: `eror` is no field of a span; did you mean `error`?"),
        (RATIO, 'bad = "error"', "", '.bad: `bad` is missing; try: bad = "error"'),
        (RATIO, 'bad = "error"', 'good = "not error"', ".good: unknown key `good`; try: `bad`: the condition the other way round"),
        (RATIO, '"error"', '"error"\nmin_count = 0', ".min_count: it should be greater than or equal to 1; try: min_count = 20"),
        (QUANTILE, "0.95", "95", ".quantile: 95 is no share; try: 95 % is 0.95"),
        (QUANTILE, "0.95", "1.0", ".quantile: 1 is no share; try: "),
        (QUANTILE, 'value = "duration"', "", '.value: `value` is missing; try: value = "duration"'),
        (ABSENCE, 'host = "w1"', 'hots = "w1"', '.expected: an expected group has the labels of `by`, all of them and no others; try: { host = "…" }'),
        (ABSENCE, 'host = "w1"', "host = 1", ".expected[0].host: it should be a valid string; try: "),
        (ABSENCE, 'by = { host = "server.address" }', "", ".expected: an expected group without `by`; try: by = "),
        (ABSENCE, '"w1" }', '"w1" }, { host = "w2" }', ": more groups are expected than `max_groups`; try: max_groups = 2"),
        (ABSENCE, '"1m"', '"1m"\nabove = 3', ".above: unknown key `above`; try: "),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_place_and_what_to_try(
    text: str, written: str, wrong: str, expected: str
) -> None:
    assert written in text
    changed = text.replace(written, wrong, 1)
    if "max_groups" in expected:
        changed += "max_groups = 1\n"
    told = problems(changed)
    assert any(one.startswith(f"rules.toml: alert[0]{expected}") for one in told), told


@pytest.mark.parametrize(
    ("window", "interval"),
    [
        ("5m", 15.0), ("1m", 15.0), ("1h", 15.0), ("2h", 30.0), ("1h1m", 30.0), ("6h", 120.0), ("1d", 600.0), ("7d", 3600.0),
        ("10s", 10.0), ("12s", 1.0), ("100s", 10.0), ("1500ms", 1.5), ("1s", 1.0), ("365d", 131_400.0), ("36500d", 13_140_000.0),
    ],
)  # fmt: skip
def test_the_interval_is_the_usual_one_where_it_fits_and_fits_elsewhere(window: str, interval: float) -> None:
    (alert,) = reader(rule("count", "above = 1", window=window)).rules
    assert alert.interval == interval


def test_what_is_not_given_has_a_default_that_suits_the_kind() -> None:
    keys = 'by = ["id"]\nbelow = 0.1\nvalue = "duration"\nquantile = 0.5\nbad = "error"\n'
    policies = {}
    for kind, model in WINDOW_ALERTS.items():
        known = {field.alias or name for name, field in model.model_fields.items()}
        lines = [line for line in keys.splitlines() if line.split(" ")[0] in known]
        (alert,) = reader(rule(kind, *lines)).rules
        assert (alert.forget_after, alert.allowed_lateness, alert.max_groups) == (86_400.0, 30.0, 1000)
        policies[kind] = getattr(alert, "no_data", "")
    assert policies == {
        "count": "ok", "rate": "ok", "sum": "ok", "distinct": "ok",
        "ratio": "keep", "mean": "keep", "quantile": "keep", "absence": "",
    }  # fmt: skip


def test_a_group_of_a_long_window_is_known_for_as_long() -> None:
    (alert,) = reader(rule("count", "above = 1", window="7d")).rules
    assert alert.forget_after == 7 * 86_400.0


@pytest.mark.parametrize(
    ("written", "limit"),
    [('"5s"', 5.0), ('"250ms"', 0.25), ('"10MiB"', 10 * 2**20), ('"-3"', -3.0), ("7", 7.0), ('"2 * 1h"', 7200.0)],
)
def test_limits_have_the_units_of_conditions(written: str, limit: float) -> None:
    (alert,) = reader(rule("sum", 'value = "duration"', f"above = {written}")).rules
    assert alert.limit == limit


def test_what_a_window_rule_reads_is_what_parsers_must_keep() -> None:
    (alert,) = reader(RATIO.replace('"error"', '"app.code == 7"') + 'summary = "{{ app.shop }} {{ value }}"\n').rules
    (reading,) = alert.readings()
    assert reading.source == "query"
    assert {"app.code", "app.shop"} <= reading.fields
