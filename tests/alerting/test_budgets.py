from __future__ import annotations

import math

import pytest
from alert_samples import DAY, HOUR, MONTHLY, SECOND, START, call, engine, told

NOVEMBER = START - DAY
DECEMBER = NOVEMBER + 30 * DAY
HOURLY = MONTHLY.replace('"month"', '"hour"')
GROUPED = MONTHLY + 'by = { user = "user.id" }\nlimits = { ann = 10 }\nmax_groups = 2\n'


def test_each_threshold_fires_once_with_its_severity() -> None:
    rules = engine(MONTHLY, labels={"service": "shop"})
    alerts = rules.spans([call(START + second * SECOND, 10.0) for second in range(15)])
    assert [(alert.labels["threshold"], alert.labels["severity"], alert.value) for alert in alerts] == [
        ("0.5", "warning", 0.5),
        ("0.9", "critical", 0.9),
        ("1", "warning", 1.0),
    ]
    first = alerts[0]
    assert (first.reason, first.starts_unix_nano) == ("threshold", START + 4 * SECOND)
    assert first.labels["period"] == "2026-11"
    assert first.labels["service"] == "shop"
    assert first.annotations["summary"] == "$50.00 of $100.00 in 2026-11, 0 unpriced"
    assert first.trace_id == (START + 4 * SECOND).to_bytes(16, "big")
    assert rules.firing_counts() == [("Monthly", "warning", 2), ("Monthly", "critical", 1)]


def test_one_call_may_reach_several_thresholds() -> None:
    alerts = engine(MONTHLY).spans([call(START, 95)])
    assert [alert.labels["threshold"] for alert in alerts] == ["0.5", "0.9"]


def test_the_rounding_of_sums_delays_no_threshold() -> None:
    rules = engine(MONTHLY.replace("limit = 100", "limit = 1"))
    alerts = rules.spans([call(START + second, 0.1) for second in range(10)])
    assert rules.budgets()[0].spent < 1
    assert alerts[-1].labels["threshold"] == "1"


@pytest.mark.parametrize("cost", [None, "0.5", True, math.nan, math.inf, -1.0, 10**400, [1.0]])
def test_a_call_without_a_usable_price_counts_as_unpriced_and_not_as_zero(cost: object) -> None:
    rules = engine(MONTHLY)
    assert rules.spans([call(START, cost), call(START, 1.5)]) == []
    (state,) = rules.budgets()
    assert (state.calls, state.unpriced, state.spent) == (2, 1, 1.5)


def test_the_end_of_the_period_resolves_what_fires_and_begins_at_nothing() -> None:
    rules = engine(MONTHLY)
    rules.spans([call(DECEMBER - 1, 60.0)])
    assert rules.tick(DECEMBER - 1) == []
    alerts = rules.tick(DECEMBER + HOUR)
    assert told(alerts) == [("resolved", "period_end", 0.6)]
    assert alerts[0].ends_unix_nano == alerts[0].time_unix_nano == DECEMBER
    assert rules.firing() == []
    (state,) = rules.budgets()
    assert (state.period, state.spent, state.period_start_unix_nano) == ("2026-12", 0.0, DECEMBER)
    assert told(rules.spans([call(DECEMBER, 50.0)])) == [("firing", "threshold", 0.5)]


def test_late_calls_count_in_the_previous_period_and_may_still_reach_a_threshold() -> None:
    rules = engine(MONTHLY)
    rules.spans([call(START, 40.0), call(DECEMBER, 5.0)])
    rules.tick(DECEMBER + HOUR)
    late = rules.spans([call(DECEMBER - 1, 20.0)])
    assert told(late) == [("firing", "threshold", 0.6)]
    assert late[0].labels["period"] == "2026-11"
    assert told(rules.tick(DECEMBER + HOUR + 1)) == [("resolved", "period_end", 0.6)]
    assert rules.budgets()[0].spent == 5.0
    assert rules.spans([call(DECEMBER - 1, 1.0)]) == []


def test_calls_before_the_previous_period_are_counted_as_lost() -> None:
    rules = engine(MONTHLY)
    rules.tick(DECEMBER + 31 * DAY)
    rules.spans([call(DECEMBER - 1, 60.0), call(-5, 1.0)])
    assert rules.take_counts().losses == {"budget_late": 1, "budget_time": 1}
    assert rules.firing() == []


def test_a_pruned_period_stays_closed_after_a_restart() -> None:
    rules = engine(MONTHLY)
    rules.spans([call(START, 60.0)])
    kept = {key: value for key, value in rules.changes().items() if value is not None}
    rules.tick(DECEMBER + 31 * DAY)
    for key, value in rules.changes().items():
        if value is None:
            kept.pop(key)
        else:
            kept[key] = value
    again = engine(MONTHLY)
    again.restore(kept)
    assert again.spans([call(START, 60.0)]) == []
    assert again.take_counts().losses == {"budget_late": 1}


def test_one_line_from_the_future_closes_no_period() -> None:
    rules = engine(MONTHLY)
    rules.spans([call(START, 40.0), call(START + 60 * 365 * DAY, 1.0), call(START, 20.0)])
    rules.tick(START)
    assert rules.budgets()[0].spent == 60.0
    assert len(rules.firing()) == 1


def test_many_periods_read_without_a_tick_keep_the_latest() -> None:
    rules = engine(HOURLY)
    alerts = rules.spans([call(START + hour * HOUR, 50.0) for hour in range(70)])
    assert sum(alert.state.value == "firing" for alert in alerts) == 70
    assert sum(alert.state.value == "resolved" for alert in alerts) == 6
    assert rules.spans([call(START, 60.0)]) == []
    assert rules.take_counts().losses == {"budget_late": 1}
    assert len(rules.firing()) == 64


def test_groups_have_limits_of_their_own_and_share_one_beyond_the_cap() -> None:
    rules = engine(GROUPED)
    alerts = rules.spans([call(START, 6.0, user) for user in ("ann", "bob", "cid", "dan")])
    assert [(alert.labels["user"], alert.labels["threshold"]) for alert in alerts] == [("ann", "0.5")]
    states = {tuple(state.group.items()): (state.spent, state.limit) for state in rules.budgets()}
    assert states == {
        (("user", "ann"),): (6.0, 10.0),
        (("user", "bob"),): (6.0, 100.0),
        (("overflow", "true"),): (12.0, 100.0),
    }


def test_the_state_says_what_there_is_to_show() -> None:
    rules = engine(MONTHLY)
    assert rules.budgets() == []
    rules.spans([call(START, 60.0)])
    (state,) = rules.budgets()
    assert (state.name, state.group, state.unit, state.limit, state.share) == ("Monthly", {}, "USD", 100.0, 0.6)
    assert (state.period_start_unix_nano, state.period_end_unix_nano) == (NOVEMBER, DECEMBER)
    assert (state.thresholds, state.fired) == ((0.5, 0.9, 1.0), (0.5,))


def test_the_month_is_that_of_the_budgets_zone() -> None:
    rules = engine(MONTHLY + 'timezone = "Europe/Amsterdam"\n')
    rules.spans([call(DECEMBER - HOUR, 10.0), call(DECEMBER - HOUR - 1, 20.0)])
    rules.tick(DECEMBER - HOUR - 1)
    assert (rules.budgets()[0].period, rules.budgets()[0].spent) == ("2026-11", 20.0)
    rules.tick(DECEMBER - HOUR)
    assert (rules.budgets()[0].period, rules.budgets()[0].spent) == ("2026-12", 10.0)


def test_a_budget_may_count_anything() -> None:
    tokens = MONTHLY.replace('currency = "USD"', 'unit = "tokens"').replace(
        "gen_ai.usage.cost", "gen_ai.usage.cost * 2"
    )
    rules = engine(tokens)
    rules.spans([call(START, 30)])
    assert (rules.budgets()[0].unit, rules.budgets()[0].spent) == ("tokens", 60.0)
