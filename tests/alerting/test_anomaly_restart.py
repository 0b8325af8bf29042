from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from alert_samples import DAY, HOUR, SECOND, START, told
from anomaly_samples import at, feed, rule, steady
from hypothesis import given, settings
from hypothesis import strategies as st
from window_samples import Ledger, commit, engine, restarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting import AlertEngine
    from logagent.model import Alert, Span

BY = 'by = ["db.collection.name"]'
QUICK = ("warm_up = 10", "datapoints = 2", "of = 3", 'cooldown = "3m"', 'accept_after = "20m"', 'resolve_after = "10m"')
EVENTS = rule(*QUICK, BY, 'season = "day"', "max_groups = 3", 'forget_after = "3d"', name="Single")
WINDOWS = "".join(
    [
        rule(
            *QUICK,
            BY,
            'window = "1m"',
            'aggregate = "count"',
            'forget_after = "30m"',
            "max_groups = 3",
            name="Count",
            value=None,
        ),
        rule(
            *QUICK,
            'window = "1m"',
            'aggregate = "rate"',
            'direction = "below"',
            'forget_after = "2h"',
            name="Rate",
            value=None,
        ),
        rule(*QUICK, BY, 'window = "10m"', 'aggregate = "sum"', 'season = "day"', 'forget_after = "3d"', name="Sum"),
        rule(
            *QUICK, BY, 'window = "1m"', 'aggregate = "mean"', 'scale = "linear"', 'forget_after = "20m"', name="Mean"
        ),
        rule(
            *QUICK,
            'window = "2m"',
            'aggregate = "quantile"',
            "quantile = 0.9",
            'season = "week"',
            "min_count = 2",
            name="Most",
        ),
    ]
)
RULES = EVENTS + WINDOWS
tables = st.sampled_from(["a", "a", "a", "b", "c", "d", "e"])


@st.composite
def streams(draw: st.DrawFn) -> list[Span]:
    """Hours of some days: mostly alike, now and then slow, quick, silent or in a burst; a little out of order."""
    chance = draw(st.randoms(use_true_random=False))
    spans: list[Span] = []
    second = 0.0
    for _ in range(draw(st.integers(1, 6))):
        level = draw(st.sampled_from([1.0, 1.0, 5.0, 0.1]))
        table = draw(tables)
        step = draw(st.sampled_from([5.0, 20.0, 30.0, 90.0]))
        for _ in range(draw(st.integers(1, 80))):
            second += step * chance.uniform(0.5, 1.5)
            shift = chance.choice([0, 0, 0, -20])
            spans.append(at(max(second + shift, 0), round(level * chance.uniform(0.8, 1.2), 3), table))
        second += draw(st.sampled_from([0, 0, 300, 4000, 80_000]))
    return spans


def outcome(rules: AlertEngine, spans: Sequence[Span], last: int) -> list[Alert]:
    return rules.spans(spans) + rules.tick(last)


@settings(max_examples=25, deadline=None)
@given(streams(), st.lists(st.integers(0, 480), max_size=6), st.integers(1, 40))
def test_a_restart_anywhere_changes_no_alert_and_no_byte_of_state(
    spans: list[Span], restarts: list[int], size: int
) -> None:
    straight, broken = engine(RULES), engine(RULES)
    straight_ledger, ledger = Ledger(), Ledger()
    time = START
    for first in range(0, len(spans), size):
        batch = spans[first : first + size]
        time = max(time, *(span.end_unix_nano - 20 * SECOND for span in batch))
        assert outcome(broken, batch, time) == outcome(straight, batch, time)
        if any(first <= one < first + size for one in restarts):
            commit(ledger, broken)
            broken = restarted(ledger, RULES)
            assert broken.firing() == straight.firing()
    for later in (time + 5 * 60 * SECOND, time + HOUR, time + 8 * DAY):
        assert broken.tick(later) == straight.tick(later)
        assert broken.firing() == straight.firing()
    commit(straight_ledger, straight)
    commit(ledger, broken)
    assert ledger == straight_ledger


@settings(max_examples=20, deadline=None)
@given(streams(), st.lists(st.integers(0, 480), max_size=20))
def test_how_lines_are_cut_into_batches_changes_nothing(spans: list[Span], cuts: list[int]) -> None:
    text = RULES.replace("max_groups = 3", "max_groups = 9")
    whole, pieces = engine(text), engine(text)
    whole.tick(START), pieces.tick(START)
    told_whole = whole.spans(spans)
    told_pieces: list[Alert] = []
    latest = START
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(spans)}), len(spans)]
    for low, high in pairwise(edges):
        told_pieces += pieces.spans(spans[low:high])
        latest = max([latest, *(span.end_unix_nano - 20 * SECOND for span in spans[low:high])])
        told_pieces += pieces.tick(latest)
    told_whole += whole.tick(latest)
    told_whole += whole.tick(latest + 8 * DAY)
    told_pieces += pieces.tick(latest + 8 * DAY)
    assert sorted(told_pieces, key=order) == sorted(told_whole, key=order)
    assert pieces.take_counts() == whole.take_counts()


def order(alert: Alert) -> tuple[object, ...]:
    return alert.time_unix_nano, sorted(alert.labels.items()), alert.state.value


def test_a_commit_writes_little_of_what_was_learned() -> None:
    rules = engine(rule('window = "1m"', 'aggregate = "mean"', 'season = "day"'))
    feed(rules, steady(0, 40_000))
    rules.changes()
    feed(rules, steady(40_000, 40_120))
    changed = rules.changes()
    assert sum(len(value or b"") for value in changed.values()) < 2500
    assert len(changed) <= 8


def test_a_group_keeps_a_bounded_amount_however_long_it_is_known() -> None:
    ledger, rules = Ledger(), engine(rule('window = "5m"', 'aggregate = "mean"', 'season = "week"'))
    sizes = []
    for day in range(0, 60, 10):
        feed(rules, steady(day * 86_400, (day + 10) * 86_400, step=150), step=3000)
        commit(ledger, rules)
        sizes.append((len(ledger), sum(map(len, ledger.values()))))
    assert sizes[-1][0] <= 55
    assert sizes[-1][1] < 50_000
    assert sizes[-1][1] < sizes[3][1] * 1.1


def test_nothing_is_left_of_a_group_that_is_forgotten() -> None:
    for text in (
        rule('season = "day"'),
        rule('window = "1m"', 'aggregate = "mean"', 'season = "day"'),
        rule('window = "1m"', 'aggregate = "sum"'),
    ):
        ledger, rules = Ledger(), engine(text)
        feed(rules, steady(0, 20_000))
        commit(ledger, rules)
        assert len(ledger) > 10
        rules.tick(START + 9 * DAY)
        commit(ledger, rules)
        # a rule with windows still knows which instants are over
        assert len(ledger) <= 1


def test_another_sensitivity_keeps_what_was_learned_and_another_window_does_not() -> None:
    text, ledger = rule('window = "1m"', 'aggregate = "mean"'), Ledger()
    rules = engine(text)
    feed(rules, steady(0, 7000))
    commit(ledger, rules)
    slow = steady(7000, 7600, level=5)
    again = restarted(ledger, text + "sensitivity = 2.5\n")
    assert [alert.state.value for alert in feed(again, slow)] == ["firing"]
    assert feed(restarted(ledger, text.replace('"1m"', '"2m"')), slow) == []


def test_what_fires_ends_as_superseded_under_its_labels_when_the_rule_is_changed() -> None:
    text, ledger = rule(BY), Ledger()
    rules = engine(text)
    spans = [at(second * 10, 1 + second % 7 / 10, "users") for second in range(120)]
    (fired,) = feed(rules, [*spans, *(at(1200 + second, 50, "users") for second in range(3))])
    commit(ledger, rules)
    again = restarted(ledger, text.replace("from", "where = 'duration > 0'\nfrom"))
    (ended,) = again.tick(START + HOUR)
    assert told([ended]) == [("resolved", "superseded", 50.0)]
    assert (ended.labels, ended.trace_id) == (fired.labels, fired.trace_id)


def test_entries_that_cannot_be_read_are_counted_and_dropped() -> None:
    rules, ledger = engine(RULES), Ledger()
    feed(rules, steady(0, 3000))
    commit(ledger, rules)
    for broken in (b"", b"[]", b"[1,2]", b'{"a":1}', b"\xff", b"null", b"[0,[],[null]]", b'[[["x",1]]]'):
        again = engine(RULES)
        again.restore(dict.fromkeys(ledger, broken))
        feed(again, steady(3000, 3600))
        assert again.take_counts().losses.keys() <= {"alert_state"}
        again.changes()
