from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import pytest
from alert_samples import DAY, HOUR, MINUTE, SECOND, START, told
from anomaly_samples import at, feed, rule, run, steady
from hypothesis import given
from hypothesis import strategies as st
from window_samples import changes, engine, seconds_of

from logagent.alerting.anomaly.history import usual_of
from logagent.alerting.anomaly.scales import LINEAR, LOGARITHMIC, counted, square_root

if TYPE_CHECKING:
    from logagent.model import Span

BY = 'by = ["db.collection.name"]'
TEXTS = (
    'summary = "{{ value }} not {{ expected_low }}..{{ expected }}..{{ expected_high }}"',
    'description = "{{ score }} {{ count }} {{ labels.alertname }} {{ trace_id }}"',
)
MEAN = 'window = "1m"', 'aggregate = "mean"'
COUNT = 'window = "1m"', 'aggregate = "count"'


def flat(first: float, last: float, level: float = 1.0, step: float = 10.0) -> list[Span]:
    """Durations that go round within 10 % of their level."""
    return [at(first + one * step, level * (0.9 + one % 5 / 20)) for one in range(round((last - first) / step))]


def test_nothing_is_judged_before_a_hundred_samples() -> None:
    assert run(rule(), [*flat(0, 990), *flat(990, 1000, 50)]) == []
    assert changes(run(rule(), [*flat(0, 1000), *flat(1000, 1030, 50)])) == [(1020.0, "firing", "anomaly")]
    assert run(rule("warm_up = 200"), [*flat(0, 1000), *flat(1000, 1030, 50)]) == []


def test_an_alert_needs_three_of_five_unusual_samples_and_ends_when_fewer_are() -> None:
    odd = [at(1000 + second * 10, 50 if second in {0, 2, 5, 7, 9} else 1) for second in range(20)]
    assert changes(run(rule(), [*flat(0, 1000), *odd])) == [
        (1090.0, "firing", "anomaly"),
        (1100.0, "resolved", "recovered"),
    ]
    single = rule("datapoints = 1", "of = 1", 'cooldown = "10s"')
    assert len(run(single, [*flat(0, 1000), *odd])) == 10


def test_unusual_samples_on_different_sides_do_not_add_up() -> None:
    odd = [at(1000 + second * 10, 50 if second % 2 else 0.02) for second in range(4)]
    assert run(rule(), [*flat(0, 1000), *odd]) == []


def test_an_alert_tells_what_it_saw_and_what_it_expected() -> None:
    spans = [*flat(0, 1000), *(at(1000 + second * 10, 50 + second) for second in range(3))]
    (alert,) = run(rule(*TEXTS), spans)
    value, rest = alert.annotations["summary"].split(" not ")
    low, middle, high = map(float, rest.split(".."))
    assert float(value) == alert.value == 52
    assert 0.7 < low < 0.9 < middle < 1.1 < high < 1.3
    score, count, name, trace = alert.annotations["description"].split()
    assert (float(score) > 30, count, name) == (True, "1", "Unusual")
    assert trace == spans[-1].trace_id.hex() == alert.trace_id.hex()


@pytest.mark.parametrize(
    ("direction", "level", "fires"),
    [("above", 5, 1), ("above", 0.2, 0), ("below", 5, 0), ("below", 0.2, 1), ("both", 5, 1)],
)
def test_only_the_side_that_is_asked_for_is_told_of(direction: str, level: float, fires: int) -> None:
    told_of = run(rule(f'direction = "{direction}"'), [*flat(0, 1000), *flat(1000, 1100, level)])
    assert len(told_of) == fires


def test_groups_are_judged_by_their_own_history() -> None:
    spans = [
        at(second * 10, (1 if second % 2 else 100) * (0.9 + second % 5 / 20), "ab"[second % 2]) for second in range(400)
    ]
    odd = [at(4000 + second, 100, "b") for second in range(3)]
    (alert,) = run(rule(BY), [*spans, *odd])
    assert alert.labels["db_collection_name"] == "b"


def test_what_is_unusual_for_long_becomes_usual_and_the_level_before_unusual() -> None:
    text = rule('accept_after = "20m"', 'cooldown = "1m"')
    spans = [*flat(0, 3000), *flat(3000, 6000, 5), *flat(6000, 6200)]
    assert changes(run(text, spans)) == [
        (3020.0, "firing", "anomaly"),
        (4220.0, "resolved", "new_level"),
        (6020.0, "firing", "anomaly"),
    ]


def test_what_happens_during_an_alert_is_not_learned() -> None:
    spans = [*flat(0, 3000), *flat(3000, 20_000, 5), *flat(20_000, 20_100), *flat(25_000, 25_100, 5)]
    assert changes(run(rule('accept_after = "6h"'), spans)) == [
        (3020.0, "firing", "anomaly"),
        (20_020.0, "resolved", "recovered"),
        (25_020.0, "firing", "anomaly"),
    ]


def test_after_an_alert_there_is_no_new_one_for_a_while_and_that_is_counted_once() -> None:
    rules = engine(rule('cooldown = "30m"'))
    spans = [*flat(0, 1000), *flat(1000, 1100, 50), *flat(1100, 1200), *flat(1200, 1400, 50), *flat(1400, 1500)]
    assert changes(feed(rules, spans)) == [(1020.0, "firing", "anomaly"), (1120.0, "resolved", "recovered")]
    assert rules.take_counts().losses == {"cooldown": 1}
    # what goes on after the cooldown fires at its end
    (late,) = feed(rules, flat(2800, 3000, 50))
    assert changes([late]) == [(1120.0 + 1800, "firing", "anomaly")]


def test_an_alert_without_samples_resolves_and_the_history_stays() -> None:
    rules = engine(rule('cooldown = "1s"'))
    feed(rules, [*flat(0, 1000), *flat(1000, 1050, 50)])
    assert changes(rules.tick(START + HOUR)) == [(1040.0 + 1800, "resolved", "quiet")]
    assert rules.firing() == []
    assert changes(feed(rules, flat(7200, 7230, 50))) == [(7220.0, "firing", "anomaly")]


def test_an_alert_on_means_without_samples_resolves_too() -> None:
    rules = engine(rule(*MEAN))
    feed(rules, [*flat(0, 7200), *flat(7200, 7500, 50)])
    assert changes(rules.tick(START + 4 * HOUR)) == [(9300.0, "resolved", "quiet")]


def test_a_quiet_group_is_forgotten_and_warms_up_anew() -> None:
    for text, first in ((rule(), 1000), (rule(*MEAN), 7200)):
        rules = engine(text)
        feed(rules, flat(0, first))
        rules.tick(START + 2 * DAY)
        assert feed(rules, flat(200_000, 200_600, 50)) == []


def test_a_forgotten_group_that_fires_ends_so() -> None:
    rules = engine(rule(*COUNT, 'accept_after = "2d"', value=None))
    assert changes(feed(rules, flat(0, 7200, step=2))) == []
    ended = rules.tick(START + 2 * DAY)
    assert changes(ended) == [(7380.0, "firing", "anomaly"), (7200.0 + 86_400, "resolved", "forgotten")]


def test_silence_is_a_sample_of_a_count_and_too_little() -> None:
    rules = engine(rule(*COUNT, *TEXTS, value=None))
    assert feed(rules, flat(0, 7200, step=2)) == []
    (fired,) = rules.tick(START + (7200 + 240) * SECOND)
    assert changes([fired]) == [(7380.0, "firing", "anomaly")]
    assert fired.annotations["summary"].startswith("0 not ")
    (ended,) = feed(rules, flat(7440, 7700, step=2))
    assert changes([ended]) == [(7620.0, "resolved", "recovered")]


def test_a_few_events_are_neither_too_much_nor_too_little() -> None:
    burst = [*flat(0, 7200, step=30), *flat(7200, 7440, step=6)]
    assert len(run(rule(*COUNT, value=None), burst)) == 1
    assert run(rule(*COUNT, "min_count = 20", value=None), burst) == []
    for aggregate in ("count", "rate"):
        keys = 'window = "1m"', f'aggregate = "{aggregate}"'
        silent = [*flat(0, 7200, step=2), *flat(8000, 8010)]
        assert len(run(rule(*keys, "min_count = 20", value=None), silent)) == 1
        assert run(rule(*keys, "min_count = 50", value=None), silent) == []


def test_a_rate_is_told_in_events_per_second() -> None:
    rules = engine(rule('window = "1m"', 'aggregate = "rate"', *TEXTS, value=None))
    (alert,) = feed(rules, [*flat(0, 7200, step=2), *flat(7200, 7500, step=0.25)])
    assert alert.value == 4
    assert "..0.5.." in alert.annotations["summary"]


def test_windows_with_too_few_events_are_no_samples() -> None:
    text = rule(*MEAN, "min_count = 5")
    odd = flat(7200, 7500, 50, step=20)
    assert run(text, [*flat(0, 7200), *odd, *flat(7500, 7600)]) == []
    assert len(run(text.replace("min_count = 5", "min_count = 3"), [*flat(0, 7200), *odd, *flat(7500, 7600)])) == 1


def test_quantiles_and_sums_are_judged_too() -> None:
    # one of ten is slow: the mean hardly moves, the highest tenth does
    spans = [at(second, 1 + second % 10 / 50) for second in range(7200)]
    odd = [at(second, 9 if second % 8 == 0 else 1 + second % 10 / 50) for second in range(7200, 7500)]
    for keys, fires in (
        (('aggregate = "quantile"', "quantile = 0.95"), 1),
        (('aggregate = "sum"', "min_count = 1"), 1),
        (('aggregate = "quantile"', "quantile = 0.5"), 0),
    ):
        assert len(run(rule('window = "1m"', *keys), [*spans, *odd])) == fires


def test_a_season_knows_that_mornings_are_busy_and_the_recent_level_does_not() -> None:
    spans: list[Span] = []
    for day in range(6):
        for minute in range(0, 1440, 5):
            busy = 20 if 8 * 60 <= minute < 9 * 60 else 1
            # on the last day the rush begins two hours too early
            busy = 20 if day == 5 and 6 * 60 <= minute < 7 * 60 else busy
            start = day * 86_400 + minute * 60
            spans += [at(start + 1 + second, busy * (0.9 + (minute // 5 + day) % 5 / 20)) for second in range(3)]
    seasonal = rule('window = "5m"', 'aggregate = "mean"', 'season = "day"')
    told_of = [alert for alert in run(seasonal, spans) if alert.state.value == "firing"]
    hours = [int(seconds_of(alert.time_unix_nano)) // 3600 for alert in told_of]
    assert [(hour // 24, hour % 24) for hour in hours if hour >= 2 * 24] == [(2, 8), (5, 6)]
    plain = [alert for alert in run(seasonal.replace('"day"', '"none"'), spans) if alert.state.value == "firing"]
    assert {int(seconds_of(alert.time_unix_nano)) // 3600 % 24 for alert in plain} >= {8}


def test_a_season_follows_the_clock_on_the_wall() -> None:
    # summer time ends in Amsterdam on the fourth day: the rush of 08:00 comes an hour later in UTC
    first = -11 * 86_400
    spans: list[Span] = []
    for day in range(6):
        for minute in range(0, 1440, 10):
            start = first + day * 86_400 + minute * 60
            hour = 6 if day < 3 else 7
            busy = 20 if hour * 60 <= minute < (hour + 2) * 60 else 1
            spans += [at(start + 1 + second, busy * (0.9 + (minute // 10 + day) % 5 / 20)) for second in range(2)]
    keys = 'window = "10m"', 'aggregate = "mean"', 'season = "day"', "datapoints = 2"
    last = [
        alert
        for alert in run(rule(*keys, 'timezone = "Europe/Amsterdam"'), spans)
        if seconds_of(alert.time_unix_nano) > first + 2.5 * 86_400
    ]
    assert last == []
    assert [alert for alert in run(rule(*keys), spans) if seconds_of(alert.time_unix_nano) > first + 2.5 * 86_400]


def test_late_events_of_a_judged_window_are_counted_and_nothing_else() -> None:
    rules = engine(rule(*MEAN))
    feed(rules, flat(0, 600))
    rules.tick(START + 11 * MINUTE)
    rules.spans([at(300, 99)])
    assert rules.take_counts().losses == {"expired_event": 1}


def test_values_that_are_no_numbers_and_impossible_times_are_counted() -> None:
    for keys in ((), MEAN):
        rules = engine(rule(*keys, value="attribute"))
        odd = ["x", True, float("nan"), float("inf"), 10**400, [1], 2e15]
        rules.spans([at(1)])
        for one in odd:
            span = at(1)
            span.attributes["attribute"] = one
            rules.spans([span])
        for time in (-5 * SECOND, 2**63 + 5):
            span = at(1)
            span.attributes["attribute"] = 1.5
            span.end_unix_nano = time
            rules.spans([span])
        assert rules.take_counts().losses == {"event_value": len(odd), "event_time": 2}


def test_a_million_groups_share_one_and_times_of_other_centuries_cost_little() -> None:
    rules = engine(rule(*COUNT, BY, "max_groups = 5", value=None) + rule(BY, "max_groups = 5", name="Single"))
    rules.spans([at(second, 1.0, f"table {second}") for second in range(200)])
    rules.tick(START + MINUTE)
    rules.spans([at(0, 1.0, "table 1"), at(7e9, 1.0, "table 1"), at(300, 1.0, "table 2")])
    rules.tick(START + 7_000_000_000 * SECOND)
    assert sum(value is not None for value in rules.changes().values()) <= 20


def test_windows_that_wait_for_their_time_are_bounded() -> None:
    rules = engine(rule(*COUNT, value=None))
    rules.tick(START)
    rules.spans([at(60 * minute) for minute in range(20_010)])
    assert rules.take_counts().losses == {"event_ahead": 10}
    rules.spans([at(-1 + 60 * 30)])
    assert rules.take_counts().losses == {}


@given(st.floats(0, 1e15))
def test_each_scale_has_a_way_back(value: float) -> None:
    for scale in (LOGARITHMIC, LINEAR, square_root(), counted(1 / 300)):
        assert scale.backward(scale.forward(value)) == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert scale.backward(scale.forward(-value)) == pytest.approx(-value, rel=1e-9, abs=1e-12)
        assert scale.least(scale.forward(value)) > 0


def test_spreads_are_those_of_a_normal_distribution_and_wider_for_a_heavy_tail() -> None:
    steps = [index / 1000 for index in range(1, 1000)]
    normal = usual_of([NormalDist(10, 2).inv_cdf(step) for step in steps])
    assert normal == pytest.approx((10, 2, 2), rel=0.01)
    heavy = usual_of([(1 - step) ** -2 for step in steps])
    assert heavy.above > 1.4826 * (16 - heavy.middle)
    assert heavy.below < heavy.above / 5


def test_values_that_never_changed_may_move_a_little() -> None:
    spans = [at(second * 10, 2.0) for second in range(120)]
    assert run(rule(), [*spans, *(at(1200 + second, 2.2) for second in range(5))]) == []
    assert len(run(rule(), [*spans, *(at(1200 + second, 2.5) for second in range(5))])) == 1


def test_the_gauge_of_states_knows_the_alert() -> None:
    rules = engine(rule())
    assert rules.firing_counts() == [("Unusual", "warning", 0)]
    feed(rules, [*steady(0, 1000), *flat(1000, 1050, 50)])
    assert rules.firing_counts() == [("Unusual", "warning", 1)]
    assert told(rules.firing()) == [("firing", "anomaly", rules.firing()[0].value)]
