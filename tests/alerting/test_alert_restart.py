from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from alert_samples import HOUR, MINUTE, MONTHLY, SLOW, START, call, engine, problems, query, reader, told
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.alerting import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting import AlertEngine
    from logagent.model import Alert, Span

EXPECTED = (
    MONTHLY.replace(
        "1.0]", '1.0, { at = 0.8, basis = "forecast" }, { at = 1.5, basis = "forecast", confidence = 0.2 }]'
    )
    + 'by = ["user.id"]\n'
    + 'burn_rates = [{ long = "3h", short = "20m", budget_consumed = 0.05 }]\n'
    + 'timezone = "Asia/Kolkata"\nmissing_price = "alert"\n'
)
RULES = SLOW + MONTHLY.replace('"month"', '"hour"') + 'by = ["user.id"]\nmax_groups = 3\n'
Ledger = dict[str, bytes]


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


minutes = st.integers(0, 300)
queries = st.builds(
    lambda minute, seconds, table: query(START + minute * MINUTE, seconds, table),
    minutes,
    st.floats(0.5, 9, allow_nan=False),
    st.sampled_from(["a", "b", "c", "d", "e"]),
)
calls = st.builds(
    lambda minute, cost, user: call(START + minute * MINUTE, cost, user),
    minutes,
    st.one_of(st.none(), st.floats(0, 60, allow_nan=False), st.integers(0, 60)),
    st.sampled_from(["ann", "bob", "cid", "dan"]),
)
step = st.one_of(queries, calls, minutes)


def run(rules: AlertEngine, one: Span | int) -> list[Alert]:
    return rules.tick(START + one * MINUTE) if isinstance(one, int) else rules.spans([one])


@settings(max_examples=200)
@given(st.lists(st.tuples(step, st.booleans()), max_size=60))
def test_a_restart_anywhere_changes_no_alert_and_no_byte_of_state(steps: Sequence[tuple[Span | int, bool]]) -> None:
    straight, straight_ledger = engine(RULES), Ledger()
    broken, ledger = engine(RULES), Ledger()
    expected, seen = [], []
    for one, restart in steps:
        expected += run(straight, one)
        seen += run(broken, one)
        if restart:
            commit(ledger, broken)
            broken = restarted(ledger)
    commit(straight_ledger, straight)
    commit(ledger, broken)
    assert seen == expected
    assert ledger == straight_ledger
    assert broken.firing() == straight.firing()
    assert broken.firing_counts() == straight.firing_counts()


@given(st.lists(st.one_of(queries, calls), max_size=40), st.lists(st.integers(0, 40)))
def test_the_size_of_a_batch_changes_nothing(spans: list[Span], cuts: list[int]) -> None:
    whole, pieces = engine(RULES), engine(RULES)
    edges = [0, *sorted(cut for cut in cuts if cut < len(spans)), len(spans)]
    seen = [alert for low, high in pairwise(edges) for alert in pieces.spans(spans[low:high])]
    assert seen == whole.spans(spans)
    assert pieces.changes() == whole.changes()


paces = st.lists(
    st.tuples(
        st.integers(1, 1500),
        st.one_of(st.none(), st.floats(0, 12, allow_nan=False), st.just(4.0)),
        st.sampled_from(["ann", "ann", "bob"]),
        st.sampled_from(["go on", "tick", "restart"]),
    ),
    min_size=20,
    max_size=50,
)


def in_order(alerts: list[Alert]) -> list[str]:
    return sorted(
        repr((one.time_unix_nano, sorted(one.labels.items()), one.reason, one.value, one.annotations["summary"]))
        for one in alerts
    )


@settings(max_examples=15, deadline=None)
@given(paces)
def test_forecasts_and_burn_rates_are_the_same_however_the_lines_are_cut_and_wherever_the_agent_restarts(
    steps: Sequence[tuple[int, float | None, str, str]],
) -> None:
    whole, ticked, broken = engine(EXPECTED), engine(EXPECTED), engine(EXPECTED)
    ledger, ticked_ledger, time = Ledger(), Ledger(), START
    expected: list[Alert] = []
    of_ticked: list[Alert] = []
    seen: list[Alert] = []
    for minutes_later, cost, user, then in steps:
        time += minutes_later * MINUTE
        for rules, told_ in ((whole, expected), (ticked, of_ticked), (broken, seen)):
            told_.extend(rules.spans([call(time, cost, user)]))
        if then != "go on":
            of_ticked += ticked.tick(time)
            seen += broken.tick(time)
        if then == "restart":
            commit(ledger, broken)
            broken = restarted(ledger, EXPECTED)
    for rules, told_ in ((whole, expected), (ticked, of_ticked), (broken, seen)):
        told_.extend(rules.tick(time + 5 * HOUR))
    assert seen == of_ticked
    assert in_order(seen) == in_order(expected)
    commit(ledger, broken)
    commit(ticked_ledger, ticked)
    assert ledger == ticked_ledger
    assert broken.firing() == ticked.firing() == whole.firing()
    assert broken.budgets() == ticked.budgets() == whole.budgets()


def test_an_alert_that_was_not_committed_comes_again_with_the_same_lines() -> None:
    first, second = engine(RULES), engine(RULES)
    assert first.spans([query(START), call(START, 60, "ann")]) == second.spans([query(START), call(START, 60, "ann")])


def test_a_threshold_that_was_told_is_not_told_again_after_a_restart() -> None:
    rules, ledger = engine(MONTHLY), Ledger()
    rules.spans([call(START, 60.0)])
    commit(ledger, rules)
    again = restarted(ledger, MONTHLY)
    assert again.spans([call(START, 1.0)]) == []
    assert again.budgets()[0].spent == 61.0
    assert [alert.labels["threshold"] for alert in again.firing()] == ["0.5"]


def test_nothing_changes_where_nothing_happened() -> None:
    rules, ledger = engine(RULES), Ledger()
    rules.spans([query(START)])
    commit(ledger, rules)
    assert rules.changes() == {}
    assert restarted(ledger).changes() == {}


def test_a_changed_rule_ends_its_alerts_as_superseded_under_the_labels_they_had() -> None:
    rules, ledger = engine(SLOW), Ledger()
    (fired,) = rules.spans([query(START), query(START + MINUTE)])
    commit(ledger, rules)
    again = restarted(ledger, SLOW.replace("> 1s", "> 3s"))
    assert again.firing() == []
    assert again.changes() == {}, "the end must be taken before the entry goes"
    (ended,) = again.tick(START + HOUR)
    assert told([ended]) == [("resolved", "superseded", 2.0)]
    assert ended.labels == fired.labels
    assert (ended.starts_unix_nano, ended.ends_unix_nano) == (START, START + MINUTE)
    commit(ledger, again)
    assert ledger == {}


def test_a_budget_that_is_gone_ends_its_thresholds() -> None:
    rules, ledger = engine(MONTHLY), Ledger()
    fired = rules.spans([call(START, 95.0)])
    rules.tick(START)
    commit(ledger, rules)
    again = restarted(ledger, SLOW)
    ended = again.spans([query(START)])
    assert [alert.reason for alert in ended] == ["superseded", "superseded", "match"]
    assert [alert.labels for alert in ended[:2]] == [alert.labels for alert in fired]
    commit(ledger, again)
    assert len(ledger) == 1


def test_other_texts_and_times_keep_the_state() -> None:
    rules, ledger = engine(SLOW), Ledger()
    rules.spans([query(START)])
    commit(ledger, rules)
    again = restarted(ledger, SLOW.replace("30m", "5m").replace("slow on", "slow queries on"))
    (ended,) = again.tick(START + 5 * MINUTE)
    assert ended.reason == "quiet"
    assert ended.annotations["summary"].startswith("1 slow queries on users")


def test_another_limit_keeps_the_spend_and_arms_the_thresholds_that_it_puts_out_of_reach() -> None:
    rules, ledger = engine(MONTHLY), Ledger()
    rules.spans([call(START, 95.0)])
    commit(ledger, rules)
    again = restarted(ledger, MONTHLY.replace("limit = 100", "limit = 150"))
    assert [(one.reason, one.labels["threshold"]) for one in again.tick(START)] == [("superseded", "0.9")]
    assert [one.labels["threshold"] for one in again.firing()] == ["0.5"]
    assert [one.labels["threshold"] for one in again.spans([call(START, 45.0)])] == ["0.9"]
    assert again.budgets()[0].spent == 140.0


def test_a_new_threshold_that_is_already_behind_is_told_with_the_next_call() -> None:
    rules, ledger = engine(MONTHLY), Ledger()
    rules.spans([call(START, 85.0)])
    commit(ledger, rules)
    again = restarted(ledger, MONTHLY.replace("[0.5,", "[0.5, 0.8,"))
    assert [one.labels["threshold"] for one in again.spans([call(START, 0.0)])] == ["0.8"]


def test_entries_that_cannot_be_read_are_counted_and_dropped() -> None:
    rules = engine(SLOW + MONTHLY)
    rules.spans([query(START), call(START, 60.0)])
    own = [key for key, value in rules.changes().items() if value is not None]
    assert {key.split('"')[1] for key in own} == {"event", "budget", "budget_days"}
    broken = {"": b"", "{}": b"1", "[1]": b"[]", **dict.fromkeys(own, b"nonsense"), '["event","x","y"]': b"\xff"}
    again = engine(SLOW + MONTHLY)
    again.restore(broken)
    assert again.tick(START) == []
    assert again.take_counts().losses == {"alert_state": len(broken)}
    changes = again.changes()
    assert {key for key in broken if changes[key] is None} == set(broken)
    assert told(again.spans([query(START)])) == [("firing", "match", 2.0)]


def test_the_samples_are_well() -> None:
    assert problems(RULES) == []
    assert sum(isinstance(rule, Budget) for rule in reader(RULES).rules) == 1
