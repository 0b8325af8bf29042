"""An end line whose id is none is a span all the same, with an id that follows from the line."""

from __future__ import annotations

from typing import Any

import pytest
from span_harness import Call, Request, Story, afn, at, step

from logagent.model import ParentFound

NONE: list[Any] = [None, "-", "", "0", "null", "00000000-0000-0000-0000-000000000000", [], {}, 0]


def without_id(line: dict[str, Any], value: Any = None) -> dict[str, Any]:
    """The line with a value instead of its span's id."""
    context = {
        key: value if key in {"request_id", "call_id", "query_id"} else old for key, old in line["context"].items()
    }
    return {**line, "context": context}


@pytest.mark.parametrize("value", NONE)
def test_the_end_of_a_request_without_a_usable_id_is_a_request(value: Any) -> None:
    story = Story()
    (span,) = story.tell(without_id(Request().end(0.5, 503), value))
    assert (span.kind, span.outcome, span.start_unix_nano, span.end_unix_nano) == ("request", "error", at(0), at(0.5))
    assert span.attributes["url.path"] == "/api/v1/prompts"
    assert len(span.trace_id) == 16


@pytest.mark.parametrize("kind", ["llm", "query"])
def test_so_is_that_of_a_call_that_says_how_long_it_took(kind: str) -> None:
    story = Story()
    story.tell(without_id(Call(kind=kind).end(0.35)))
    (span,) = story.finish()
    assert (span.kind, span.start_unix_nano, span.end_unix_nano) == (kind, at(0.1), at(0.35))


def test_a_failed_request_and_a_failed_call_are_spans_too() -> None:
    story = Story()
    story.tell(without_id(Request().fail(0.5)), without_id(Call().fail(0.4)))
    assert [(span.kind, span.outcome) for span in story.finish()] == [("request", "failed"), ("llm", "failed")]


def test_a_request_that_tells_nothing_but_its_end_is_a_request() -> None:
    (span,) = Story().tell(step(1, "request ends"))
    assert (span.start_unix_nano, span.end_unix_nano) == (at(1), at(1))


def test_other_lines_without_an_id_are_no_spans() -> None:
    story = Story()
    lines = [without_id(line) for line in (Request().start(), Call().start(), Call().recorded(0.3))]
    story.tell(*lines, step(1, "ends"), step(1, "request begins"))
    assert story.finish() == []


def test_such_a_call_belongs_to_the_request_that_it_names() -> None:
    story = Story()
    (span,) = story.tell(step(1, "ends", took=100, request="r"))
    assert (span.parent_found, span.request_id, span.parent_id) == (ParentFound.SHARED, "r", "r")


def test_a_failure_that_may_be_of_an_open_span_is_not_a_span_of_its_own() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a", request="r"), step(0, "begins", id="b", request="r"))
    assert story.tell(step(1, "fails", request="r", took=5)) == []
    (span,) = Story().tell(step(1, "fails", request="r", took=5))
    assert span.outcome == "failed"


def test_its_id_depends_on_the_line_alone() -> None:
    end = without_id(Request().end(0.5))
    ids = set()
    for source in ("/var/log/app.log", "/mnt/copy/app.log"):
        story = Story()
        story.tell(without_id(Request(path="/other").end(0.5)), source=source)
        (span,) = story.tell(end, source=source)
        ids.add((span.trace_id, span.span_id))
    assert len(ids) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_each_of_several_equal_lines_is_a_span(*, restarts: bool) -> None:
    story = Story()
    for _ in range(40):
        story.tell(without_id(Request().end(0.5)))
        if restarts:
            story.restart()
    assert len({span.span_id for span in story.spans}) == 40
    assert story.assembler.dropped == {}


def test_many_equal_lines_do_not_look_through_each_other() -> None:
    story = Story()
    story.tell(*[without_id(Request().end(0.5))] * 5_000, *[Request().metric(0.6)] * 5_000)
    assert len({span.id for span in story.finish()}) == len(story.spans)


def test_its_echo_is_no_second_request() -> None:
    story = Story()
    story.tell(without_id(Request().end(0.5)), Request().metric(0.5), afn(3, "other", "x"))
    assert len(story.finish()) == 1
    story = Story()
    story.tell(Request().metric(0.5), without_id(Request().end(0.5)), afn(3, "other", "x"))
    assert len(story.finish()) == 1
