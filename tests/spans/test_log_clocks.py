"""Each log has a clock of its own, which its rotations share."""

from __future__ import annotations

import pytest
from span_harness import READ_AT, SECOND, Story, at, step

from logagent.spans.names import stem


@pytest.mark.parametrize(
    "name",
    [
        "/l/app.log", "/l/app.log.1", "/l/app.log.12.gz", "/l/app.log-20261122", "/l/app.log-20261122.gz",
        "/l/app-20261122.log", "/l/app.2026-11-22.log", "/l/app.log.2026-11-22_10", "/l/app_2026-11-22T10:00:00.log.gz",
        "/l/app", "/l/app.1", "/l/app.2.gz", "/l/app.log.old", "/l/app.log.bak", "/l/app-20261122",
    ],
)  # fmt: skip
def test_rotated_names_are_the_same_log(name: str) -> None:
    assert stem(name) == "/l/app"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("worker-1.log", "worker-1"), ("worker-2.log", "worker-2"), ("worker.2.log", "worker.2"), ("app2.log", "app2"),
        ("web-1", "web-1"), ("v1.2/app.log", "v1.2/app"), ("stdin", "stdin"), (".log", ".log"), ("", ""), ("20261122.log", "20261122"),
    ],
)  # fmt: skip
def test_numbered_processes_are_different_logs(name: str, expected: str) -> None:
    assert stem(name) == expected


def test_the_clock_of_one_log_does_not_expire_the_spans_of_another() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), source="one.log")
    assert story.tell(step(3600, "other"), source="two.log") == []
    (span,) = story.tell(step(50, "ends", id="a"), source="one.log")
    assert span.outcome == "ok"


def test_a_rotated_log_goes_on_with_its_clock() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), source="one.log.1")
    (span,) = story.tell(step(61, "other"), source="one.log")
    assert (span.id, span.incomplete) == ("a", True)


def test_a_span_may_end_in_another_log_of_its_service() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), source="one.log")
    (span,) = story.tell(step(5, "ends", id="a"), source="two.log")
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(5))


def test_a_clock_survives_a_restart() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    story.restart()
    assert story.assembler.now == at(0)
    (span,) = story.tell(step(61, "other"))
    assert span.incomplete


def test_lines_out_of_order_do_not_turn_the_clock_back() -> None:
    story = Story()
    story.tell(step(100, "other"), step(50, "begins", id="a"))
    assert story.assembler.now == at(100)
    (span,) = story.tell(step(111, "other"))
    assert (span.id, span.incomplete) == ("a", True)


UNDATED = b"an undated line"
HOUR = 3600 * SECOND


def times(story: Story) -> list[int]:
    return [record.time_unix_nano for record in story.records]


@pytest.mark.parametrize("restarts", [False, True])
def test_an_undated_line_is_as_old_as_the_last_dated_one_however_long_the_log_was_silent(*, restarts: bool) -> None:
    story = Story()
    story.tell(step(0, "other"))
    story.tick(READ_AT + HOUR)
    if restarts:
        story.restart(READ_AT + HOUR)
    story.tell(UNDATED, observed=READ_AT + HOUR)
    story.tick(READ_AT + 2 * HOUR)
    if restarts:
        story.restart(READ_AT + 2 * HOUR)
    story.tell(UNDATED, step(7, "other"), UNDATED, observed=READ_AT + 2 * HOUR)
    assert times(story) == [at(0), at(0), at(0), at(7), at(7)]


@pytest.mark.parametrize("restarts", [False, True])
def test_an_undated_line_is_as_old_as_a_late_one_before_it(*, restarts: bool) -> None:
    story = Story()
    story.tell(step(100, "other"), step(50, "other"))
    if restarts:
        story.restart()
    story.tell(UNDATED)
    assert times(story) == [at(100), at(50), at(50)]
    assert story.assembler.now == at(100)


def test_a_line_that_is_ahead_of_the_clock_is_as_old_as_the_last_dated_one_however_long_the_log_was_silent() -> None:
    story = Story()
    story.tell(step(0, "other"))
    story.tick(READ_AT + 9)
    story.tell({"at": 2 * READ_AT // 10**6, "step": "other"}, UNDATED)
    assert times(story) == [at(0), at(0), at(0)]


@pytest.mark.parametrize("restarts", [False, True])
def test_lines_of_a_log_without_any_time_are_as_old_as_their_reading(*, restarts: bool) -> None:
    story = Story()
    story.tell(UNDATED)
    story.tick(READ_AT + HOUR - 1)
    if restarts:
        story.restart(READ_AT + HOUR - 1)
    story.tell(UNDATED, observed=READ_AT + HOUR)
    assert times(story) == [READ_AT, READ_AT + HOUR]


def test_the_silence_of_a_log_counts_for_time_outs_over_its_undated_lines_and_restarts() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    story.tick(READ_AT + 40 * SECOND)
    story.tell(UNDATED, observed=READ_AT + 40 * SECOND)
    story.restart(READ_AT + 40 * SECOND)
    (span,) = story.tick(READ_AT + 61 * SECOND)
    assert (span.id, span.incomplete, span.end_unix_nano) == ("a", True, at(60))


@pytest.mark.parametrize("ticks", [0, 30])
def test_what_is_open_at_the_end_of_the_input_ends_with_the_last_dated_line(ticks: int) -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), step(5, "other"))
    story.tick(READ_AT + ticks * SECOND)
    (span,) = story.close()
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(5))


def test_a_clock_is_restored_from_an_entry_that_has_no_time_of_the_last_line() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    story.restart()
    (name,) = (name for room, name in story.entries if room == "clocks" and name)
    story.entries["clocks", name] = b"%d" % at(50)
    story.restart()
    assert story.assembler.now == at(50)
    story.tell(UNDATED)
    assert times(story)[-1] == at(50)
