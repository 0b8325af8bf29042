from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.metrics.series import Family, label_text
from logagent.metrics.store import Store

Entries = dict[str, bytes]


def applied(entries: Entries, changes: dict[str, bytes | None]) -> Entries:
    merged = {**entries, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def counter(store: Store, *, labels: tuple[str, ...] = ("code",)) -> Family:
    return store.counter("requests_total", "Requests.", labels)


def restored(entries: Entries) -> Store:
    store = Store()
    store.restore(entries)
    return store


def test_a_label_value_is_the_same_as_a_number_and_as_text() -> None:
    family = counter(Store())
    for value in (200, "200", 200.0):
        family.find((value,)).add(1)
    assert [series.value for series in family.series.values()] == [3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.5, "1.5"),
        (-0.0, "0"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (10**400, "inf"),
        ([1], ""),
        ({"password": "p"}, ""),
        ("x" * 300, "x" * 256),
        ("a\ud800b", "a?b"),
    ],
)
def test_every_value_has_one_label_text(value: object, text: str) -> None:
    assert label_text(value) == text


def test_true_is_not_one() -> None:
    family = counter(Store())
    assert family.find((1,)) is not family.find((label_text(value=True),))
    assert list(family.series) == [("1",), ("true",)]


def test_beyond_the_limit_all_series_are_one_and_each_update_is_counted() -> None:
    store = Store(max_series=2)
    family = counter(store)
    for value in ("a", "b", "c", "d", "a", "c"):
        family.find((value,)).add(1)
    assert {labels[0]: series.value for labels, series in family.series.items()} == {"a": 2, "b": 1, "__overflow__": 3}
    assert store.overflowed == {"requests_total": 3}
    assert len(family.index) == 2


def test_a_metric_without_labels_never_overflows() -> None:
    store = Store(max_series=0)
    counter(store, labels=()).find(()).add(1)
    assert store.overflowed == {}


def test_the_cache_of_raw_label_values_is_bounded() -> None:
    family = counter(Store(max_series=3))
    family.find(("1",))
    for _ in range(100):
        family.index[f"{len(family.index)}x",] = family.find((1,))
        family.find((1,))
    assert len(family.index) <= 13


def test_only_what_changed_is_handed_over_and_once() -> None:
    store = Store()
    family = counter(store)
    family.find(("200",)).add(2)
    assert store.changes() == {
        "m:requests_total": b'{"type":"counter","labels":["code"],"buckets":[]}',
        's:["requests_total","200"]': b"2.0",
    }
    assert store.changes() == {}
    family.find(("200",)).add(1)
    assert store.changes() == {'s:["requests_total","200"]': b"3.0"}


def test_a_restored_store_goes_on_where_the_other_stopped_and_writes_nothing_again() -> None:
    first = Store()
    counter(first).find(("200",)).add(2)
    histogram = first.histogram("seconds", "Time.", ("code",), buckets=(0.1, 1))
    for value in (0.1, 0.5, 7):
        histogram.find(("200",)).observe(value)
    first.gauge("level", "Level.").find(()).set(-1.5)
    entries = applied({}, first.changes())

    second = restored(entries)
    counter(second).find((200,)).add(1)
    second.histogram("seconds", "Time.", ("code",), buckets=(0.1, 1)).find(("200",)).observe(0.2)
    second.gauge("level", "Level.")
    changes = second.changes()
    assert {key: value for key, value in changes.items() if key.startswith("s:")} == {
        's:["requests_total","200"]': b"3.0",
        's:["seconds","200"]': b"[7.8,1,2,1]",
    }
    assert second.unreadable == 0
    assert b"level -1.5\n" in second.render()


def test_metrics_may_be_declared_before_or_after_the_restore() -> None:
    first = Store()
    counter(first).find(("200",)).add(2)
    entries = applied({}, first.changes())
    second = Store()
    family = counter(second)
    second.restore(entries)
    assert family.find(("200",)).value == 2


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=8, unique=True), st.data())
def test_series_survive_whatever_their_labels_say(labels: list[tuple[str, str]], data: st.DataObject) -> None:
    first = Store()
    family = first.counter("a_total", "A.", ("x", "y"))
    for pair in labels:
        family.find(pair).add(data.draw(st.floats(allow_nan=False)))
    expected = {texts: series.value for texts, series in family.series.items()}
    entries = applied({}, first.changes())
    assert len(entries) == len(expected) + 1
    second = restored(entries).counter("a_total", "A.", ("x", "y"))
    assert {texts: series.value for texts, series in second.series.items()} == expected


@given(
    st.dictionaries(
        st.text() | st.sampled_from(["m:a_total", 's:["a_total","x"]', 's:["a_total"]', "s:[]", "s:3"]), st.binary()
    )
)
def test_a_damaged_ledger_is_counted_and_removed_and_never_raises(entries: Entries) -> None:
    store = restored(entries)
    family = store.counter("a_total", "A.", ("x",))
    assert store.unreadable >= 0
    family.find(("x",)).add(1)
    again = restored(applied(entries, store.changes())).counter("a_total", "A.", ("x",))
    assert again.find(("x",)).value == family.find(("x",)).value or math.isnan(family.find(("x",)).value)


def test_a_series_that_cannot_be_read_is_dropped_and_counted() -> None:
    first = Store()
    counter(first).find(("200",)).add(2)
    counter(first).find(("500",)).add(2)
    entries = applied({}, first.changes())
    entries['s:["requests_total","200"]'] = b"[1,"
    second = restored(entries)
    family = counter(second)
    assert list(family.series) == [("500",)]
    assert second.unreadable == 1
    assert second.changes()['s:["requests_total","200"]'] is None


@pytest.mark.parametrize(
    ("labels", "notice"),
    [
        (("code", "method"), "its labels changed from code to code, method"),
        ((), "its labels changed from code to none"),
    ],
)
def test_a_metric_with_other_labels_begins_anew_and_says_so(labels: tuple[str, ...], notice: str) -> None:
    first = Store()
    counter(first).find(("200",)).add(2)
    entries = applied({}, first.changes())
    second = restored(entries)
    family = counter(second, labels=labels)
    assert family.series == {}
    assert second.notices == [f"metric requests_total begins anew: {notice}"]
    entries = applied(entries, second.changes())
    assert list(entries) == ["m:requests_total"]


def test_a_histogram_with_other_buckets_begins_anew_and_says_so() -> None:
    store = Store()
    store.histogram("seconds", "Time.", buckets=(1,)).find(()).observe(1)
    family = store.histogram("seconds", "Time.", buckets=(1, 2.5))
    assert family.series == {}
    assert store.notices == ["metric seconds begins anew: its buckets changed from 1.0 to 1.0, 2.5"]
    family.find(()).observe(1)
    assert store.changes()['s:["seconds"]'] == b"[1.0,1,0,0]"


def test_another_help_text_keeps_the_series() -> None:
    store = Store()
    counter(store).find(("200",)).add(2)
    family = store.counter("requests_total", "Other words.", ("code",))
    assert family.find(("200",)).value == 2
    assert b"# HELP requests_total Other words.\n" in store.render()


def test_a_metric_that_no_rule_defines_is_not_shown_and_comes_back_with_its_series() -> None:
    store = Store()
    counter(store).find(("200",)).add(2)
    store.retire("requests_total")
    assert store.render() == b""
    entries = applied({}, store.changes())
    assert entries['s:["requests_total","200"]'] == b"2.0"
    assert counter(store).find(("200",)).value == 2
    assert store.notices == []
    assert counter(restored(entries)).find(("200",)).value == 2


def test_a_secret_in_a_label_value_is_redacted_before_there_is_a_series() -> None:
    family = counter(Store(redact=lambda text: re.sub(r"sk-\w+", "[REDACTED]", text)))
    for value in ("sk-123", "sk-456", "x" * 250 + "sk-" + "1" * 300):
        family.find((value,)).add(1)
    assert list(family.series) == [("[REDACTED]",), ("x" * 250 + "[REDAC",)]
    assert family.find(("sk-789",)).value == 2


def test_the_prefix_is_shown_and_not_kept() -> None:
    store = Store("auto-forge")
    counter(store).find(("200",)).add(2)
    assert b'\nauto_forge_requests_total{code="200"} 2.0\n' in store.render()
    assert 's:["requests_total","200"]' in store.changes()
    assert counter(Store("9lives")).shown_name == "_9lives_requests_total"
    assert counter(Store("a_")).shown_name == "a_requests_total"
