"""A line that tells again of a span that has ended makes no second one, as long as the end is remembered."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from span_harness import Call, Request, Story, at, step, uuid

from logagent.model import Resource
from logagent.spans.ended import MEMORY_NANO, REMEMBERED, EndedSpans

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3600


@pytest.mark.parametrize(
    "end",
    [Request().end(0.5), Call(kind="query").end(0.5), step(0.5, "ends", id="s", took=100), step(0.5, "ends", id="s")],
)
@pytest.mark.parametrize("restarts", [False, True])
def test_an_end_line_that_is_written_twice_counts_once(end: dict[str, Any], *, restarts: bool) -> None:
    story = Story()
    assert len(story.tell(end)) == 1
    if restarts:
        story.restart()
    assert story.tell(end, end) == []
    assert story.close() == []
    assert story.assembler.dropped == {"repeated_end": 2}


def test_a_repetition_in_the_same_batch_is_known_too() -> None:
    story, request = Story(), Request()
    assert len(story.tell(request.start(), request.end(0.5), request.end(0.5), request.end(0.7, 503))) == 1
    assert story.assembler.dropped == {"repeated_end": 2}


def test_a_call_that_waited_for_more_is_known_after_it_was_sent() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.end(0.5), call.recorded(0.6))
    story.restart()
    assert story.tell(call.end(0.5)) == []
    assert len(story.finish()) == 1
    assert story.assembler.dropped == {"repeated_end": 1}


def test_a_failure_line_after_the_end_is_a_failure_and_no_second_span() -> None:
    story, request = Story(), Request()
    story.tell(request.start(), request.end(0.5, 500))
    assert story.tell(request.fail(0.6)) == []
    assert len(story.failures) == 1
    assert story.assembler.dropped == {"repeated_end": 1}


@pytest.mark.parametrize("restarts", [False, True])
def test_a_start_line_after_the_end_line_begins_no_second_span(*, restarts: bool) -> None:
    story, request = Story(), Request()
    (span,) = story.tell(request.end(0.5))
    if restarts:
        story.restart()
    story.tell(request.start())
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(0.5))
    assert story.close() == []
    assert story.assembler.dropped == {"late_start": 1}


def test_lines_that_accompany_an_ended_span_make_no_second_one() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.end(0.5), call.recorded(0.6))
    story.tell(call.recorded(0.7), step(0.7, "adds", id="s"))
    assert [span.id for span in story.finish()] == [call.id]


def test_a_repeated_request_expects_no_second_echo() -> None:
    story, one = Story(), Request()
    story.tell(one.end(0.5), one.end(0.5), one.start(), one.metric(0.5), one.metric(0.5))
    assert len(story.finish()) == 2


def test_a_start_after_the_end_by_its_own_time_begins_another_span() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), step(1, "ends", id="a"), step(2, "begins", id="a"), step(3, "ends", id="a"))
    assert [(span.start_unix_nano, span.end_unix_nano) for span in story.spans] == [(at(0), at(1)), (at(2), at(3))]
    assert story.assembler.dropped == {}


def test_an_end_whose_duration_begins_after_the_other_end_is_of_another_span() -> None:
    story = Story()
    story.tell(
        step(1, "ends", id="a", took=500), step(3, "ends", id="a", took=500), step(3.1, "ends", id="a", took=500)
    )
    assert [span.end_unix_nano for span in story.spans] == [at(1), at(3)]
    assert story.assembler.dropped == {"repeated_end": 1}


def test_after_an_hour_the_same_id_is_another_span() -> None:
    story = Story()
    story.tell(step(0, "ends", id="a"), step(HOUR, "ends", id="a"), step(HOUR + 0.001, "ends", id="a"))
    assert [span.end_unix_nano for span in story.spans] == [at(0), at(HOUR + 0.001)]


def test_the_same_id_of_another_kind_or_service_is_another_span() -> None:
    story = Story()
    story.tell(step(1, "ends", id="a"), step(1, "request ends", request="a"))
    story.tell(step(1, "ends", id="a"), resource=Resource("other", "autoforge"))
    assert len(story.spans) == 3


def test_the_end_of_a_span_that_was_sent_as_incomplete_counts_once() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), step(90, "ends", id="a"), step(90, "ends", id="a"))
    assert [span.outcome for span in story.spans] == ["incomplete", "ok"]


# -- the memory itself


def stored(ended: EndedSpans, entries: dict[str, bytes]) -> int:
    """How many entries a commit wrote."""
    changes = list(ended.changes())
    for key, value in changes:
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = value
    return len(changes)


def restored(entries: dict[str, bytes], **sizes: int) -> EndedSpans:
    ended = EndedSpans(**sizes)
    ended.restore(dict(sorted(entries.items())))
    return ended


adds = st.lists(
    st.tuples(st.sampled_from("abcdefghijkl\0\ud7ff"), st.integers(0, 50), st.sampled_from("--ck")), max_size=80
)


@given(adds, st.integers(1, 9), st.integers(1, 5))
def test_it_knows_the_last_spans_whatever_kills_it(moves: list[tuple[str, int, str]], limit: int, chunk: int) -> None:
    ended, entries = EndedSpans(limit=limit, chunk=chunk), dict[str, bytes]()
    undisturbed, of_undisturbed = EndedSpans(limit=limit, chunk=chunk), dict[str, bytes]()
    latest: list[tuple[str, int]] = []
    for entity, time, what in moves:
        for memory in (ended, undisturbed):
            memory.add("service", "kind", entity, time)
        latest.append((entity, time))
        if what in "ck":
            stored(ended, entries)
        if what == "k":
            ended = restored(entries, limit=limit, chunk=chunk)
    stored(ended, entries)
    stored(undisturbed, of_undisturbed)
    assert entries == of_undisturbed
    for memory in (ended, restored(entries, limit=limit, chunk=chunk)):
        assert all(memory.knows("service", "kind", entity) for entity, _ in latest[-limit:])
        recent = {entity for entity, _ in latest[-limit - 2 * chunk :]}
        assert {entity for entity in "abcdefghijkl" if memory.knows("service", "kind", entity)} <= recent
        assert len(memory) <= limit + 2 * chunk
        for entity, time in dict(latest[-limit:]).items():
            assert memory.covers("service", "kind", entity, time, None)


def test_a_commit_writes_what_came_since_the_last_and_little_more() -> None:
    ended, entries = EndedSpans(limit=1_000, chunk=10), dict[str, bytes]()
    written = []
    for number in range(3_000):
        ended.add("service", "kind", uuid(number), number)
        if number % 5 == 0:
            written.append(stored(ended, entries))
    assert max(written) <= 3
    assert len(entries) <= 102


@pytest.mark.parametrize(
    ("time", "begun", "covers"),
    [
        (5, None, True), (5 + MEMORY_NANO, None, True), (6 + MEMORY_NANO, None, False), (4 - MEMORY_NANO, None, False),
        (9, 5, True), (9, 6, False), (1, -(10**15), True),
    ],
)  # fmt: skip
def test_the_times_of_a_line_say_whether_it_tells_of_a_remembered_span(
    time: int, begun: int | None, *, covers: bool
) -> None:
    ended = EndedSpans()
    ended.add("service", "kind", "a", 5)
    assert ended.covers("service", "kind", "a", time, begun) is covers


def _fill(ended: EndedSpans, entries: dict[str, bytes]) -> None:
    for number in range(2 * REMEMBERED):
        ended.add("service", "kind", uuid(number), number * 1_000_000)
        if number % 100 == 0:
            stored(ended, entries)


def _restore(ended: EndedSpans, entries: dict[str, bytes]) -> None:
    other, others = EndedSpans(), dict[str, bytes]()
    _fill(other, others)
    entries.update(others)
    ended.restore(others)


@pytest.mark.parametrize("fill", [_fill, _restore])
def test_a_full_memory_takes_a_few_mebibytes(fill: Callable[[EndedSpans, dict[str, bytes]], None]) -> None:
    tracemalloc.start()
    try:
        ended, entries = EndedSpans(), dict[str, bytes]()
        fill(ended, entries)
        assert len(ended) >= REMEMBERED
        assert tracemalloc.get_traced_memory()[0] < 3.5 * 2**20
    finally:
        tracemalloc.stop()
