"""Spans from start and end lines, lone ends, failures, and starts without an end."""

from __future__ import annotations

from span_harness import BEGIN, READ_AT, SECOND, Call, Request, Story, afn, at, step, uuid

from logagent.model import Resource


def test_start_and_end_become_one_span_with_what_both_lines_say() -> None:
    story, request = Story(), Request()
    assert story.tell(request.start()) == []
    (span,) = story.tell(request.end(0.5, 404))
    assert (span.kind, span.id, span.start_unix_nano, span.end_unix_nano) == ("request", uuid(1), at(0), at(0.5))
    assert (span.outcome, span.status, span.incomplete) == ("error", 0, False)
    assert span.attributes["http.request.method"] == "GET"
    assert span.attributes["http.response.status_code"] == 404
    assert span.severity_number == 13


def test_a_server_error_is_an_error_of_the_span_with_its_status_as_the_type() -> None:
    story, request = Story(), Request()
    story.tell(request.start())
    (span,) = story.tell(request.end(0.5, 503))
    assert (span.outcome, span.status, span.attributes["error.type"]) == ("error", 2, "503")


def test_an_end_with_a_duration_is_a_whole_span_without_its_start() -> None:
    (span,) = Story().tell(Call(kind="query", began=0.1).end(0.35))
    assert (span.start_unix_nano, span.end_unix_nano, span.outcome) == (at(0.1), at(0.35), "ok")


def test_where_no_line_says_when_a_span_began_it_began_its_duration_before_its_end() -> None:
    (span,) = Story().tell(step(2, "ends", id="s", took=500))
    assert (span.start_unix_nano, span.end_unix_nano) == (at(1.5), at(2))


def test_an_end_without_duration_ends_when_its_line_was_written() -> None:
    story = Story()
    story.tell(step(0, "request begins", request="r"))
    (span,) = story.tell(step(2, "request ends", request="r"))
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(2))


def test_a_span_never_ends_before_it_began() -> None:
    story = Story()
    story.tell(step(5, "request begins", request="r"))
    (span,) = story.tell(step(2, "request ends", request="r"))
    assert span.end_unix_nano == span.start_unix_nano == at(5)


def test_a_failure_ends_the_span_with_its_exception_as_an_event() -> None:
    story, request = Story(), Request()
    story.tell(request.start())
    (span,) = story.tell(request.fail(0.5, "ValueError", "no such prompt"))
    assert (span.outcome, span.status, span.status_message) == ("failed", 2, "no such prompt")
    assert span.attributes["error.type"] == "ValueError"
    assert span.attributes["http.response.status_code"] == 500
    (event,) = span.events
    assert (event.name, event.time_unix_nano) == ("exception", at(0.5))
    assert event.attributes["exception.type"] == "ValueError"
    assert event.attributes["exception.message"] == "no such prompt"
    assert span.severity_number == 17


def test_a_failure_without_a_message_still_says_what_the_line_said() -> None:
    story, request = Story(), Request()
    story.tell(request.start())
    (span,) = story.tell(request.fail(0.5, "TimeoutError", ""))
    assert span.status_message == "Request failed with exception"
    assert span.attributes["error.type"] == "TimeoutError"


def test_a_failure_without_its_start_is_a_whole_span() -> None:
    (span,) = Story().tell(Request(began=1).fail(1.5, "ValueError", "x"))
    assert (span.outcome, span.start_unix_nano, span.end_unix_nano) == ("failed", at(1), at(1.5))


def test_a_failure_without_an_id_ends_the_only_open_span_of_its_request() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a", request="r"))
    (span,) = story.tell(step(1, "fails", request="r", error="OSError", level="error"))
    assert (span.id, span.outcome) == ("a", "failed")


def test_a_failure_without_an_id_of_a_span_that_timed_out_is_told_under_its_id() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a", request="r"), source="one.log")
    story.tell(step(90, "fails", request="r", error="OSError", level="error"), source="two.log")
    assert [(span.id, span.outcome) for span in story.spans] == [("a", "incomplete"), ("a", "failed")]


def test_a_failure_without_an_id_ends_nothing_where_two_spans_could_be_meant() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a", request="r"), step(0, "begins", id="b", request="r"))
    assert story.tell(step(1, "fails", request="r", error="OSError", level="error")) == []
    assert len(story.failures) == 1


def test_lines_without_any_id_are_no_spans() -> None:
    story = Story()
    lines = [step(0, what, name="x") for what in ("begins", "ends", "fails", "adds")]
    assert story.tell(*lines) == []
    assert story.close() == []


def test_a_start_whose_end_never_comes_is_incomplete_after_its_time_out_by_the_logs_own_clock() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    assert story.tell(step(59.9, "other")) == []
    assert story.tell(step(60, "other"), observed=READ_AT + 10**15) == []
    (span,) = story.tell(step(60.001, "other"))
    assert (span.id, span.outcome, span.incomplete) == ("a", "incomplete", True)
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(60))


def test_a_silent_log_goes_on_ageing_with_the_wall_clock() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    assert story.tick(READ_AT + 59 * SECOND) == []
    (span,) = story.tick(READ_AT + 61 * SECOND)
    assert span.incomplete


def test_an_end_that_comes_after_the_time_out_is_a_span_of_the_same_id() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    spans = story.tell(step(90, "ends", id="a", took=90_000))
    assert [(span.outcome, span.incomplete) for span in spans] == [("incomplete", True), ("ok", False)]
    assert spans[0].span_id == spans[1].span_id
    assert spans[0].start_unix_nano == spans[1].start_unix_nano


def test_a_second_start_of_an_open_span_adds_to_it() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a", name="one"), step(1, "begins", id="a", size=5))
    (span,) = story.tell(step(2, "ends", id="a"))
    assert (span.start_unix_nano, span.attributes) == (at(0), {"name": "one", "size": 5})
    assert story.close() == []


def test_a_start_after_the_time_out_begins_a_new_span() -> None:
    story = Story()
    spans = story.tell(step(0, "begins", id="a"), step(100, "begins", id="a"), step(101, "ends", id="a"))
    assert [(span.outcome, span.start_unix_nano) for span in spans] == [("incomplete", at(0)), ("ok", at(100))]


def test_what_is_open_when_the_input_ends_is_incomplete() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"), step(7, "other"))
    (span,) = story.close()
    assert (span.incomplete, span.end_unix_nano) == (True, at(7))


def test_an_end_line_can_tell_the_request_and_parent_that_the_start_did_not() -> None:
    story = Story()
    story.tell(step(0, "begins", id="a"))
    (span,) = story.tell(step(1, "ends", id="a", request="r", parent="p"))
    assert (span.request_id, span.parent_id) == ("r", "p")


# -- enrichment


def test_a_line_that_adds_to_an_ended_call_within_the_grace_time_completes_it() -> None:
    story, call = Story(), Call()
    assert story.tell(call.start(), call.end(1.0)) == []
    (span,) = story.tell(call.recorded(1.5))
    assert (span.attributes["gen_ai.usage.cost"], span.attributes["gen_ai.usage.total_tokens"]) == (0.25, 17)
    assert (span.end_unix_nano, span.outcome) == (at(1.0), "ok")


def test_a_call_is_sent_as_it_is_when_the_grace_time_is_over() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.end(1.0))
    assert story.tell(afn(3.0, "other", "x")) == []
    (span,) = story.tell(afn(3.001, "other", "x"))
    assert (span.end_unix_nano, "gen_ai.usage.cost" in span.attributes) == (at(1.0), False)
    assert story.tell(call.recorded(4)) == []
    assert story.close() == []


def test_an_open_call_can_be_added_to_before_it_ends() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.recorded(0.5), call.end(1.0))
    (span,) = story.close()
    assert span.attributes["gen_ai.usage.cost"] == 0.25


def test_a_second_end_within_the_grace_time_is_the_same_span_and_survives_a_restart() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.end(1.0))
    story.restart()
    again = call.end(1.0)
    again["context"] = {**again["context"], "user_id": "u"}
    assert story.tell(again) == []
    story.restart()
    (span,) = story.close()
    assert span.attributes["user.id"] == "u"


# -- limits


def test_beyond_the_limit_the_span_that_began_first_is_closed_and_counted() -> None:
    story = Story(max_open=2)
    spans = story.tell(*(step(seconds, "begins", id=name) for seconds, name in enumerate("abc")))
    assert [(span.id, span.incomplete, span.end_unix_nano) for span in spans] == [("a", True, at(2))]
    assert story.assembler.dropped == {"open_span_limit": 1}
    assert sum(story.assembler.open_counts().values()) == 2


def test_ended_calls_that_wait_count_against_the_limit_too() -> None:
    story = Story(max_open=5)
    for number in range(50):
        story.tell(Call(200 + number).end(1.0))
    assert sum(story.assembler.open_counts().values()) <= 5
    assert len(story.spans) + 5 == 50
    assert not any(span.incomplete for span in story.spans)


def test_the_same_span_is_evicted_after_a_restart() -> None:
    story = Story(max_open=3)
    story.tell(*(step(0, "begins", id=name) for name in "zya"))
    story.restart()
    (span,) = story.tell(step(0, "begins", id="b"))
    assert span.id == "z"


def test_two_services_do_not_share_their_spans() -> None:
    story = Story()
    other = Resource("other", "autoforge")
    story.tell(step(0, "begins", id="a"))
    (span,) = story.tell(step(1, "ends", id="a"), resource=other)
    assert (span.resource.service_name, span.start_unix_nano) == ("other", at(1))
    (left,) = story.close()
    assert left.incomplete


def test_a_time_far_ahead_does_not_expire_everything() -> None:
    story = Story()
    soon = BEGIN * 1_000_000 + 10 * SECOND
    story.tell(step(0, "begins", id="a"), observed=soon)
    assert story.tell(step(86_400 * 300, "other"), observed=soon) == []
    assert story.assembler.dropped == {"time_ahead": 1}
    (span,) = story.tell(step(12, "ends", id="a"), observed=soon)
    assert span.outcome == "ok"


def test_lines_without_a_time_do_not_age_an_old_log() -> None:
    story = Story()
    story.tell(b"INFO: starting", b"INFO: started", step(0, "begins", id="a"))
    for number in range(5):
        assert story.tell(b"INFO: something", {"no": "time"}, observed=READ_AT + number * 10**12) == []
    (span,) = story.tell(step(50, "ends", id="a"))
    assert span.outcome == "ok"
    assert {record.time_unix_nano for record in story.records[-3:-1]} == {at(0)}


def test_a_log_without_any_times_ages_with_the_wall_clock() -> None:
    story = Story()
    story.tell({"step": "begins", "id": "a"}, observed=READ_AT)
    assert story.tick(READ_AT + 30 * SECOND) == []
    story.restart(READ_AT + 30 * SECOND)
    assert story.tick(READ_AT + 50 * SECOND) == []
    (span,) = story.tick(READ_AT + 70 * SECOND)
    assert (span.start_unix_nano, span.end_unix_nano) == (READ_AT, READ_AT + 60 * SECOND)


def test_spans_that_time_out_together_do_so_in_the_order_in_which_they_began() -> None:
    story = Story()
    story.tell(*(step(0, "begins", id=name) for name in "cabd"))
    story.restart()
    assert [span.id for span in story.tell(step(100, "other"))] == list("cabd")
