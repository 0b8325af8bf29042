"""How a span finds its parent: named, shared or inferred; and no parent is better than a wrong one."""

from __future__ import annotations

import pytest
from span_harness import Call, Request, Story, afn, at, step

from logagent.model import ParentFound, Span


def parent_of(story: Story, entity: str) -> tuple[ParentFound, str]:
    span = next(span for span in story.spans if span.id == entity)
    return span.parent_found, span.parent_id


def test_a_parent_that_a_line_names_is_explicit() -> None:
    story = Story()
    (span,) = story.tell(step(1, "ends", id="s", parent="p", request="r"))
    assert (span.parent_found, span.parent_kind, span.parent_id) == (ParentFound.EXPLICIT, "agent", "p")
    assert span.request_id == "r"


def test_a_span_that_names_its_request_is_its_child() -> None:
    story = Story()
    story.tell(step(0, "request begins", request="r"), step(0, "begins", id="s", request="r"))
    story.tell(step(1, "ends", id="s"), step(2, "request ends", request="r"))
    child, request = story.spans
    assert (child.parent_found, child.parent_id) == (ParentFound.SHARED, "r")
    assert child.trace_id == request.trace_id


def test_a_request_has_no_parent() -> None:
    story, request = Story(), Request()
    story.tell(request.start(), request.end(1))
    assert parent_of(story, request.id) == (ParentFound.NONE, "")


@pytest.mark.parametrize("kind", ["llm", "query"])
def test_the_only_request_of_the_process_is_inferred(kind: str) -> None:
    story, request, call = Story(), Request(), Call(kind=kind)
    story.tell(request.start(), call.start(), call.end(0.5), request.end(1))
    story.close()
    assert parent_of(story, call.id) == (ParentFound.INFERRED, request.id)
    spans = {span.id: span for span in story.spans}
    assert spans[call.id].trace_id == spans[request.id].trace_id
    assert spans[call.id].parent_span_id == spans[request.id].span_id


def test_a_call_that_waited_for_more_keeps_the_parent_that_it_ended_in() -> None:
    story, request, call = Story(), Request(), Call()
    story.tell(request.start(), call.start(), call.end(0.5), request.end(0.6))
    story.restart()
    story.tell(afn(10, "other", "x"))
    assert parent_of(story, call.id) == (ParentFound.INFERRED, request.id)
    spans = {span.id: span for span in story.spans}
    assert spans[call.id].parent_span_id == spans[request.id].span_id


def test_of_two_open_requests_neither_is_inferred() -> None:
    story, call = Story(), Call(kind="query")
    story.tell(Request(1).start(), Request(2).start(), call.start(), call.end(0.5))
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_that_one_of_two_requests_ended_meanwhile_proves_nothing() -> None:
    story, call, one = Story(), Call(kind="query"), Request(1)
    story.tell(one.start(), Request(2).start(), call.start(), one.end(0.3), call.end(0.5))
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_a_request_that_began_after_the_child_does_not_matter() -> None:
    story, call, one = Story(), Call(kind="query"), Request(1)
    story.tell(one.start(), call.start(), Request(2, began=0.2).start(), call.end(0.5))
    assert parent_of(story, call.id) == (ParentFound.INFERRED, one.id)


def test_a_request_of_another_process_is_no_parent() -> None:
    story, call = Story(), Call(kind="query")
    story.tell(Request(1, process=2).start(), call.start(), call.end(0.5))
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_a_child_that_began_before_the_request_has_no_parent() -> None:
    story, call = Story(), Call(kind="query", began=0)
    story.tell(call.start(), Request(1, began=0.1).start(), call.end(0.5))
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_children_of_a_stream_that_outlive_the_request_have_no_parent() -> None:
    story, request = Story(), Request()
    during, after = Call(101, kind="query", began=0.1), Call(102, kind="query", began=0.4)
    story.tell(request.start(), during.start(), request.end(0.3), after.start(), during.end(0.5), after.end(0.6))
    assert parent_of(story, during.id) == (ParentFound.NONE, "")
    assert parent_of(story, after.id) == (ParentFound.NONE, "")


def test_an_incomplete_child_has_no_inferred_parent() -> None:
    story, request, call = Story(), Request(), Call(kind="query")
    story.tell(request.start(), call.start())
    story.close()
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_a_request_that_timed_out_is_no_parent_any_more() -> None:
    story, call = Story(), Call(kind="query", began=1000)
    story.tell(Request().start(), call.start(), call.end(1001))
    assert parent_of(story, call.id) == (ParentFound.NONE, "")


def test_inference_survives_a_restart() -> None:
    story, request, call = Story(), Request(), Call(kind="query")
    for line in (request.start(), call.start(), call.end(0.5), request.end(1)):
        story.tell(line)
        story.restart()
    assert parent_of(story, call.id) == (ParentFound.INFERRED, request.id)


def test_dialects_that_name_their_requests_infer_nothing() -> None:
    story = Story()
    story.tell(step(0, "request begins", request="r", worker=1), step(0, "begins", id="s", worker=1))
    (span,) = story.tell(step(1, "ends", id="s", worker=1))
    assert (span.parent_found, span.parent_id) == (ParentFound.NONE, "")


# -- W3C ids in the line

TRACE, OUTER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def w3c_span(*lines: dict[str, object]) -> Span:
    story = Story()
    story.tell(*lines)
    (span,) = story.spans
    return span


def test_a_w3c_trace_id_in_the_line_is_the_spans_and_the_span_id_its_parents() -> None:
    span = w3c_span(step(1, "ends", id="s", request="r", trace=TRACE, span=OUTER))
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == OUTER
    assert span.span_id.hex() != OUTER
    assert span.parent_found is ParentFound.EXPLICIT


def test_the_w3c_ids_of_the_start_line_stay_with_the_span_through_a_restart() -> None:
    story = Story()
    story.tell(step(0, "begins", id="s", trace=TRACE, span=OUTER))
    story.restart()
    (span,) = story.tell(step(1, "ends", id="s"))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, OUTER)


@pytest.mark.parametrize("bad", ["0" * 32, "xyz", "", None, 5, TRACE[:-1]])
def test_what_is_no_w3c_trace_id_is_not_taken_for_one(bad: object) -> None:
    span = w3c_span(step(1, "ends", id="s", trace=bad))
    assert len(span.trace_id) == 16
    assert span.trace_id != w3c_span(step(1, "ends", id="t")).trace_id
    assert span.trace_id == w3c_span(step(1, "ends", id="s")).trace_id


# -- events and marks


def test_other_lines_of_a_request_are_events_of_its_innermost_open_span() -> None:
    story = Story()
    story.tell(step(0, "request begins", request="r"), step(0.1, "note one", request="r", n=1))
    story.tell(step(0.2, "begins", id="s", request="r"), step(0.3, "note two", request="r", password="x"))
    story.tell(step(0.4, "ends", id="s"), step(0.5, "note three", request="r"), step(0.6, "request ends", request="r"))
    child, request = story.spans
    assert [event.name for event in request.events] == ["note one", "note three"]
    (event,) = child.events
    assert (event.name, event.time_unix_nano) == ("note two", at(0.3))
    assert event.attributes["password"] == "[REDACTED]"
    assert event.attributes["log.severity"] == "info"


def test_the_innermost_span_is_the_same_after_a_restart() -> None:
    story = Story()
    story.tell(
        step(0, "request begins", request="r"),
        step(0, "begins", id="z", request="r"),
        step(0, "begins", id="a", request="r"),
    )
    story.restart()
    story.tell(step(0, "note", request="r"))
    assert {span.id: len(span.events) for span in story.close()} == {"r": 0, "z": 0, "a": 1}


def test_lines_of_a_request_that_is_not_open_are_nobodys_events() -> None:
    story = Story()
    story.tell(
        step(0, "note", request="r"), step(1, "request begins", request="r"), step(2, "request ends", request="r")
    )
    assert story.spans[0].events == ()


def test_events_beyond_the_limit_are_counted() -> None:
    story = Story()
    story.tell(step(0, "request begins", request="r"), *(step(1, "note", request="r") for _ in range(200)))
    story.restart()
    (span,) = story.close()
    assert (len(span.events), span.dropped_events) == (128, 72)


def test_records_of_a_request_carry_the_ids_of_the_span_that_they_tell_of() -> None:
    story = Story()
    story.assembler.marks_records = True
    story.tell(
        step(0, "request begins", request="r"), step(1, "note", request="r"), step(2, "request ends", request="r")
    )
    (span,) = story.spans
    assert {(record.trace_id, record.span_id) for record in story.records} == {(span.trace_id, span.span_id)}
