"""How many failures the error lines of an application tell of."""

from __future__ import annotations

from typing import Any

from span_harness import Call, Request, Story, afn, error_metric, step


def told(request: Request, call: Call, began: float, error: str = "TimeoutError") -> list[dict[str, Any]]:
    """The four lines of a call that fails and takes its request down."""
    return [
        call.fail(began, error), error_metric(began + 0.001, f"LLM_{error}", call.process),
        error_metric(began + 0.002, error, call.process), request.fail(began + 0.003, error),
    ]  # fmt: skip


def test_four_lines_of_one_failure_are_one_failure() -> None:
    story, request, call = Story(), Request(), Call()
    story.tell(request.start(), call.start(), *told(request, call, 1))
    (failure,) = story.failures
    assert (failure.error_type, failure.logger) == ("TimeoutError", "autoforgenexus.llm")


def test_two_failures_at_once_are_two_however_their_lines_mix() -> None:
    story = Story()
    one, two = told(Request(1), Call(101), 1), told(Request(2), Call(102), 1)
    story.tell(*[line for pair in zip(one, two, strict=True) for line in pair])
    assert len(story.failures) == 2


def test_failures_of_different_types_processes_or_logs_are_different() -> None:
    story = Story()
    story.tell(*told(Request(1), Call(101), 1), *told(Request(2), Call(102), 1, "ValueError"))
    story.tell(*told(Request(3, process=2), Call(103, process=2), 1))
    story.tell(*told(Request(4), Call(104), 1), source="other.log")
    assert [failure.error_type for failure in story.failures] == [
        "TimeoutError",
        "ValueError",
        "TimeoutError",
        "TimeoutError",
    ]


def test_retries_are_a_failure_each() -> None:
    story = Story()
    for number in range(3):
        story.tell(Call(100 + number).fail(number * 0.1), error_metric(number * 0.1, "LLM_TimeoutError"))
    assert len(story.failures) == 3


def test_a_failure_that_was_handled_long_ago_does_not_hide_another() -> None:
    story = Story()
    for number in range(20):
        story.tell(Call(100 + number).fail(number * 1.0))
    story.tell(Request(1).fail(60), Request(2).fail(60))
    assert len(story.failures) == 22


def test_a_stream_of_the_same_failure_goes_on_being_counted() -> None:
    story = Story()
    for number in range(200):
        story.tell(*told(Request(number), Call(1000 + number), number * 0.5))
    assert len(story.failures) == 200


def test_lines_of_one_request_tell_of_one_failure_where_the_application_names_it() -> None:
    story = Story()
    error = {"level": "error", "error": "OSError"}
    story.tell(
        step(1, "cannot read", request="r", **error), step(2, "cannot answer", request="r", **error),
        step(2, "cannot read", request="other", **error), step(3, "cannot read", request="r", **error),
    )  # fmt: skip
    assert len(story.failures) == 3


def test_an_error_line_that_names_nothing_is_a_failure_of_its_own() -> None:
    story = Story()
    story.tell(*[afn(1, "database", "Database connection failed", level="ERROR")] * 3)
    assert [failure.error_type for failure in story.failures] == ["", "", ""]


def test_different_errors_of_one_logger_are_counted_one_by_one() -> None:
    story = Story()
    for number in range(10):
        story.tell(
            afn(number * 0.1, "jobs", f"Job {number} failed", level="ERROR", exc_info="ValueError: bad job"),
        )
    assert len(story.failures) == 10


def test_lines_below_error_without_an_exception_are_no_failures() -> None:
    story = Story()
    story.tell(afn(1, "app", "careful", level="WARNING"), b"ERROR text", step(1, "x", level="warn", error="OSError"))
    assert story.failures == []


def test_a_failure_in_flight_survives_a_restart() -> None:
    story = Story()
    lines = told(Request(), Call(), 1)
    for line in lines:
        story.tell(line)
        story.restart()
    assert len(story.failures) == 1


def test_memory_of_failures_is_bounded() -> None:
    story = Story()
    error = {"level": "error", "error": "OSError"}
    for number in range(5_000):
        story.tell(step(1, "bad", request=f"r{number}", **error))
    for number in range(1_000):
        story.tell(step(1, f"bad {number}", request="r", **error))
    groups = story.assembler.failures._groups
    assert len(groups) <= 4_096
    assert max(len(roles) for recent in groups.values() for _, roles in recent) <= 16
