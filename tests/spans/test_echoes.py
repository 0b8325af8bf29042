"""One request or call that several lines tell, with and without its id, is one span."""

from __future__ import annotations

import pytest
from span_harness import Call, Request, Story, afn, at


def test_the_echo_of_a_request_is_no_second_request() -> None:
    story, request = Story(), Request()
    story.tell(request.start(), request.metric(0.4), request.end(0.5))
    assert [span.id for span in story.finish()] == [request.id]


def test_an_echo_after_the_end_is_no_second_span_either() -> None:
    story, call = Story(), Call()
    story.tell(call.start(), call.end(0.5), call.recorded(0.6), call.metric(0.7))
    assert [span.id for span in story.finish()] == [call.id]


def test_a_request_that_took_minutes_still_knows_its_echo() -> None:
    story, request = Story(), Request()
    story.tell(request.start(), request.metric(200), request.end(200.001))
    story.tell(afn(300, "other", "x"))
    assert [span.id for span in story.finish()] == [request.id]


def test_an_echo_before_the_only_line_of_its_span_is_taken_back() -> None:
    story, request = Story(), Request()
    assert story.tell(request.metric(0.4, status=503)) == []
    (span,) = story.tell(request.end(0.5, status=503))
    assert span.id == request.id
    assert story.close() == []


def test_an_echo_of_nothing_is_a_span_of_its_own() -> None:
    story, request = Story(), Request()
    assert story.tell(request.metric(0.4)) == []
    assert story.tell(afn(1.4, "other", "x")) == []
    (span,) = story.tell(afn(1.401, "other", "x"))
    assert (span.kind, span.outcome, span.incomplete) == ("request", "ok", False)
    assert (span.start_unix_nano, span.end_unix_nano) == (at(0), at(0.4))
    assert span.attributes["http.response.status_code"] == 200


def test_each_of_several_equal_echoes_of_nothing_is_a_span() -> None:
    story, request = Story(), Request()
    story.tell(*[request.metric(0.4)] * 3)
    spans = story.close()
    assert len({span.span_id for span in spans}) == 3


def test_the_id_of_such_a_span_does_not_depend_on_where_the_log_lies() -> None:
    ids = set()
    for source in ("/var/log/app.log", "/mnt/copy/app.log"):
        story = Story()
        story.tell(Request().metric(0.4), source=source)
        ids.add(story.close()[0].span_id)
    assert len(ids) == 1


def test_two_equal_requests_at_once_have_two_echoes() -> None:
    story, one, two = Story(), Request(1), Request(2)
    story.tell(one.start(), two.start(), one.metric(0.4), one.end(0.4), two.metric(0.5), two.end(0.5), one.metric(0.6))
    assert len(story.spans) == 2
    assert len(story.close()) == 1


@pytest.mark.parametrize("other", [Request(2, path="/other"), Request(2, process=2)])
def test_an_echo_belongs_to_a_request_of_the_same_process_and_path_only(other: Request) -> None:
    story, request = Story(), Request()
    story.tell(request.start(), other.metric(0.4), request.end(0.5))
    assert len(story.finish()) == 2


def test_an_expected_echo_survives_a_restart() -> None:
    story, request = Story(), Request()
    story.tell(request.start())
    story.restart()
    story.tell(request.metric(0.4), request.end(0.5))
    story.restart()
    assert [span.id for span in story.finish()] == [request.id]


def test_a_held_echo_survives_a_restart_and_is_still_taken_back() -> None:
    story, request = Story(), Request()
    story.tell(request.metric(0.4, status=503))
    story.restart()
    story.tell(request.end(0.5, status=503))
    story.restart()
    assert [span.id for span in story.finish()] == [request.id]


def test_memory_of_echoes_is_bounded() -> None:
    story = Story(max_open=10)
    for number in range(6_000):
        story.tell(Request(number, path=f"/p/{number}").start())
    (service,) = story.assembler.builder.services.values()
    assert len(service.echoes) <= 4_096
