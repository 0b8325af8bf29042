from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from alert_samples import DAY, HOUR, MINUTE, SECOND, START, engine
from slo_samples import AVAILABILITY, HOURLY, LATE, REGIONAL, minute, only, pass_time, request, told

if TYPE_CHECKING:
    from logagent.alerting import AlertEngine

MONTHLY = AVAILABILITY + 'period = "month"\ntimezone = "{zone}"\n'


def local(zone: str, *date: int) -> int:
    return int(datetime(*date, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND  # type: ignore[misc]  # a date has three parts


def figures(rules: AlertEngine) -> dict[str, tuple[int, int, float]]:
    return {",".join(one.group.values()): (one.valid, one.bad, one.objective) for one in rules.slos()}


def test_each_region_has_an_objective_and_alerts_of_its_own() -> None:
    rules = engine(REGIONAL)
    rules.spans(minute(1, bad=2, good=8, region="eu") + minute(1, bad=2, good=8, region="ap"))
    fired = pass_time(rules, 1)
    # 20 % bad burns 20 times too fast at 99 %, 4 times at 95 %
    assert told(fired) == [(1, "1h", "firing")]
    assert fired[0].labels["region"] == "eu"
    assert figures(rules) == {"ap": (10, 2, 95.0), "eu": (10, 2, 99.0)}
    assert [one.burn_rates["1h"] for one in rules.slos()] == [4.0, 20.0]


def test_regions_beyond_the_cap_share_a_group() -> None:
    rules = engine(REGIONAL)
    for region in ("eu", "us", "sa", "af"):
        rules.spans(minute(1, good=1, region=region))
    pass_time(rules, 1)
    assert figures(rules) == {"eu": (1, 0, 99.0), "us": (1, 0, 99.0), "true": (2, 0, 99.0)}


def test_the_total_counts_the_events_of_all_regions_and_alerts_by_itself() -> None:
    rules = engine(REGIONAL + 'composite = "total"\n')
    rules.spans([*minute(1, bad=1, good=4, region="eu"), *minute(1, bad=1, good=4, region="us")])
    fired = pass_time(rules, 1)
    assert [one.labels for one in fired] == [
        {"alertname": "Availability", "severity": "critical", "window": "1h", "composite": "total"}
    ]
    assert figures(rules) == {"total": (10, 2, 99.0), "eu": (5, 1, 99.0), "us": (5, 1, 99.0)}
    assert sorted(rules.take_counts().slo_events) == [("Availability", "eu", 5, 1), ("Availability", "us", 5, 1)]
    assert rules.take_counts().slo_events == []


def test_the_worst_region_is_the_one_with_the_least_budget_left() -> None:
    rules = engine(REGIONAL + 'composite = "worst"\n')
    rules.spans([*minute(1, bad=1, good=9, region="eu"), *minute(1, bad=2, good=8, region="ap")])
    pass_time(rules, 1)
    worst = rules.slos()[0]
    assert worst.group == {"composite": "worst"}
    assert (worst.bad, worst.budget_left) == (1, pytest.approx(-9.0))


def test_a_region_that_is_gone_is_forgotten_with_its_last_event() -> None:
    rules = engine(REGIONAL)
    rules.spans(minute(1, good=1, region="eu"))
    rules.tick(START + 7 * DAY + MINUTE)
    assert len(rules.slos()) == 1
    rules.tick(START + 7 * DAY + 2 * HOUR)
    assert rules.slos() == []
    assert rules.take_counts().slo_events == [("Availability", "eu", 1, 0)]


def test_an_slo_without_events_shows_nothing_but_itself() -> None:
    state = only(engine(AVAILABILITY))
    assert (state.valid, state.sli, state.budget_left, state.firing) == (0, None, None, ())
    assert set(state.burn_rates.values()) == {None}
    assert state.period == "30d"


def test_late_events_count_from_then_on_and_are_told_of() -> None:
    rules = engine(HOURLY)
    rules.spans(minute(10, good=10))
    pass_time(rules, 20)
    rules.spans(minute(15, bad=5))
    assert rules.take_counts().losses == {"late_event": 5}
    assert (only(rules).valid, only(rules).bad) == (15, 5)
    assert only(rules).burn_rates == {"5m": None, "1h": pytest.approx(100 / 3), "7d": pytest.approx(100 / 3)}
    assert pass_time(rules, 21) == [], "the short window does not hold them any more"
    rules.spans(minute(20, bad=1))
    assert told(pass_time(rules, 25)) == [(22, "1h", "firing")]
    assert rules.take_counts().losses == {"late_event": 1}


def test_events_before_the_period_and_of_no_time_are_counted_as_lost() -> None:
    rules = engine(HOURLY)
    rules.spans(minute(10, good=1))
    rules.tick(START + 8 * DAY)
    rules.spans([request(START + HOUR), request(-1), request(2**63)])
    assert rules.take_counts().losses == {"expired_event": 1, "event_time": 2}
    assert only(rules).valid == 0


def test_one_line_from_the_future_changes_nothing_before_its_time() -> None:
    rules = engine(HOURLY)
    rules.spans([*minute(10, bad=3), request(START + 60 * 365 * DAY, 500), *minute(11, bad=3)])
    assert told(pass_time(rules, 11)) == [(10, "1h", "firing")]
    assert (only(rules).valid, only(rules).bad) == (6, 6)
    rules.tick(START + 61 * 365 * DAY)
    assert only(rules).valid == 0


def test_a_clock_gone_mad_does_not_fill_the_memory() -> None:
    rules = engine(HOURLY)
    rules.spans([request(START + at * MINUTE) for at in range(50_010)])
    assert rules.take_counts().losses == {"event_ahead": 10}


@pytest.mark.parametrize(
    ("zone", "first", "following", "label"),
    [
        ("Europe/Amsterdam", (2026, 3, 1), (2026, 4, 1), "2026-03"),  # an hour is missing
        ("Europe/Amsterdam", (2026, 10, 1), (2026, 11, 1), "2026-10"),  # an hour comes twice
        ("America/Santiago", (2026, 9, 1), (2026, 10, 1), "2026-09"),  # a midnight is missing
        ("Asia/Kathmandu", (2026, 2, 1), (2026, 3, 1), "2026-02"),  # 5:45 h ahead
    ],
)
def test_a_calendar_month_begins_and_ends_at_local_midnight(
    zone: str, first: tuple[int, ...], following: tuple[int, ...], label: str
) -> None:
    start, end = local(zone, *first), local(zone, *following)
    rules = engine(MONTHLY.format(zone=zone))
    rules.spans([request(start - 1, 500)])
    rules.spans([request(start), request(start + 1), request(end - 1, 500)])
    rules.tick(end - 1)
    state = only(rules)
    assert (state.period, state.valid, state.bad) == (label, 3, 1)
    rules.spans([request(end, 500)])
    rules.tick(end + 1)
    state = only(rules)
    assert (state.valid, state.bad, state.budget_left) == (1, 1, pytest.approx(-999))
    rules.tick(end + 5 * MINUTE)
    assert (only(rules).valid, only(rules).bad) == (1, 1)
    assert only(rules).burn_rates["month"] == pytest.approx(1000)
    assert only(rules).burn_rates["1h"] == pytest.approx(1000)


def test_a_calendar_week_begins_on_monday() -> None:
    rules = engine(HOURLY.replace('"7d"', '"week"'))
    rules.spans([request(START - 1), request(START)])  # a Monday
    rules.tick(START + HOUR)
    assert (only(rules).period, only(rules).valid) == ("2026-W45", 1)


def test_a_new_month_begins_with_a_full_budget_while_alerts_go_on() -> None:
    rules = engine(HOURLY.replace('"7d"', '"month"'))
    december = START + 29 * DAY
    rules.spans([request(december - MINUTE - SECOND, 500)] * 3)
    fired = rules.tick(december + LATE)
    assert [one.state.value for one in fired] == ["firing"]
    rules.tick(december + 10 * MINUTE)
    state = only(rules)
    assert (state.period, state.valid, state.budget_left, state.firing) == ("2026-12", 0, None, ("1h",))
    assert rules.firing()[0].annotations["summary"].endswith("the error budget ends in 7 h 12 min")
    (ended,) = rules.tick(december + 2 * HOUR)
    assert ended.state.value == "resolved"


def test_figures_hold_what_was_counted_up_to_now_though_it_is_not_decided() -> None:
    rules = engine(HOURLY)
    rules.spans(minute(1, bad=1, good=9))
    rules.tick(START + MINUTE - 20 * SECOND)
    assert (only(rules).valid, only(rules).bad) == (10, 1)
    assert only(rules).burn_rates["1h"] is None


def test_the_example_is_of_the_latest_bad_minute_that_is_decided() -> None:
    rules = engine(HOURLY)
    rules.spans([*minute(1, bad=1), *minute(2, bad=1, good=1), *minute(3, bad=1)])
    (fired,) = pass_time(rules, 2)
    assert fired.trace_id == (START + 2 * MINUTE - 30 * SECOND).to_bytes(16, "big")
    assert fired.annotations["trace_id"] == fired.trace_id.hex()


def test_events_of_one_minute_are_all_counted_whenever_somebody_looks_or_the_ledger_is_written() -> None:
    rules, again = (engine(REGIONAL + 'composite = "total"\n') for _ in range(2))
    rules.spans(minute(1, bad=2, good=5, region="eu"))
    assert figures(rules) == {"total": (7, 2, 99.0), "eu": (7, 2, 99.0)}
    rules.spans(minute(1, good=3, region="eu"))
    assert rules.take_counts().slo_events == [("Availability", "eu", 10, 2)]
    rules.spans(minute(1, bad=3, good=3, region="eu"))
    again.restore({entry: data for entry, data in rules.changes().items() if data is not None})
    assert figures(again) == figures(rules) == {"total": (16, 5, 99.0), "eu": (16, 5, 99.0)}


def test_events_from_before_1970_do_not_count_with_those_of_its_first_instant() -> None:
    rules = engine(HOURLY)
    rules.spans([request(0), request(-1), request(0)])
    counts = rules.take_counts()
    assert (counts.losses, counts.slo_events) == ({"event_time": 1}, [("Availability", "", 2, 0)])
