from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from alert_samples import DAY, HOUR, MINUTE, SECOND, START, engine
from hypothesis import given, settings
from hypothesis import strategies as st
from slo_samples import AVAILABILITY, HOURLY, LATE, REGIONAL, minute, only, pass_time, request, told

if TYPE_CHECKING:
    from logagent.alerting import AlertEngine
    from logagent.model import Alert, Span

Ledger = dict[str, bytes]
RULES = (
    REGIONAL.replace("max_groups = 2", 'max_groups = 3\ncomposite = "total"').replace('"none"', '"warning"')
    + HOURLY.replace('"Availability"', '"Month"').replace('"7d"', '"month"\ntimezone = "Europe/Amsterdam"')
    + AVAILABILITY.replace('"Availability"', '"Workbook"')
)

requests = st.builds(
    lambda seconds, status, region: request(START - DAY + seconds * SECOND, status, region=region),
    st.one_of(st.integers(0, 7200), st.integers(0, 40 * 86_400)),
    st.sampled_from([200, 500]),
    st.sampled_from(["eu", "us", "ap", "sa", "af"]),
)
times = st.one_of(st.integers(0, 120), st.integers(0, 40 * 1440))
step = st.one_of(requests, st.lists(requests, max_size=20), times)


def commit(ledger: Ledger, rules: AlertEngine) -> None:
    for key, value in rules.changes().items():
        if value is None:
            ledger.pop(key, None)
        else:
            ledger[key] = value


def restarted(ledger: Ledger, text: str = RULES) -> AlertEngine:
    again = engine(text)
    again.restore(dict(sorted(ledger.items(), reverse=True)))
    return again


def run(rules: AlertEngine, one: Span | list[Span] | int) -> list[Alert]:
    if isinstance(one, int):
        return rules.tick(START - DAY + one * MINUTE + LATE)
    return rules.spans(one if isinstance(one, list) else [one])


@settings(max_examples=80)
@given(st.lists(st.tuples(step, st.booleans()), max_size=40))
def test_a_restart_anywhere_changes_no_alert_no_figure_and_no_byte_of_state(
    steps: list[tuple[Span | list[Span] | int, bool]],
) -> None:
    straight, straight_ledger = engine(RULES), Ledger()
    broken, ledger = engine(RULES), Ledger()
    for one, restart in steps:
        assert run(broken, one) == run(straight, one)
        if restart:
            commit(ledger, broken)
            broken = restarted(ledger)
        # figures are of the last tick, which a new engine has not seen
        assert run(broken, 0) == run(straight, 0)
        assert broken.slos() == straight.slos()
        assert broken.firing() == straight.firing()
    commit(straight_ledger, straight)
    commit(ledger, broken)
    assert ledger == straight_ledger
    assert broken.firing_counts() == straight.firing_counts()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 7200), st.integers(0, 30), st.sampled_from([200, 500])), max_size=60),
    st.lists(st.integers(0, 60)),
)
def test_how_lines_are_cut_into_batches_changes_nothing(events: list[tuple[int, int, int]], cuts: list[int]) -> None:
    # lines are at most half a minute out of order, which is what a minute waits for
    ordered = sorted(events, key=lambda one: one[0] + one[1])
    spans = [request(START + at * SECOND, status, region="eu") for at, _, status in ordered]
    whole, pieces = engine(RULES), engine(RULES)
    edges = [0, *sorted(cut for cut in cuts if cut < len(spans)), len(spans)]
    seen: list[Alert] = []
    for low, high in pairwise(edges):
        seen += pieces.spans(spans[low:high])
        latest = max((span.end_unix_nano for span in spans[:high]), default=0)
        if latest:
            seen += pieces.tick(latest)
    seen += pass_time(pieces, 400)
    expected = whole.spans(spans) + pass_time(whole, 400)
    assert sorted(map(told_fully, seen)) == sorted(map(told_fully, expected))
    assert [one.time_unix_nano for one in seen] == [one.time_unix_nano for one in expected]
    assert whole.slos() == pieces.slos()


def told_fully(alert: Alert) -> tuple[int, str, list[tuple[str, str]], list[tuple[str, str]], bytes, float]:
    labels, texts = sorted(alert.labels.items()), sorted(alert.annotations.items())
    return alert.time_unix_nano, alert.state.value, labels, texts, alert.trace_id, alert.value


def test_only_the_hours_that_were_counted_in_are_written_again() -> None:
    rules, ledger = engine(AVAILABILITY), Ledger()
    for hour in range(50):
        rules.spans([request(START + hour * HOUR + SECOND)])
        rules.tick(START + hour * HOUR + SECOND)
    commit(ledger, rules)
    assert len(ledger) == 51
    rules.spans([request(START + 49 * HOUR + 2 * SECOND)])
    assert len(rules.changes()) == 1
    rules.tick(START + 50 * HOUR)
    assert len(rules.changes()) == 1


def test_hours_older_than_the_period_are_deleted() -> None:
    rules, ledger = engine(AVAILABILITY), Ledger()
    for day in range(40):
        rules.spans([request(START + day * DAY + SECOND)])
        rules.tick(START + day * DAY + MINUTE + LATE)
        commit(ledger, rules)
    assert len(ledger) == 32  # 30 days, the hour that has not left as a whole, and the moment
    rules.tick(START + 80 * DAY)
    commit(ledger, rules)
    assert len(ledger) == 1
    assert only(rules).valid == 0


def test_other_objectives_and_alerts_keep_the_counts() -> None:
    rules, ledger = engine(HOURLY), Ledger()
    rules.spans(minute(1, bad=4, good=6))
    (fired,) = pass_time(rules, 1)
    commit(ledger, rules)
    again = restarted(ledger, HOURLY.replace("objective = 99\n", "objective = 98\n").replace('"7d"', '"28d"'))
    assert [one.labels for one in again.firing()] == [fired.labels]
    assert pass_time(again, 1) == []
    assert (only(again).valid, only(again).bad, only(again).objective, only(again).period) == (10, 4, 98.0, "28d")


def test_an_alert_that_the_rule_has_no_more_ends_as_superseded_under_the_labels_it_had() -> None:
    rules, ledger = engine(HOURLY), Ledger()
    rules.spans(minute(1, bad=4))
    (fired,) = pass_time(rules, 1)
    commit(ledger, rules)
    again = restarted(ledger, HOURLY.replace('long = "1h"', 'long = "2h"'))
    ended, new = pass_time(again, 10)
    assert (ended.reason, ended.labels, ended.trace_id) == ("superseded", fired.labels, fired.trace_id)
    assert told([new]) == [(2, "2h", "firing")]


def test_what_fires_without_counts_in_the_ledger_ends() -> None:
    rules, ledger = engine(HOURLY), Ledger()
    rules.spans(minute(1, bad=4))
    pass_time(rules, 1)
    commit(ledger, rules)
    hours = [key for key, value in ledger.items() if key.startswith('["slo",') and value.startswith(b"[")]
    again = restarted({key: value for key, value in ledger.items() if key not in hours}, HOURLY)
    assert told(pass_time(again, 2)) == [(2, "1h", "resolved")]
    commit(ledger, again)
    assert not [key for key in ledger if key.startswith('["slo_group"')]


def test_a_rule_that_counts_something_else_begins_anew() -> None:
    rules, ledger = engine(HOURLY), Ledger()
    rules.spans(minute(1, bad=4))
    pass_time(rules, 1)
    commit(ledger, rules)
    again = restarted(ledger, HOURLY.replace(">= 500", ">= 400"))
    (ended,) = pass_time(again, 1)
    assert ended.reason == "superseded"
    assert only(again).valid == 0
    commit(ledger, again)
    assert len(ledger) == 1


def test_entries_that_cannot_be_read_are_counted_and_dropped() -> None:
    rules, ledger = engine(REGIONAL), Ledger()
    rules.spans(minute(1, bad=4, region="eu"))
    pass_time(rules, 1)
    commit(ledger, rules)
    assert len(ledger) == 3
    broken = dict.fromkeys(ledger, b'{"a":1}')
    (hour,) = (key for key in ledger if key.startswith('["slo",') and key.endswith('"eu"]'))
    broken[hour.replace('"eu"', '"eu","us"')] = ledger[hour]
    again = restarted(broken, REGIONAL)
    assert again.take_counts().losses == {"alert_state": 4}
    assert again.slos() == []
    changes = again.changes()
    assert all(changes[key] is None for key in broken)


def test_a_composite_that_is_switched_on_knows_what_its_groups_know() -> None:
    rules, ledger = engine(REGIONAL), Ledger()
    rules.spans(minute(1, bad=1, good=9, region="eu") + minute(2, good=10, region="us"))
    pass_time(rules, 1)
    commit(ledger, rules)
    again = restarted(ledger, REGIONAL + 'composite = "total"\n')
    pass_time(again, 2)
    total = again.slos()[0]
    assert (total.group, total.valid, total.bad) == ({"composite": "total"}, 20, 1)
    assert total.burn_rates["1h"] == 5.0
