from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alert_samples import DAY, HOUR, MINUTE, MONTHLY, START, call, engine, problems, told

if TYPE_CHECKING:
    from logagent.alerting import AlertEngine
    from logagent.model import Alert

EXPECTED = MONTHLY.replace(
    'thresholds = [0.5, { at = 0.9, severity = "critical" }, 1.0]',
    'thresholds = [{ at = 1.0, severity = "critical" }, { at = 1.0, basis = "forecast", severity = "info" }]',
)
NOVEMBER, DECEMBER = START - DAY, START + 29 * DAY


def feed(rules: AlertEngine, cost: float, first: int, days: int) -> list[Alert]:
    """Spend at each noon, from a day of November on."""
    found: list[Alert] = []
    for day in range(days):
        noon = NOVEMBER + (first + day) * DAY + 12 * HOUR
        found += rules.spans([call(noon, cost)])
        found += rules.tick(noon + 12 * HOUR)
    return found


def test_a_forecast_beyond_the_limit_fires_once_before_the_spend_does() -> None:
    rules = engine(EXPECTED)
    alerts = feed(rules, 4.0, -20, 50)
    assert [one.reason for one in alerts] == ["forecast", "threshold", "period_end", "period_end"]
    assert [one.labels.get("basis") for one in alerts[:2]] == ["forecast", None]
    first = alerts[0]
    assert first.time_unix_nano == NOVEMBER + 3 * DAY
    assert first.labels["severity"] == "info"
    assert first.value == pytest.approx(1.2, rel=0.02)
    assert first.annotations["summary"].startswith("120 of 100 USD is expected for 2026-11, ")


def test_a_forecast_within_the_limit_stays_quiet() -> None:
    assert feed(engine(EXPECTED), 3.0, -30, 60) == []


def test_before_a_fortnight_of_history_no_forecast_fires_and_the_figure_is_the_run_rate() -> None:
    rules = engine(EXPECTED)
    assert feed(rules, 4.0, 2, 12) == []
    (state,) = rules.budgets()
    assert state.note == "too early: run rate"
    assert state.projection is not None
    assert (state.projection.low, state.projection.high) == (None, None)
    assert state.projection.mid == pytest.approx(12 * 4.0 + 16 * 4.0, rel=0.01)


def test_nothing_is_told_before_its_time() -> None:
    late = EXPECTED.replace('severity = "info"', 'severity = "info", not_before = "10d"')
    alerts = feed(engine(late), 4.0, -20, 35)
    assert [one.time_unix_nano for one in alerts] == [NOVEMBER + 10 * DAY]


def test_a_forecast_that_holds_no_longer_ends_and_does_not_come_again_in_the_period() -> None:
    rules = engine(EXPECTED)
    alerts = feed(rules, 4.0, -20, 25)
    alerts += feed(rules, 0.0, 5, 20)
    assert [one.reason for one in alerts] == ["forecast", "recovered"]
    assert feed(rules, 20.0, 25, 2) == []


def test_the_state_shows_what_the_period_and_the_next_thirty_days_will_come_to() -> None:
    rules = engine(EXPECTED)
    feed(rules, 3.0, -30, 40)
    (state,) = rules.budgets()
    assert state.note == ""
    assert state.projection is not None
    assert state.forecast_30d is not None
    assert state.projection.mid == pytest.approx(90, rel=0.02)
    assert state.forecast_30d.mid == pytest.approx(90, rel=0.02)
    assert state.projection.low is not None
    assert state.projection.low <= state.projection.mid <= (state.projection.high or 0)


def test_a_text_of_spend_may_name_the_projection() -> None:
    text = EXPECTED.replace("{{ unpriced }} unpriced", "{{ projected | usd }} projected")
    rules = engine(text)
    (fired, *_) = [one for one in feed(rules, 4.0, -20, 50) if one.reason == "threshold"]
    assert fired.annotations["summary"].endswith(" projected")
    assert "$122" in fired.annotations["summary"], "the second half of the day is still to come"


def test_a_raised_limit_arms_the_forecast_again() -> None:
    rules = engine(EXPECTED)
    feed(rules, 4.0, -20, 25)
    kept = {key: value for key, value in rules.changes().items() if value is not None}
    again = engine(EXPECTED.replace("limit = 100", "limit = 110"))
    again.restore(kept)
    assert told(again.tick(NOVEMBER + 5 * DAY))[0][:2] == ("resolved", "superseded")
    assert [one.reason for one in feed(again, 4.0, 5, 1)] == ["forecast"]


def test_the_past_outlives_another_period() -> None:
    rules = engine(EXPECTED)
    feed(rules, 4.0, -20, 25)
    kept = {key: value for key, value in rules.changes().items() if value is not None}
    again = engine(EXPECTED.replace('"month"', '"quarter"'))
    again.restore(kept)
    again.tick(NOVEMBER + 5 * DAY)
    (state,) = again.budgets()
    assert (state.period, state.note) == ("2026-Q4", "")


BURNING = MONTHLY + 'burn_rates = [{ long = "1h", short = "5m", budget_consumed = 0.05, severity = "page" }]\n'


def test_sudden_spend_fires_within_a_minute_and_ends_soon_after_it() -> None:
    rules = engine(BURNING)
    assert rules.spans([call(START + 30 * MINUTE, 4.9)]) == []
    assert rules.tick(START + 40 * MINUTE) == []
    rules.spans([call(START + 45 * MINUTE + 1, 0.2)])
    assert rules.tick(START + 45 * MINUTE + 59) == []
    rules.spans([call(START + 46 * MINUTE, 5.0)])
    (fired,) = rules.tick(START + 47 * MINUTE)
    assert (fired.reason, fired.time_unix_nano) == ("burn_rate", START + 47 * MINUTE)
    assert (fired.labels["window"], fired.labels["severity"]) == ("1h", "page")
    assert fired.value == pytest.approx(10.1 / 100 * 720)
    assert fired.trace_id == (START + 46 * MINUTE).to_bytes(16, "big")
    assert "times too fast: at this speed it lasts 9 h 54 min" in fired.annotations["summary"]
    assert [one.reason for one in rules.firing()] == ["burn_rate"]
    (ended,) = rules.tick(START + 2 * HOUR)
    assert (ended.reason, ended.time_unix_nano) == ("recovered", START + 52 * MINUTE)


def test_spend_at_an_even_speed_burns_nothing() -> None:
    rules = engine(BURNING)
    for hour in range(48):
        rules.spans([call(START + hour * HOUR + minute * MINUTE, 0.1 / 60) for minute in range(60)])
        assert rules.tick(START + (hour + 1) * HOUR) == []
    (state,) = rules.budgets()
    assert state.burn_rates["1h"] == pytest.approx(0.72, rel=0.01)


def test_a_changed_rule_ends_its_burn_rate_as_superseded() -> None:
    rules = engine(BURNING)
    rules.spans([call(START, 10.0)])
    rules.tick(START + MINUTE)
    kept = {key: value for key, value in rules.changes().items() if value is not None}
    again = engine(BURNING.replace("gen_ai.usage.cost", "gen_ai.usage.cost * 2"))
    again.restore(kept)
    assert [one.reason for one in again.tick(START + MINUTE)] == ["superseded"]


def test_the_first_call_without_a_price_is_told_where_the_budget_asks_for_it() -> None:
    rules = engine(MONTHLY + 'missing_price = "alert"\n')
    alerts = rules.spans([call(START, 1.0), call(START, None), call(START, None)])
    assert [(one.reason, one.labels["basis"]) for one in alerts] == [("unpriced", "unpriced")]
    assert alerts[0].annotations["summary"].startswith("1 of 2 calls of Monthly in 2026-11 have no price")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EXPECTED.replace('"month"', '"hour"'), "budget[0].thresholds: an hour has no forecast, which goes by days"),
        (
            EXPECTED.replace('severity = "info"', 'not_before = "40d"'),
            "budget[0].thresholds: `not_before` of 40d is never in a month; try: less than the period",
        ),
        (EXPECTED.replace('severity = "info"', "confidence = 50"), "budget[0].thresholds[1].confidence: it should be"),
        (EXPECTED.replace("basis", "bassis"), "unknown key `bassis`; did you mean `basis`?"),
        (BURNING.replace('"5m"', '"1h"'), "budget[0].burn_rates[0].short: the short window is not shorter"),
        (BURNING.replace('"1h"', '"90s"'), "budget[0].burn_rates[0].long: 90s is no window; try: whole minutes"),
        (
            BURNING.replace("short =", "short_window ="),
            "burn_rates[0].short_window: unknown key `short_window`; try: one of long, short",
        ),
        (BURNING + 'by = { window = "user.id" }\n', "budget[0].by: the label `window` is set by budgets"),
        (BURNING + 'burn_summary = "{{ chance }}"\n', "budget[0].burn_summary: unknown name `chance` in a text"),
    ],
)
def test_each_mistake_is_told_with_what_to_try(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(text)), problems(text)


def test_times_that_are_wrong_keep_no_more_than_a_bounded_past() -> None:
    rules = engine(EXPECTED.replace('"month"', '"year"') + BURNING[len(MONTHLY) :])
    for year in range(1970, 2200):
        rules.spans([call((year - 1970) * 365 * DAY + hour * HOUR, 0.001) for hour in range(0, 24, 6)])
    months = [key for key, value in rules.changes().items() if value is not None and "budget_days" in key]
    assert len(months) == 32
    assert rules.take_counts().losses["event_ahead"] > 0
