from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.forecast import LIMIT, TWICE, Figures, Results, measure, merge, pooled
from benchmarks.forecast_spend import CONFIRMATION_SEEDS, DEVELOPMENT_SEEDS, LAUNCHES, STEADY, make_year
from logagent.alerting.forecasting import Estimate, Present, fit, next_days, period_total
from logagent.alerting.forecasting.seasons import learn, places

MONDAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def results() -> Results:
    jobs = product((STEADY[0], STEADY[2], LAUNCHES[0], LAUNCHES[2]), range(70_000, 70_008))
    return merge(measure(scenario, seed, (3, 10, 20)) for scenario, seed in jobs)


def test_seeds_that_confirm_are_not_those_that_the_method_was_chosen_on() -> None:
    assert not set(CONFIRMATION_SEEDS) & set(DEVELOPMENT_SEEDS)
    assert make_year(STEADY[0], 1) == make_year(STEADY[0], 1) != make_year(STEADY[0], 2)


@pytest.mark.parametrize("day", [0, 10])
def test_spend_that_can_be_foreseen_is_forecast_within_five_percent(results: Results, day: int) -> None:
    assert pooled(results, (STEADY[0], STEADY[2]), day).ours < LIMIT


@pytest.mark.parametrize("day", [0, 10])
def test_with_launches_the_error_is_at_most_twice_that_of_one_who_knows_all_else(results: Results, day: int) -> None:
    figures = pooled(results, (LAUNCHES[0], LAUNCHES[2]), day)
    assert figures.ours <= TWICE * figures.oracle


@pytest.mark.parametrize("day", [3, 10, 20])
def test_a_projection_is_better_than_the_run_rate_on_every_day(results: Results, day: int) -> None:
    figures = pooled(results, (LAUNCHES[0], LAUNCHES[2]), day)
    assert figures.ours < figures.run_rate


def test_intervals_hold_eighty_of_a_hundred(results: Results) -> None:
    assert 0.75 <= Figures.of([sample for samples in results.values() for sample in samples]).coverage <= 0.85


def series(days: int, weekend: float = 1.0, last: float = 1.0, growth: float = 0.0) -> list[float]:
    amounts = []
    for index in range(days):
        day = MONDAY + timedelta(days=index)
        ending = (day + timedelta(days=3)).month != day.month
        amounts.append(
            100.0 * math.exp(growth * index) * (weekend if day.weekday() > 4 else 1) * (last if ending else 1)
        )
    return amounts


def test_weekdays_and_month_ends_are_learned() -> None:
    seasons = learn(MONDAY, series(400, 0.2, 1.5))
    assert seasons.weekdays[5] / seasons.weekdays[0] == pytest.approx(0.2, rel=0.05)
    assert seasons.turn[:3] == pytest.approx((1.5,) * 3, rel=0.05)
    assert seasons.turn[3:] == pytest.approx((1.0,) * 8, rel=0.05)


def test_each_day_of_a_month_has_its_place() -> None:
    assert places(date(2026, 2, 20), 13) == [10, 10, 6, 5, 4, 3, 2, 1, 0, 7, 8, 9, 10]


def test_a_forecast_follows_the_pattern_of_the_past() -> None:
    past, future = series(400, 0.2, 1.5)[:380], series(410, 0.2, 1.5)[380:410]
    estimate = next_days(fit(MONDAY, past), past, Present(MONDAY + timedelta(days=380), 0.0, 0.0))
    assert estimate.mid == pytest.approx(sum(future), rel=0.01)


def test_growth_goes_on() -> None:
    past, future = series(300, growth=0.001), series(330, growth=0.001)[300:]
    estimate = next_days(fit(MONDAY, past), past, Present(MONDAY + timedelta(days=300), 0.0, 0.0))
    assert estimate.mid == pytest.approx(sum(future), rel=0.015)


def test_a_new_level_is_followed_within_a_week_and_one_wild_day_is_not() -> None:
    launched = [100.0] * 100 + [200.0] * 8
    wild = [100.0] * 107 + [5000.0]
    day = Present(MONDAY + timedelta(days=108), 0.0, 0.0)
    assert next_days(fit(MONDAY, launched), launched, day).mid > 4500
    assert next_days(fit(MONDAY, wild), wild, day).mid < 3300


def test_the_present_day_is_not_extrapolated() -> None:
    past = [100.0] * 30
    model, today = fit(MONDAY, past), MONDAY + timedelta(days=30)
    tomorrow = today + timedelta(days=1)
    assert period_total(model, past, Present(today, 900.0, 0.25), 900.0, tomorrow).mid == pytest.approx(975)
    assert next_days(model, past, Present(today, 900.0, 0.25)).mid == pytest.approx(3000)


def test_a_run_rate_has_no_interval_and_no_chance() -> None:
    past = [3.0, *[10.0] * 12]
    assert fit(MONDAY, past) is None
    today = MONDAY + timedelta(days=13)
    estimate = period_total(None, past, Present(today, 5.0, 0.5), 128.0, today + timedelta(days=10))
    assert (estimate.low, estimate.high, estimate.certain) == (None, None, 128.0)
    assert estimate.mid == pytest.approx(128.0 + 9.5 * 10)
    assert (estimate.too_early, estimate.chance_above(1.0)) == (True, 0.0)


def test_the_chance_of_more_than_the_quantiles_is_what_they_say() -> None:
    estimate = Estimate(150.0, 200.0, 300.0, 100.0)
    assert [estimate.chance_above(amount) for amount in (50, 100, 150, 200, 300)] == pytest.approx(
        [1, 1, 0.9, 0.5, 0.1]
    )
    assert Estimate(10.0, 10.0, 10.0, 10.0).chance_above(10.1) == 0.0


amounts = st.one_of(st.floats(0, 1e15, allow_nan=False), st.sampled_from([0.0, 5e-324, 1e-123, 1e-9, 1.0, 1e15]))


@settings(deadline=None)
@example([0.0] * 20 + [1e-123, 1e15] * 5 + [1e-123] * 40, date(2026, 1, 1), 0.5)
@given(st.lists(amounts, min_size=1, max_size=80), st.dates(date(1970, 2, 1), date(8900, 1, 1)), st.floats(0, 1))
def test_whatever_was_spent_the_estimate_is_a_finite_ordered_amount(
    past: list[float], day: date, elapsed: float
) -> None:
    model = fit(day - timedelta(days=len(past)), past)
    present = Present(day, 7.0, elapsed)
    for estimate in (
        next_days(model, past, present),
        period_total(model, past, present, 9.0, day + timedelta(days=366)),
    ):
        assert math.isfinite(estimate.mid)
        assert estimate.certain <= estimate.mid
        if estimate.low is not None and estimate.high is not None:
            assert estimate.certain <= estimate.low <= estimate.mid <= estimate.high < math.inf
            for amount in (0.0, 5e-324, 9.0, math.nextafter(9.0, 10.0), estimate.mid, 1e15, 1e300):
                assert 0 <= estimate.chance_above(amount) <= 1


def test_nothing_spent_is_nothing_expected() -> None:
    estimate = next_days(fit(MONDAY, [0.0] * 60), [0.0] * 60, Present(MONDAY + timedelta(days=60), 0.0, 0.5))
    assert (estimate.low, estimate.mid, estimate.high) == (0.0, 0.0, 0.0)
