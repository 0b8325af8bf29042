from __future__ import annotations

from alert_samples import HOUR, MINUTE, SECOND, SLOW, START, engine, failure, query, record, span, told

from logagent.model import AlertState, Span


def test_the_first_event_of_a_group_fires_with_labels_and_texts() -> None:
    alerts = engine(SLOW, labels={"service": "shop", "namespace": ""}).spans(
        [query(START, 1.5, db__query__text="SELECT * FROM users WHERE id = ?")]
    )
    trace = START.to_bytes(16, "big")
    (alert,) = alerts
    assert alert.labels == {
        "alertname": "SlowQuery",
        "severity": "warning",
        "service": "shop",
        "team": "storage",
        "db_collection_name": "users",
    }
    assert alert.annotations == {
        "summary": "1 slow on users, worst 1.5 s",
        "description": f"SELECT * FROM users… in {trace.hex()}",
        "runbook_url": "https://runbooks.example.org/slow",
        "trace_id": trace.hex(),
    }
    assert (alert.name, alert.state, alert.reason, alert.value) == ("SlowQuery", AlertState.FIRING, "match", 1.5)
    assert (alert.time_unix_nano, alert.starts_unix_nano, alert.ends_unix_nano) == (START, START, 0)
    assert alert.trace_id == trace


def test_an_event_that_does_not_match_changes_nothing() -> None:
    rules = engine(SLOW)
    assert rules.spans([query(START, 0.9), span("llm", START, 9.0, {})]) == []
    assert rules.changes() == {}


def test_groups_fire_each_for_itself() -> None:
    rules = engine(SLOW)
    rules.spans([query(START), query(START, table="orders"), query(START, table=None)])
    assert [alert.labels.get("db_collection_name") for alert in rules.firing()] == [None, "orders", "users"]
    assert rules.firing_counts() == [("SlowQuery", "warning", 3)]


def test_a_group_that_goes_on_is_told_again_after_repeat_with_its_count_and_worst() -> None:
    rules = engine(SLOW)
    first = rules.spans([query(START), query(START + 9 * MINUTE, 7.25, db__query__text="worst")])
    again = rules.spans([query(START + 10 * MINUTE, 3.0), query(START + 11 * MINUTE, 3.0)])
    assert told(first) == [("firing", "match", 2.0)]
    assert told(again) == [("firing", "repeat", 7.25)]
    assert again[0].annotations["summary"] == "3 slow on users, worst 7.25 s"
    assert again[0].annotations["description"].startswith("worst in ")
    assert again[0].trace_id == (START + 9 * MINUTE).to_bytes(16, "big")
    assert again[0].starts_unix_nano == START


def test_a_quiet_group_resolves_at_the_moment_that_made_it_quiet() -> None:
    rules = engine(SLOW)
    rules.spans([query(START), query(START + MINUTE)])
    assert rules.tick(START + 31 * MINUTE - 1) == []
    (alert,) = rules.tick(START + 2 * HOUR)
    assert (alert.state, alert.reason) == (AlertState.RESOLVED, "quiet")
    assert alert.time_unix_nano == alert.ends_unix_nano == START + 31 * MINUTE
    assert alert.annotations["summary"].startswith("2 slow")
    assert rules.firing() == []
    assert rules.tick(START + 9 * HOUR) == []


def test_a_match_after_the_quiet_time_ends_the_old_episode_first_without_any_tick() -> None:
    rules = engine(SLOW)
    alerts = rules.spans([query(START), query(START + 30 * MINUTE, 4.0)])
    assert told(alerts) == [("firing", "match", 2.0), ("resolved", "quiet", 2.0), ("firing", "match", 4.0)]
    assert alerts[2].starts_unix_nano == START + 30 * MINUTE


def test_a_late_event_counts_in_the_running_episode_and_moves_nothing_back() -> None:
    rules = engine(SLOW)
    alerts = rules.spans([query(START), query(START - HOUR, 9.0)])
    assert told(alerts) == [("firing", "match", 2.0)]
    (firing,) = rules.firing()
    assert (firing.value, firing.starts_unix_nano) == (9.0, START)
    assert rules.tick(START + 30 * MINUTE)[0].ends_unix_nano == START + 30 * MINUTE


def test_groups_beyond_the_cap_share_one_and_quiet_groups_make_room() -> None:
    rules = engine(SLOW)
    alerts = rules.spans([query(START, table=f"t{number}") for number in range(6)])
    assert [alert.labels.get("db_collection_name") for alert in alerts] == ["t0", "t1", "t2", None]
    assert alerts[3].labels["overflow"] == "true"
    assert len(rules.firing()) == 4
    later = rules.spans([query(START + HOUR, table="t9")])
    assert [alert.state for alert in later] == [AlertState.RESOLVED] * 4 + [AlertState.FIRING]
    assert later[4].labels["db_collection_name"] == "t9"


def test_quiet_groups_of_several_rules_resolve_in_the_order_of_time() -> None:
    rules = engine(SLOW + SLOW.replace("SlowQuery", "Slower").replace("1s", "3s"))
    rules.spans([query(START, 5.0, "b"), query(START + SECOND, 2.0, "a"), query(START + 2 * SECOND, 5.0, "a")])
    ends = [alert.time_unix_nano for alert in rules.tick(START + HOUR)]
    assert len(ends) == 4
    assert ends == sorted(ends)


def test_hostile_group_values_become_bounded_labels() -> None:
    rules = engine(SLOW.replace("max_groups = 3", "max_groups = 100"))
    values = ["x" * 5000, "x" * 5001, "\ud800", "a\0b", ["a", 1], 1, True, 1.0, 10**5000, float("nan"), "\0overflow"]
    rules.spans([query(START, table=value) for value in values])  # type: ignore[arg-type]  # hostile on purpose
    labels = [alert.labels["db_collection_name"] for alert in rules.firing()]
    assert max(map(len, labels)) == 200
    assert {"1", "true", "1.0", "?", "a\ufffdb", "nan"} <= set(labels)
    assert all(isinstance(value, bytes) for value in rules.changes().values())
    assert rules.take_counts().rule_errors == {}


def test_a_rule_on_spans_sees_every_kind() -> None:
    rules = engine('[[alert]]\nname = "Failed"\nkind = "event"\nfrom = "span"\nwhere = "error"\nby = ["kind"]')
    failed = [span(kind, START, 1.0, {}) for kind in ("request", "llm", "brand_new")]
    for one in failed:
        one.status = 2
    assert [alert.labels["kind"] for alert in rules.spans(failed)] == ["request", "llm", "brand_new"]


def test_a_rule_on_a_kind_and_one_on_spans_both_see_a_span() -> None:
    every = '[[alert]]\nname = "Any"\nkind = "event"\nfrom = "span"\n'
    assert [alert.name for alert in engine(SLOW + every).spans([query(START)])] == ["SlowQuery", "Any"]


def test_records_and_failures_have_rules_of_their_own() -> None:
    rules = engine("""
[[alert]]
name = "Fatal"
kind = "event"
from = "log"
where = 'severity == "ERROR"'
summary = "{{ body | truncate(4) }} by {{ user }}"

[[alert]]
name = "Crash"
kind = "event"
from = "error"
by = ["error.type"]
summary = "{{ labels.error_type }}: {{ message }}"
""")
    (fatal,) = rules.records([record(START, "out of disk", user="ann")])
    (crash,) = rules.failures([failure(START)])
    assert fatal.annotations["summary"] == "out… by ann"
    assert crash.annotations["summary"] == "ValueError: no"
    assert crash.trace_id == b"t" * 16


def test_fields_of_a_record_leave_only_as_its_dialect_lets_them() -> None:
    rules = engine("""
[[alert]]
name = "Note"
kind = "event"
from = "log"
where = 'note == "sk-secret"'
by = ["note"]
summary = "{{ note }}"
[[alert]]
name = "Failed"
kind = "event"
from = "error"
by = ["note"]
summary = "{{ note }}"
""")
    alerts = rules.records([record(START, note="sk-secret")]) + rules.failures([failure(START, note="sk-secret")])
    assert len(alerts) == 2
    assert "sk-secret" not in repr(alerts)
    assert b"sk-secret" not in b"".join(value or b"" for value in rules.changes().values())


def test_trace_ids_are_asked_for_only_where_an_alert_tells_of_a_span() -> None:
    asked: list[Span] = []

    def identify(spans: list[Span]) -> None:
        asked.extend(spans)
        spans[0].trace_id = b"i" * 16

    rules = engine(SLOW, identify=identify)
    slow, fast = query(START), query(START, 0.1)
    slow.trace_id = fast.trace_id = b""
    (alert,) = rules.spans([fast, slow])
    assert asked == [slow]
    assert alert.trace_id == b"i" * 16


def test_a_rule_without_a_value_counts_its_events() -> None:
    rules = engine('[[alert]]\nname = "Any"\nkind = "event"\nfrom = "query"\nrepeat = "1s"')
    assert told(rules.spans([query(START), query(START + SECOND)])) == [("firing", "match", 1), ("firing", "repeat", 2)]
    assert rules.firing()[0].annotations["summary"] == "2 events"


def test_a_condition_that_raises_is_counted_and_the_next_rule_still_sees_the_event() -> None:
    class Explosive(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            raise RuntimeError(key, default)

    broken = SLOW.replace("SlowQuery", "Broken").replace("duration > 1s", "db.response.returned_rows > 1")
    whole = '[[alert]]\nname = "Whole"\nkind = "event"\nfrom = "query"\n'
    rules = engine(broken + whole)
    hostile = query(START)
    hostile.attributes = Explosive()  # type: ignore[assignment]  # hostile on purpose
    assert [alert.name for alert in rules.spans([hostile])] == ["Whole"]
    assert rules.take_counts().rule_errors == {"Broken": 1}
    assert rules.take_counts().rule_errors == {}
