from __future__ import annotations

import time
from fractions import Fraction

import pytest
from alert_samples import DAY, HOUR, MINUTE, SECOND, START, engine
from slo_samples import AVAILABILITY, HOURLY, minute, only, pass_time, request, told

from logagent.alerting.slo.burn_rates import budget_share, can_fire, least_objective, workbook_burn_rates


def test_the_workbook_gives_its_four_pairs_for_thirty_days() -> None:
    assert [(one.window, one.short_minutes, one.factor, one.severity) for one in workbook_burn_rates(30)] == [
        ("1h", 5, Fraction(72, 5), "critical"),
        ("6h", 30, 6, "critical"),
        ("1d", 120, 3, "warning"),
        ("3d", 360, 1, "warning"),
    ]


@pytest.mark.parametrize("days", [7, 14, 28, 60, 90])
def test_windows_scale_with_the_period_and_each_may_spend_the_same_share_of_the_budget(days: int) -> None:
    for one, of_a_month in zip(workbook_burn_rates(days), workbook_burn_rates(30), strict=True):
        assert one.factor == of_a_month.factor
        assert one.long_minutes * 30 == of_a_month.long_minutes * days
        assert one.short_minutes == max(round(Fraction(of_a_month.short_minutes * days, 30)), 1)


def test_an_alert_can_fire_above_the_objective_at_which_all_bad_events_burn_fast_enough() -> None:
    fastest = workbook_burn_rates(30)[0]
    assert round(least_objective(fastest), 2) == 93.06
    assert can_fire(fastest, 93.06)
    assert not can_fire(fastest, 93.05)
    assert [round(least_objective(one), 2) for one in workbook_burn_rates(30)[1:]] == [83.33, 66.67, 0.0]


def test_objectives_are_the_decimal_numbers_that_were_written() -> None:
    assert budget_share(99.9) == Fraction(1, 1000)
    assert budget_share(99.99) == Fraction(1, 10_000)


def test_burn_rates_are_those_worked_out_by_hand() -> None:
    rules = engine(AVAILABILITY, labels={"service": "shop"})
    # 3 days of 1,000 good requests an hour, then 5 minutes in which 10 of 50 fail
    for hour in range(72):
        rules.spans([request(START + hour * HOUR + 30 * SECOND)] * 1000)
        rules.tick(START + hour * HOUR + MINUTE)
    for at in range(72 * 60 + 1, 72 * 60 + 6):
        rules.spans(minute(at, bad=2, good=8))
    fired = pass_time(rules, 72 * 60 + 5)
    state = only(rules)
    assert (state.valid, state.bad, state.good) == (72_050, 10, 72_040)
    # bad / valid / 0.001; the hour's window holds the last minutes only, as the thousand came at the hour's start
    assert state.burn_rates == {
        "5m": 200.0,
        "30m": 200.0,
        "1h": 200.0,
        "2h": pytest.approx(10 / 1050 * 1000),
        "6h": pytest.approx(10 / 5050 * 1000),
        "1d": pytest.approx(10 / 23_050 * 1000),
        "3d": pytest.approx(10 / 71_050 * 1000),
        "30d": pytest.approx(10 / 72_050 * 1000),
    }
    assert state.budget_left == pytest.approx(1 - 10 / 72.05)
    assert state.sli == pytest.approx(72_040 / 72_050)
    assert told(fired) == [(72 * 60 + 3, "1h", "firing")]
    (page,) = fired
    assert page.labels == {"service": "shop", "alertname": "Availability", "severity": "critical", "window": "1h"}
    assert (page.value, page.reason) == (200.0, "burn_rate")
    # 1 - 6 / 72.030 of the budget is left, and 30 days' worth of it lasts 30 d / 200
    left = (1 - 6 / 72.03) * 30 * 24 * 60 / 200
    assert page.annotations["summary"] == (
        f"Availability spends its error budget 200 times too fast: at this speed the error budget ends in "
        f"{int(left) // 60} h {round(left % 60)} min"
    )
    assert page.trace_id == (START + (72 * 60 + 3) * MINUTE - 30 * SECOND).to_bytes(16, "big")
    assert state.firing == ("1h",)
    assert rules.firing_counts() == [("Availability", "critical", 1), ("Availability", "warning", 0)]


def test_both_windows_must_exceed_the_rate_and_the_short_one_ends_it() -> None:
    rules = engine(HOURLY)
    # of 100 requests 10 are bad: exactly ten times the 1 % that is allowed, which is not more than ten times
    for at in range(1, 11):
        rules.spans(minute(at, bad=1, good=9))
        assert pass_time(rules, at) == []
    rules.spans(minute(11, bad=2, good=8))
    fired = pass_time(rules, 11)
    assert told(fired) == [(11, "1h", "firing")]
    assert fired[0].value == pytest.approx(12 / 110 * 100)
    rules.spans(minute(12, good=10))
    ended = pass_time(rules, 12)
    assert told(ended) == [(12, "1h", "resolved")]
    assert (ended[0].reason, ended[0].starts_unix_nano) == ("recovered", START + 11 * MINUTE)
    assert ended[0].labels == fired[0].labels
    assert ended[0].trace_id == fired[0].trace_id


def test_too_few_bad_events_page_nobody() -> None:
    rules = engine(HOURLY)
    rules.spans(minute(1, bad=1))
    assert pass_time(rules, 1) == []
    rules.spans(minute(2, bad=1))
    assert told(pass_time(rules, 2)) == [(2, "1h", "firing")]


def test_too_few_valid_events_page_nobody() -> None:
    rules = engine(HOURLY + "min_valid = 4\n")
    rules.spans(minute(1, bad=3))
    assert pass_time(rules, 1) == []
    rules.spans(minute(2, bad=1))
    assert told(pass_time(rules, 2)) == [(2, "1h", "firing")]


def test_silence_after_an_outage_ends_no_alert_before_the_long_window_is_empty() -> None:
    rules = engine(HOURLY)
    rules.spans(minute(1, bad=3))
    assert told(pass_time(rules, 50)) == [(1, "1h", "firing")]
    assert told(rules.firing()) == [(50, "1h", "firing")]
    assert told(pass_time(rules, 60)) == []
    assert told(pass_time(rules, 90)) == [(61, "1h", "resolved")]


def test_a_service_with_a_request_a_day_is_told_of_its_outage() -> None:
    guarded = AVAILABILITY + 'min_valid = 100\nlow_traffic = "critical"\n'
    rules = engine(guarded)
    fired = []
    for day in range(25):
        rules.spans([request(START + day * DAY, 500 if 10 <= day < 18 else 200)])
        fired += rules.tick(START + day * DAY + MINUTE)
    # the fifth failure in the period is that of day 14; three days of good requests end it
    assert [(one.state.value, one.reason, (one.time_unix_nano - START) // DAY) for one in fired] == [
        ("firing", "low_traffic", 14),
        ("resolved", "recovered", 20),
    ]
    assert fired[0].labels["window"] == "30d"
    assert fired[0].labels["severity"] == "critical"
    assert fired[0].annotations["summary"].endswith("the error budget is spent")


def test_traffic_that_is_not_low_has_no_alert_for_low_traffic() -> None:
    rules = engine(HOURLY.replace('"none"', '"warning"'))
    fired = []
    for at in range(1, 70):
        rules.spans(minute(at, bad=5, good=25))
        fired += pass_time(rules, at)
    assert told(fired) == [
        (1, "1h", "firing"),
        (1, "7d", "firing"),
        (60, "7d", "resolved"),
    ]


def test_good_events_are_those_that_the_condition_holds_for() -> None:
    text = HOURLY.replace("bad = 'http.response.status_code >= 500'", "good = 'duration <= 2s'\nvalid = 'not error'")
    rules = engine(text)
    rules.spans([request(START, seconds=seconds) for seconds in (0.5, 2.0, 2.1)])
    rules.tick(START)
    assert (only(rules).valid, only(rules).bad) == (3, 1)


@pytest.mark.parametrize("status", [None, "500", float("nan"), [500], True])
def test_whatever_a_status_is_the_event_is_counted(status: object) -> None:
    rules = engine(HOURLY)
    rules.spans([request(START, status)])
    rules.tick(START)
    assert (only(rules).valid, only(rules).bad) == (1, 0)


def test_thirty_days_pass_in_well_under_a_second() -> None:
    rules = engine(AVAILABILITY)
    began = time.process_time()
    for at in range(0, 43_200, 15):
        rules.spans(minute(at, bad=at % 3000 == 0, good=3))
        pass_time(rules, at)
    assert time.process_time() - began < 1.0
    assert only(rules).valid == 2880 * 3 + 15
    assert only(rules).bad == 15
