from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.alerting.periods import Calendar, PeriodKind
from logagent.alerting.running import NEVER
from logagent.alerting.slo.counts import MinuteCounts, unpack_hour
from logagent.alerting.slo.spans import CalendarSpan, RollingSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.alerting.slo.spans import BudgetSpan

WINDOWS = (3, 10, 60)
FIRST = 29_888_640
"""Minute of 2026-10-30 00:00 UTC."""
SPANS: dict[str, BudgetSpan] = {
    "rolling": RollingSpan(7),
    "month": CalendarSpan(Calendar(PeriodKind.MONTH, ZoneInfo("Europe/Amsterdam")), "month", 30),
    "week": CalendarSpan(Calendar(PeriodKind.WEEK, ZoneInfo("America/New_York")), "week", 7),
}
Event = tuple[int, int]

events = st.tuples(st.integers(0, 4 * 1440), st.integers(0, 1))
moves = st.integers(1, 600)
steps = st.lists(st.one_of(events, moves), max_size=120)


def recount(seen: Sequence[Event], edge: int, now: int) -> tuple[int, int]:
    inside = [bad for minute, bad in seen if edge < minute <= now]
    return len(inside), sum(inside)


def check(counts: MinuteCounts, seen: Sequence[Event], span: BudgetSpan) -> None:
    edges = [*(counts.now - window for window in WINDOWS), span.edge(counts.now)]
    for window, edge in enumerate(edges):
        assert counts.sums(window) == recount(seen, edge, counts.now)
    for ahead in (0, 5, 5000):
        later = counts.now + ahead
        assert counts.period_sums(later) == recount(seen, span.edge(later), later)


def restored(counts: MinuteCounts, seen: Sequence[Event], span: BudgetSpan) -> MinuteCounts:
    """The counts as a ledger gives them back: hours in any order, some before and some after the moment."""
    again = MinuteCounts(WINDOWS, span, -1)
    hours = sorted({minute // 60 for minute, _ in seen}, key=hash)
    for place, hour in enumerate(hours):
        if place == len(hours) // 2:
            again.move(counts.now)
        for minute, valid, bad in unpack_hour(hour, counts.pack_hour(hour)):
            again.add(minute, valid, bad)
    again.move(max(counts.now, again.now))
    return again


@settings(max_examples=150)
@given(steps, st.sampled_from(sorted(SPANS)), st.sets(st.integers(0, 119)))
def test_every_window_holds_at_every_minute_what_a_recount_gives(
    walk: list[Event | int], kind: str, restarts: set[int]
) -> None:
    span = SPANS[kind]
    counts, seen = MinuteCounts(WINDOWS, span, FIRST), []
    for place, step in enumerate(walk):
        if isinstance(step, tuple):
            event = (FIRST + step[0], step[1])
            seen.append(event)
            counts.add(event[0], 1, event[1])
        else:
            target = counts.now + step
            while (minute := counts.next_change()) <= target:
                assert minute > counts.now
                counts.move(minute)
                check(counts, seen, span)
            counts.move(target)
        check(counts, seen, span)
        if place in restarts:
            counts = restored(counts, seen, span)
            check(counts, seen, span)


@given(steps, st.sampled_from(sorted(SPANS)))
def test_between_two_changes_every_window_holds_the_same(walk: list[Event | int], kind: str) -> None:
    span = SPANS[kind]
    counts, seen = MinuteCounts(WINDOWS, span, FIRST), []
    for step in walk:
        if isinstance(step, tuple):
            seen.append((FIRST + step[0], step[1]))
            counts.add(FIRST + step[0], 1, step[1])
            continue
        sums = [counts.sums(window) for window in range(4)]
        quiet = min(counts.next_change() - 1, counts.now + step)
        assert quiet >= counts.now
        counts.move(quiet)
        assert [counts.sums(window) for window in range(4)] == sums
        check(counts, seen, span)


def test_hours_are_dropped_whole_when_no_window_holds_any_of_them() -> None:
    counts = MinuteCounts(WINDOWS, SPANS["rolling"], FIRST)
    for minute in (FIRST + 1, FIRST + 59, FIRST + 61):
        counts.add(minute, 1, 0)
    week = 7 * 1440
    counts.move(FIRST + 58 + week)
    assert counts.drop_hours(min(counts.edges())) == []
    counts.move(FIRST + 59 + week)
    assert counts.drop_hours(min(counts.edges())) == [FIRST // 60]
    assert counts.sums(-1) == (1, 0)
    assert counts.next_change() == FIRST + 61 + week
    counts.move(FIRST + 61 + week)
    assert counts.next_change() == NEVER
    assert counts.sums(-1) == (0, 0)
    counts.move(FIRST + 119 + week)
    assert counts.drop_hours(min(counts.edges())) == [FIRST // 60 + 1]
    assert counts.is_empty


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"7", b"[1]", b"[60,1,0]", b"[-1,1,0]", b"[0,1,2]", b'["a",1,0]', b"[0,1e300,0]", b"[0,null,0]"],
)
def test_an_hour_that_cannot_be_one_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        assert unpack_hour(1, data)
