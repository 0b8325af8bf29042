from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from alert_samples import HOUR, START, told
from hypothesis import given, settings
from hypothesis import strategies as st
from window_samples import LATENESS, Ledger, at, changes, commit, engine, look, restarted, rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting import AlertEngine
    from logagent.model import Alert, Span

BY = 'by = ["db.collection.name"]'
SHORT = "max_groups = 3", 'forget_after = "3m"'
RULES = "".join(
    [
        rule("count", "above = 2", 'for = "15s"', BY, *SHORT, name="Count"),
        rule("count", "below = 2", 'keep_firing_for = "45s"', name="Few"),
        rule("rate", "above = 0.05", "recover = 0.02", BY, *SHORT, name="Rate"),
        rule("sum", 'value = "duration"', "above = 5", BY, *SHORT, 'no_data = "keep"', name="Sum"),
        rule("mean", 'value = "duration"', "below = 2", 'for = "30s"', "min_count = 2", name="Mean"),
        rule(
            "quantile", 'value = "duration"', "quantile = 0.5", "above = 3", BY, *SHORT, 'no_data = "ok"', name="Middle"
        ),
        rule(
            "ratio", 'bad = "duration > 3"', "above = 0.4", "recover = 0.2", 'keep_firing_for = "30s"', BY, name="Bad"
        ),
        rule("mean", 'value = "duration"', "above = 4", 'no_data = "alert"', 'for = "30s"', name="Blind"),
        rule("absence", BY, 'expected = [{ db_collection_name = "a" }]', 'forget_after = "4m"', name="Gone"),
        rule("absence", 'for = "15s"', name="Silent"),
    ]
)
DISTINCT = rule("distinct", 'value = "round(duration)"', "above = 2", BY, *SHORT, name="Kinds")

seconds = st.integers(0, 600)
spans = st.builds(at, seconds, st.floats(0, 9, allow_nan=False), st.sampled_from(["a", "b", "c", "d", "e"]))
step = st.one_of(spans, spans, spans, seconds)


def take(rules: AlertEngine, one: Span | int) -> list[Alert]:
    return look(rules, one) if isinstance(one, int) else rules.spans([one])


def both(text: str, steps: Sequence[tuple[Span | int, bool]]) -> tuple[Ledger, Ledger]:
    """What an undivided run and one with restarts leave behind, after a look at all that they told."""
    straight, broken = engine(text), engine(text)
    straight_ledger, ledger = Ledger(), Ledger()
    for one, restart in steps:
        expected, seen = take(straight, one), take(broken, one)
        if restart:
            commit(ledger, broken)
            broken = restarted(ledger, text)
        assert seen == expected
    assert broken.firing() == straight.firing()
    assert broken.firing_counts() == straight.firing_counts()
    assert look(broken, 700) == look(straight, 700)
    commit(straight_ledger, straight)
    commit(ledger, broken)
    return straight_ledger, ledger


@settings(max_examples=60)
@given(st.lists(st.tuples(step, st.booleans()), max_size=60))
def test_a_restart_anywhere_changes_no_alert_and_no_byte_of_state(steps: Sequence[tuple[Span | int, bool]]) -> None:
    straight, broken = both(RULES, steps)
    assert broken == straight


@given(st.lists(st.tuples(step, st.booleans()), max_size=80))
def test_a_restart_changes_no_number_of_different_values(steps: Sequence[tuple[Span | int, bool]]) -> None:
    straight, broken = both(DISTINCT, steps)
    assert broken.keys() == straight.keys()


@settings(max_examples=60)
@given(st.lists(spans, max_size=60), st.lists(st.integers(0, 60)), st.randoms(use_true_random=False))
def test_how_lines_are_cut_into_batches_changes_nothing(lines: list[Span], cuts: list[int], chance: object) -> None:
    # as late as a look waits for at most
    shifts = {id(line): chance.randint(0, LATENESS) for line in lines}
    lines.sort(key=lambda line: line.end_unix_nano // 10**9 + shifts[id(line)])
    text = (RULES + DISTINCT).replace('window = "1m"', 'window = "1m"\nmax_groups = 9').replace("max_groups = 3\n", "")
    whole, pieces = engine(text), engine(text)
    whole.tick(START), pieces.tick(START)
    told_whole = whole.spans(lines) + look(whole, 900)
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    told_pieces: list[Alert] = []
    latest = START
    for low, high in pairwise(edges):
        told_pieces += pieces.spans(lines[low:high])
        latest = max([latest, *(line.end_unix_nano for line in lines[low:high])])
        told_pieces += pieces.tick(latest)
    told_pieces += look(pieces, 900)
    assert sorted(told_pieces, key=order) == sorted(told_whole, key=order)
    assert pieces.take_counts().losses == {}
    assert pieces.firing() == whole.firing()


def order(alert: Alert) -> tuple[object, ...]:
    return alert.time_unix_nano, sorted(alert.labels.items()), alert.state.value


def test_an_hour_of_rest_and_a_restart_in_it_change_nothing() -> None:
    text = rule("count", "above = 1", 'for = "45s"')
    straight, ledger = engine(text), Ledger()
    straight.spans([at(1), at(2)])
    look(straight, 15)
    commit(ledger, straight)
    again = restarted(ledger, text)
    assert (
        changes(look(again, 3600))
        == changes(look(straight, 3600))
        == [(60.0, "firing", "condition"), (75.0, "resolved", "recovered")]
    )


def test_what_fires_keeps_its_labels_when_the_rule_is_changed_and_ends_as_superseded() -> None:
    text, ledger = rule("count", "above = 1", BY), Ledger()
    rules = engine(text)
    rules.spans([at(1, table="users"), at(2, table="users"), at(3, table="orders")])
    (fired,) = look(rules, 15)
    commit(ledger, rules)
    again = restarted(ledger, text.replace('"1m"', '"2m"'))
    (ended,) = again.tick(START + HOUR)
    assert told([ended]) == [("resolved", "superseded", 2.0)]
    assert (ended.labels, ended.trace_id) == (fired.labels, fired.trace_id)
    commit(ledger, again)
    assert {key.split(",")[2] for key in ledger} == {key.split(",")[2] for key in again.changes() or ledger}
    assert restarted(ledger, text.replace('"1m"', '"2m"')).firing() == []


def test_another_limit_and_other_texts_keep_the_state() -> None:
    text, ledger = rule("count", "above = 1"), Ledger()
    rules = engine(text)
    rules.spans([at(1), at(2), at(3)])
    look(rules, 15)
    commit(ledger, rules)
    again = restarted(ledger, text.replace("above = 1", 'above = 3\nsummary = "{{ value }} of {{ threshold }}"'))
    (ended,) = look(again, 30)
    assert changes([ended]) == [(30.0, "resolved", "recovered")]
    assert ended.annotations["summary"] == "3 of 3"


def test_nothing_is_written_where_nothing_happened() -> None:
    rules, ledger = engine(RULES), Ledger()
    rules.spans([at(1, table="a")])
    look(rules, 15)
    commit(ledger, rules)
    assert rules.changes() == {}
    again = restarted(ledger, RULES)
    again.firing()
    assert again.changes() == {}


def test_each_commit_writes_only_the_panes_that_changed() -> None:
    rules = engine(rule("quantile", 'value = "duration"', "quantile = 0.9", "above = 100", window="1h"))
    for second in range(0, 3600, 15):
        rules.spans([at(second + 1)])
        look(rules, second)
        rules.changes()
    rules.spans([at(3601)])
    assert [key.count('"p"') for key in rules.changes()] == [1]


def test_entries_that_cannot_be_read_are_counted_and_dropped() -> None:
    rules, ledger = engine(RULES + DISTINCT), Ledger()
    rules.spans([at(1, 5, "a"), at(2, 5, "a"), at(3, 5, "a")])
    look(rules, 45)
    commit(ledger, rules)
    for broken in (b"", b"[]", b"[1,2]", b'{"a":1}', b"\xff", b"null", b'[1,1,"zz",{},[]]'):
        again = engine(RULES + DISTINCT)
        again.restore(dict.fromkeys(ledger, broken))
        look(again, 60)
        assert again.take_counts().losses.keys() <= {"alert_state"}
        again.changes()
