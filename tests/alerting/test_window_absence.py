from __future__ import annotations

from alert_samples import DAY, SECOND, START
from window_samples import Ledger, at, changes, commit, engine, look, restarted, rule, run, seconds_of

BY = 'by = { host = "db.collection.name" }'
EXPECTED = 'expected = [{ host = "w1" }, { host = "w2" }]'


def test_a_member_that_falls_silent_is_missed_after_the_window_and_returns_with_its_next_event() -> None:
    text = rule("absence", BY, 'summary = "{{ labels.host }} silent for {{ since | duration }}"', window="5m")
    rules = engine(text)
    rules.spans([at(10, table="w1"), at(20, table="w2"), at(200, table="w2")])
    (gone,) = look(rules, 400)
    assert changes([gone]) == [(315.0, "firing", "absent")]
    assert gone.labels["host"] == "w1"
    assert gone.value == 305.0
    assert gone.annotations["summary"] == "w1 silent for 5 min 5 s"
    rules.spans([at(420, table="w1"), at(430, table="w2")])
    assert changes(look(rules, 500)) == [(420.0, "resolved", "returned")]


def test_an_event_just_as_old_as_the_window_is_silence() -> None:
    assert changes(run(rule("absence"), [at(0), at(59), at(119)], 170)) == []
    assert changes(run(rule("absence"), [at(0), at(60.000000001)], 70)) == [(60.0, "firing", "absent")]


def test_expected_members_are_missed_also_if_they_were_never_seen() -> None:
    rules = engine(rule("absence", BY, EXPECTED, window="5m"))
    rules.tick(START)
    rules.spans([at(100, table="w2")])
    (never,) = look(rules, 300)
    assert changes([never]) == [(300.0, "firing", "absent")]
    assert (never.labels["host"], never.value) == ("w1", 300.0)
    rules.spans([at(310, table="w1")])
    assert changes(look(rules, 330)) == [(315.0, "resolved", "returned")]


def test_learned_members_are_forgotten_with_a_last_word_and_expected_ones_never() -> None:
    rules = engine(rule("absence", BY, EXPECTED, 'forget_after = "1h"'))
    rules.spans([at(10, table="w1"), at(10, table="w2"), at(10, table="w3")])
    alerts = look(rules, 2 * DAY / SECOND)
    assert [(alert.labels["host"], alert.state.value, alert.reason) for alert in alerts] == [
        ("w1", "firing", "absent"),
        ("w2", "firing", "absent"),
        ("w3", "firing", "absent"),
        ("w3", "resolved", "forgotten"),
    ]
    assert seconds_of(alerts[-1].time_unix_nano) == 3615.0
    assert [alert.labels["host"] for alert in rules.firing()] == ["w1", "w2"]


def test_without_groups_all_events_are_one_that_is_expected() -> None:
    rules = engine(rule("absence", window="10m"))
    rules.tick(START)
    (silent,) = look(rules, 3600)
    assert changes([silent]) == [(600.0, "firing", "absent")]
    assert rules.firing()[0].value == 3600.0


def test_silence_can_have_to_last_and_returning_too() -> None:
    text = rule("absence", 'for = "30s"', 'keep_firing_for = "1m"')
    rules = engine(text)
    rules.spans([at(0), *(at(200 + 10 * number) for number in range(20))])
    assert changes(look(rules, 400)) == [
        (60.0, "pending", "absent"),
        (90.0, "firing", "absent"),
        (270.0, "resolved", "returned"),
    ]


def test_a_late_heartbeat_shortens_the_silence_and_an_older_one_does_not() -> None:
    rules = engine(rule("absence"))
    rules.spans([at(0), at(30)])
    assert look(rules, 75) == []
    rules.spans([at(20), at(70)])
    assert changes(look(rules, 200)) == [(135.0, "firing", "absent")]
    assert rules.firing()[0].value == 125.0
    assert rules.take_counts().losses == {"late_event": 2}


def test_a_member_is_kept_in_one_pane_however_often_it_is_heard() -> None:
    rules, ledger = engine(rule("absence", BY, window="1h")), Ledger()
    for second in range(0, 3600, 15):
        rules.spans([at(second + 1, table="w1")])
        look(rules, second)
        commit(ledger, rules)
    assert sum('"p"' in key for key in ledger) <= 4


def test_a_member_that_is_expected_from_now_on_has_a_window_to_be_heard_in() -> None:
    before, after = (
        rule("absence", BY, f'expected = [{{ host = "w1" }}{more}]', window="5m") for more in ("", ', { host = "w2" }')
    )
    rules, ledger = engine(before), Ledger()
    rules.tick(START)
    look(rules, 3600)
    commit(ledger, rules)
    again = restarted(ledger, after)
    again.tick(START + 3630 * SECOND)
    assert [(seconds_of(alert.time_unix_nano), alert.labels["host"]) for alert in look(again, 7200)] == [(3930.0, "w2")]


def test_a_clock_that_runs_ahead_hides_no_silence() -> None:
    rules = engine(rule("absence"))
    rules.spans([at(0), at(100_000)])
    assert changes(look(rules, 600)) == [(60.0, "firing", "absent")]
