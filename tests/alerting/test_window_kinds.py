from __future__ import annotations

import math

import pytest
from alert_samples import HOUR, SECOND, START, failure, query, record, told
from window_samples import at, changes, engine, look, rule, run, seconds_of


@pytest.mark.parametrize(
    ("text", "durations", "value"),
    [
        (rule("count", "above = 3"), [1, 1, 1, 1], 4.0),
        (rule("rate", "above = 0.05"), [1, 1, 1, 1], 4 / 60),
        (rule("sum", 'value = "duration"', "above = 6"), [1, 2, 3.5], 6.5),
        (rule("mean", 'value = "duration - 5"', "below = -2"), [1, 2, 3], -3.0),
        (rule("mean", 'value = "duration"', 'above = "2s"'), [1, 2, 6], 3.0),
        (rule("quantile", 'value = "duration"', "quantile = 0.5", 'above = "1500ms"'), [1, 2, 3], 2.0),
        (rule("quantile", 'value = "duration"', "quantile = 0.99", "above = 8"), [1] * 99 + [9], 1.0),
        (rule("quantile", 'value = "duration"', "quantile = 0.999", "above = 8"), [1] * 99 + [9], 9.0),
        (rule("quantile", 'value = "0 - duration"', "quantile = 0.5", "below = -1"), [1, 2, 3], -2.0),
        (rule("ratio", 'bad = "duration > 2"', "above = 0.5"), [1, 3, 3], 2 / 3),
        (rule("ratio", 'bad = "duration > 2"', "below = 0.5"), [1, 1, 3], 1 / 3),
        (rule("distinct", 'value = "duration"', "above = 2"), [1, 2, 2, 3, 1], 3.0),
    ],
)  # fmt: skip
def test_each_kind_measures_what_its_name_says(text: str, durations: list[float], value: float) -> None:
    alerts = run(text, [at(1 + number / 10, one) for number, one in enumerate(durations)], 15)
    if value == 1.0:
        assert alerts == []
        return
    (fired,) = alerts
    assert changes([fired]) == [(15.0, "firing", "condition")]
    assert fired.value == pytest.approx(value, rel=0.011 if "quantile" in text else 1e-12)
    assert seconds_of(fired.starts_unix_nano) == 15.0


def test_a_window_ends_with_its_instant_and_does_not_have_the_moment_that_it_begins_with() -> None:
    alerts = run(rule("count", "above = 1"), [at(15), at(75), at(75.000000001)], 300)
    assert changes(alerts) == [(90.0, "firing", "condition"), (135.0, "resolved", "recovered")]


def test_a_limit_that_is_just_reached_is_not_passed() -> None:
    assert run(rule("ratio", 'bad = "duration > 2"', "above = 0.05"), [at(1, 3.0), *[at(2)] * 19], 15) == []
    assert run(rule("count", "above = 2"), [at(1), at(2)], 60) == []


def test_while_it_fires_the_condition_stays_true_until_the_value_passes_recover() -> None:
    text = rule("count", "above = 4", "recover = 2", window="15s")
    counts = [3, 5, 3, 4, 3, 2, 3, 5]
    spans = [at(15 * index + 1 + one) for index, count in enumerate(counts) for one in range(count)]
    assert changes(run(text, spans, 120)) == [
        (30.0, "firing", "condition"),
        (90.0, "resolved", "recovered"),
        (120.0, "firing", "condition"),
    ]


def test_for_and_keep_firing_for_run_from_the_first_true_and_the_first_false_instant() -> None:
    text = rule("count", "above = 0", 'for = "30s"', 'keep_firing_for = "30s"', window="15s")
    holding = [1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0]
    spans = [at(15 * index + 1) for index, one in enumerate(holding) if one]
    assert changes(run(text, spans, 200)) == [
        (15.0, "pending", "condition"),
        (60.0, "pending", "condition"),
        (90.0, "firing", "condition"),
        (165.0, "resolved", "recovered"),
    ]


def test_groups_are_judged_each_by_its_own_events() -> None:
    text = rule("count", "above = 1", 'by = { table = "db.collection.name" }', 'labels = { team = "storage" }')
    rules = engine(text)
    rules.spans([at(1, table="a"), at(2, table="b"), at(3, table="b"), at(4, table=None), at(5, table=None)])
    fired = look(rules, 15)
    assert [alert.labels.get("table") for alert in fired] == [None, "b"]
    assert fired[1].labels == {"alertname": "Watched", "severity": "warning", "team": "storage", "table": "b"}
    assert [alert.labels for alert in rules.firing()] == [alert.labels for alert in fired]
    assert rules.firing_counts() == [("Watched", "warning", 2)]


def test_groups_beyond_the_bound_share_one() -> None:
    rules = engine(rule("count", "above = 1", 'by = ["db.collection.name"]', "max_groups = 2"))
    rules.spans([at(1, table=f"t{number}") for number in range(1000)])
    (fired,) = look(rules, 15)
    assert fired.labels["overflow"] == "true"
    assert fired.value == 998.0
    assert changes(look(rules, 90)) == [(75.0, "resolved", "recovered")]


def test_idle_groups_are_forgotten_and_leave_nothing_behind() -> None:
    text = rule("count", "below = 1", 'by = ["db.collection.name"]', 'forget_after = "10m"')
    rules = engine(text)
    rules.spans([at(1, table="a")])
    assert changes(look(rules, 3600)) == [(75.0, "firing", "condition"), (615.0, "resolved", "forgotten")]
    assert [value for value in rules.changes().values() if value is not None] == [
        str((START // SECOND + 3600) // 15).encode()
    ]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", [(15.0, "firing", "condition"), (615.0, "resolved", "recovered")]),
        ("ok", [(15.0, "firing", "condition"), (75.0, "resolved", "no_data")]),
        ("alert", [(15.0, "firing", "condition"), (615.0, "resolved", "recovered"), (675.0, "firing", "no_data")]),
    ],
)
def test_no_data_keeps_ends_or_begins_an_alert_as_the_rule_says(
    policy: str, expected: list[tuple[float, str, str]]
) -> None:
    text = rule("mean", 'value = "duration"', "above = 2", f'no_data = "{policy}"')
    assert changes(run(text, [at(1, 3.0), at(601, 1.0)], 1200)) == expected


def test_fewer_events_than_a_mean_needs_are_no_data() -> None:
    text = rule("ratio", 'bad = "duration > 2"', "above = 0.5", "min_count = 3")
    assert run(text, [at(1, 3.0), at(2, 3.0)], 60) == []
    assert changes(run(text, [at(1, 3.0), at(2, 3.0), at(3)], 15)) == [(15.0, "firing", "condition")]


def test_no_data_is_told_once_a_whole_window_is_known_and_names_no_value() -> None:
    text = rule("mean", 'value = "duration"', "above = 2", 'no_data = "alert"', 'summary = "mean is {{ value }}"')
    rules = engine(text)
    assert rules.tick(START) == []
    (fired,) = look(rules, 600)
    assert changes([fired]) == [(60.0, "firing", "no_data")]
    assert (fired.value, fired.annotations) == (0.0, {"summary": "mean is unknown"})


@pytest.mark.parametrize("kind", ["count", "rate"])
def test_too_few_events_are_told_once_a_whole_window_is_known(kind: str) -> None:
    rules = engine(rule(kind, "below = 0.01"))
    rules.tick(START)
    assert changes(look(rules, 300)) == [(60.0, "firing", "condition")]
    rules.spans([at(301)])
    assert changes(look(rules, 400)) == [(315.0, "resolved", "recovered"), (375.0, "firing", "condition")]


def test_an_empty_window_of_a_count_can_be_no_data() -> None:
    keep = run(rule("count", "above = 1", 'no_data = "keep"'), [at(1), at(2), at(601)], 900)
    assert changes(keep) == [(15.0, "firing", "condition"), (615.0, "resolved", "recovered")]
    alert = run(rule("count", "above = 1", 'no_data = "alert"'), [at(1)], 900)
    assert changes(alert) == [(75.0, "firing", "no_data")]


def test_late_events_count_in_the_instants_that_follow_and_are_counted() -> None:
    rules = engine(rule("count", "above = 2"))
    rules.spans([at(16), at(17)])
    assert look(rules, 30) == []
    rules.spans([at(18)])
    assert changes(look(rules, 45)) == [(45.0, "firing", "condition")]
    assert changes(look(rules, 200)) == [(90.0, "resolved", "recovered")]
    rules.spans([at(40)])
    assert look(rules, 600) == []
    assert rules.take_counts().losses == {"late_event": 1, "expired_event": 1}


def test_no_instant_is_decided_before_its_lateness_has_passed() -> None:
    rules = engine(rule("count", "above = 0"))
    rules.spans([at(1)])
    assert rules.tick(START + 45 * SECOND - 1) == []
    rules.spans([at(2)])
    (fired,) = rules.tick(START + 45 * SECOND)
    assert fired.value == 2.0
    assert rules.take_counts().losses == {}


def test_texts_name_the_value_the_window_and_the_event_that_tells_most() -> None:
    text = rule(
        "quantile", 'value = "duration"', "quantile = 0.5", "above = 1", 'by = ["db.namespace"]',
        'summary = "{{ value | duration }} > {{ threshold | duration }} of {{ count }} in {{ window | duration }}"',
        'description = "{{ db.query.text }} on {{ labels.db_namespace }}: {{ trace_id }}"',
        'runbook_url = "https://runbooks.example.org"',
    )  # fmt: skip
    spans = [
        at(one, duration, db__query__text=f"q{duration}", db__namespace="shop")
        for one, duration in ((1, 2.0), (20, 9.0), (21, 3.0))
    ]
    (fired, *_) = run(text.replace('window = "1m"', 'window = "1m"\ninterval = "30s"'), spans, 30)
    trace = spans[1].trace_id.hex()
    assert fired.annotations == {
        "summary": "2.99 s > 1 s of 3 in 1 min 0 s",
        "description": f"q9.0 on shop: {trace}",
        "runbook_url": "https://runbooks.example.org",
        "trace_id": trace,
    }
    assert fired.trace_id == spans[1].trace_id


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (rule("count", "above = 1"), 4),
        (rule("ratio", 'bad = "duration > 2"', "above = 0.1"), 3),
        (rule("ratio", 'bad = "duration <= 2"', "below = 0.9"), 3),
        (rule("mean", 'value = "duration"', "below = 9"), 1),
        (rule("sum", 'value = "duration"', "above = 1"), 2),
        (rule("distinct", 'value = "duration"', "above = 1"), 4),
    ],
)
def test_the_example_is_the_furthest_number_the_last_bad_event_or_the_last(text: str, second: int) -> None:
    spans = [at(1, 1.0), at(2, 8.0), at(3, 5.0), at(4, 1.5)]
    (fired,) = run(text, spans, 15)
    assert fired.trace_id == spans[second - 1].trace_id


def test_records_and_errors_have_windows_too() -> None:
    text = rule("count", 'where = "level == \\"ERROR\\""', "above = 1", source="log", name="Lines")
    text += rule("distinct", 'value = "error.type"', "above = 1", source="error", name="Types")
    rules = engine(text)
    rules.records([record(START + SECOND), record(START + 2 * SECOND)])
    rules.failures([failure(START + SECOND, "ValueError"), failure(START + 2 * SECOND, "KeyError")])
    fired = look(rules, 15)
    assert [(alert.name, alert.value) for alert in fired] == [("Lines", 2.0), ("Types", 2.0)]
    assert fired[1].trace_id == b"t" * 16


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 10**400, True, "12", [1]])
def test_values_that_cannot_be_added_up_are_counted(value: object) -> None:
    rules = engine(rule("sum", 'value = "app.size"', "above = 1"))
    rules.spans([at(1, app__size=value), at(2, app__size=None), at(3), at(4, app__size=2)])
    assert [alert.value for alert in look(rules, 15)] == [2.0]
    assert rules.take_counts().losses == {"event_value": 1}


@pytest.mark.parametrize(
    "value", ["\ud800", "\0", 10**5000, [[1], {"a": None}], math.nan, b"x", ""], ids=lambda value: type(value).__name__
)
def test_values_of_any_type_are_told_apart(value: object) -> None:
    rules = engine(rule("distinct", 'value = "app.id"', "above = 1"))
    rules.spans([at(1, app__id=value), at(2, app__id=value), at(3, app__id="other")])
    assert [alert.value for alert in look(rules, 15)] == [2.0]
    rules.changes()


def test_different_values_beyond_the_bound_are_counted_and_the_rest_is_a_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logagent.alerting.windows.distinct.MOST_VALUES", 100)
    rules = engine(rule("distinct", 'value = "app.id"', "above = 10"))
    rules.spans(
        [at(1, app__id=number) for number in range(150)] + [at(16, app__id=number) for number in range(90, 150)]
    )
    (fired,) = look(rules, 30)
    assert fired.value == 100.0
    assert rules.take_counts().losses == {"distinct_limit": 100}
    assert changes(look(rules, 120)) == [(75.0, "resolved", "recovered")]


@pytest.mark.parametrize("time", [-1, -(10**30), 2**63, 10**30])
def test_times_that_no_instant_can_have_are_counted(time: int) -> None:
    rules = engine(rule("count", "above = 0"))
    span = query(START)
    span.end_unix_nano = time
    rules.spans([span])
    assert look(rules, 60) == []
    assert rules.take_counts().losses == {"event_time": 1}


def test_a_line_of_1970_and_one_of_2200_cost_no_more_than_others() -> None:
    rules = engine(rule("count", "above = 0") + rule("absence", name="Gone"))
    rules.spans([query(SECOND), query(START), query(7_258_118_400 * SECOND)])
    assert len(look(rules, 60)) < 20
    assert len(rules.tick(10**30)) < 20
    assert all(len(value) < 500 for value in rules.changes().values() if value)


def test_panes_that_wait_are_bounded_and_the_farthest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logagent.alerting.windows.collection.MOST_AHEAD", 10)
    rules = engine(rule("count", "above = 0", 'by = ["db.collection.name"]'))
    rules.tick(START)
    rules.spans([at(HOUR / SECOND + 100 * number, table=f"t{number}") for number in range(50)])
    rules.spans([at(1, table="near"), at(2, table="near")])
    assert rules.take_counts().losses == {"event_ahead": 41}
    assert [(alert.labels["db_collection_name"], alert.value) for alert in look(rules, 15)] == [("near", 2.0)]


def test_twenty_thousand_groups_cost_no_more_than_the_bound() -> None:
    rules = engine(rule("count", "above = 0", 'by = ["db.collection.name"]', "max_groups = 5"))
    rules.spans([at(1, table=f"{number}" * 300) for number in range(20_000)])
    assert len(look(rules, 15)) == 6
    assert sum(map(len, filter(None, rules.changes().values()))) < 12_000


def test_what_an_alert_shows_is_of_now() -> None:
    rules = engine(rule("count", "above = 1", 'for = "15s"'))
    rules.spans([at(1), at(2)])
    look(rules, 15)
    (pending,) = rules.firing()
    assert (pending.state.value, pending.value, pending.reason) == ("pending", 2.0, "condition")
    rules.spans([at(16)])
    look(rules, 30)
    (firing,) = rules.firing()
    assert (firing.state.value, firing.value, seconds_of(firing.starts_unix_nano)) == ("firing", 3.0, 30.0)
    assert told(look(rules, 600)) == [("resolved", "recovered", 1.0)]
    assert rules.firing() == []
