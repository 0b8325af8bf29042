"""Ids that are unique only within a service or a process: the same id of two of them is two."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from span_harness import READ_AT, RESOURCE, Story, step

from logagent.model import ParentFound, Resource, Span
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.parser import Parser
from logagent.parsing.redaction import Redactor
from logagent.shipped import parser_files

UUID = "813a2de0-b803-48d9-a2d1-3f336d140252"
TRACE, OUTER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = Resource("worker", "autoforge", {"service.name": "worker"})
_DEFINITION = """
name = "counted"
priority = 200
[match]
keys = ["step"]
[record]
time = {{ field = "at", format = "epoch_ms" }}
severity = "level"
body = "step"
request = "request"
process = "worker"
trace_id = "trace"
span_id = "span"
[failure]
type = "error"
[[span]]
kind = "request"
name = "request"
id = "request"
scope = "{request}"
[[span.line]]
message = "request begins"
role = "start"
[[span.line]]
message = "request ends"
role = "end"
[[span.line]]
message = "request fails"
role = "fail"
[[span]]
kind = "query"
name = "query"
id = "id"
scope = "{query}"
parent = "parent"
duration = {{ field = "took" }}
[[span.line]]
message = "begins"
role = "start"
[[span.line]]
message = "ends"
role = "end"
"""


def parser_of(request: str = "process", query: str = "process") -> Parser:
    texts = [*(file.read_text() for file in parser_files()), _DEFINITION.format(request=request, query=query)]
    definitions = [ParserDefinition.model_validate(tomli.loads(text)) for text in texts]
    return Parser([CompiledDialect(definition, Redactor(), zone="UTC") for definition in definitions])


def ids_of(
    *lines: dict[str, Any], request: str = "process", query: str = "process", resource: Resource = RESOURCE
) -> list[Span]:
    story = Story(parser=parser_of(request, query))
    story.tell(*lines, resource=resource)
    return story.finish()


def sha(*parts: str | bytes) -> bytes:
    return hashlib.sha256(
        b"".join((part.encode() if isinstance(part, str) else part) + b"\0" for part in parts)
    ).digest()


def request_of(process: int | str, at: float = 0) -> list[dict[str, Any]]:
    return [
        step(at, "request begins", request=1, worker=process),
        step(at + 1, "request ends", request=1, worker=process),
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_the_same_id_of_two_processes_is_two_spans_with_ids_that_follow_from_the_lines(*, restarts: bool) -> None:
    story = Story(parser=parser_of())
    for line in sorted(request_of(10) + request_of(20), key=lambda line: int(line["at"])):
        story.tell(line)
        if restarts:
            story.restart()
    assert [(span.id, span.request_id, span.incomplete) for span in story.spans] == [("1", "1", False)] * 2
    traces = [sha("autoforge", "backend", process, "1")[:16] for process in ("10", "20")]
    assert [span.trace_id for span in story.spans] == traces
    assert [span.span_id for span in story.spans] == [sha(trace, "backend", "request", "1")[:8] for trace in traces]
    story.restart()
    assert not [key for _, key in story.entries if "\0request\0" in key]


def test_an_id_that_is_unique_in_its_service_has_a_trace_of_its_own_in_each() -> None:
    spans = [
        span
        for resource in (RESOURCE, OTHER)
        for span in ids_of(step(0, "request ends", request=UUID), request="service", resource=resource)
    ]
    assert [span.trace_id for span in spans] == [sha("autoforge", name, UUID)[:16] for name in ("backend", "worker")]
    assert len(ids_of(*request_of(10), *request_of(20), request="service")) == 1


def test_an_id_that_is_unique_everywhere_is_shared_by_processes() -> None:
    (span,) = ids_of(
        step(0, "request begins", request=1, worker=1), step(1, "request ends", request=1, worker=2), request="global"
    )
    assert span.trace_id == sha("autoforge", "1")[:16]


def test_a_line_that_names_no_process_is_of_the_service() -> None:
    (span,) = ids_of(step(0, "request ends", request=1))
    assert span.trace_id == sha("autoforge", "backend", "1")[:16]


def test_a_child_belongs_to_the_request_of_its_own_process() -> None:
    story = Story(parser=parser_of())
    for process in (10, 20):
        story.tell(
            step(0, "request begins", request=1, worker=process), step(0, "begins", id=1, request=1, worker=process)
        )
    story.restart()
    for process in (20, 10):
        story.tell(step(1, "ends", id=1, request=1, worker=process), step(1, "request ends", request=1, worker=process))
    children, requests = story.spans[::2], story.spans[1::2]
    assert [span.parent_found for span in children] == [ParentFound.SHARED] * 2
    assert [span.parent_span_id for span in children] == [span.span_id for span in requests]
    assert [span.trace_id for span in children] == [span.trace_id for span in requests]
    assert len({span.span_id for span in story.spans}) == 4


@pytest.mark.parametrize("names", [{"request": UUID}, {"trace": TRACE, "span": OUTER}])
def test_counted_children_in_a_trace_that_processes_share_have_different_ids(names: dict[str, str]) -> None:
    spans = ids_of(*(step(1, "ends", id=1, worker=process, **names) for process in (10, 20)), request="global")
    assert len({span.trace_id for span in spans}) == 1
    trace = spans[0].trace_id
    assert [span.span_id for span in spans] == [
        sha(trace, "backend", "query", process, "1")[:8] for process in ("10", "20")
    ]


def test_a_parent_that_a_line_names_is_one_of_its_process() -> None:
    child, parent = ids_of(
        step(1, "ends", id=UUID, parent=7, worker=10), step(2, "request ends", request=7, worker=10), query="global"
    )
    assert (child.parent_found, child.parent_id) == (ParentFound.EXPLICIT, "7")
    assert parent.id == "7"


def test_other_lines_are_events_of_the_request_of_their_process_and_carry_its_ids() -> None:
    story = Story(parser=parser_of())
    story.assembler.marks_records = True
    lines = [step(0, "request begins", request=1, worker=process) for process in (10, 20)]
    notes = [step(0.5, "note", request=1, worker=20), step(0.6, "request ends", request=1, worker=20)]
    story.tell(*lines, *notes)
    (span,) = story.spans
    assert [event.name for event in span.events] == ["note"]
    marks = [(record.trace_id, record.span_id) for record in story.records]
    assert marks[1:] == [(span.trace_id, span.span_id)] * 3
    assert marks[0] != marks[1]


def test_failures_of_the_same_id_in_two_processes_are_two() -> None:
    story = Story(parser=parser_of())
    for process in (10, 20):
        story.tell(step(0, "request fails", request=1, worker=process, level="error", error="OSError"))
        story.tell(step(0, "told again", request=1, worker=process, level="error", error="OSError"))
    assert len(story.failures) == 2


def test_a_repetition_is_one_of_the_same_process_only() -> None:
    story = Story(parser=parser_of())
    story.tell(*request_of(10), *request_of(20), *request_of(20))
    assert len(story.finish()) == 2
    assert story.assembler.dropped == {"late_start": 1, "repeated_end": 1}


steps = st.tuples(
    st.sampled_from(["request begins", "request ends", "begins", "ends", "note", "request fails"]),
    st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), st.booleans(),
)  # fmt: skip


@given(st.lists(steps, max_size=40))
def test_counted_ids_find_each_other_as_ids_do_that_are_unique(moves: list[tuple[str, int, int, int, bool]]) -> None:
    counted, unique = Story(parser=parser_of()), Story(parser=parser_of("global", "global"))
    for at, (what, process, request, entity, restarts) in enumerate(moves):
        counted.tell(step(at, what, request=request, id=entity, worker=process))
        unique.tell(step(at, what, request=f"{process}-{request}", id=f"{process}-{entity}", worker=process))
        if restarts:
            counted.restart()
    pairs = list(zip(counted.finish(), unique.finish(), strict=True))
    for one, other in pairs:
        assert (one.kind, one.start_unix_nano, one.end_unix_nano, one.outcome) == (
            other.kind, other.start_unix_nano, other.end_unix_nano, other.outcome,
        )  # fmt: skip
        assert f"-{one.id}" in other.id
        assert [event.time_unix_nano for event in one.events] == [event.time_unix_nano for event in other.events]
    for name in ("trace_id", "span_id", "parent_span_id"):
        assert len({(getattr(one, name), getattr(other, name)) for one, other in pairs}) == len(
            {getattr(one, name) for one, _ in pairs}
        )


@pytest.mark.parametrize("process", ["\0", "10\x00", {"a": "\0"}, "", None, "\0\0\0"])
def test_no_process_and_no_id_can_stop_the_agent(process: Any) -> None:
    story = Story(parser=parser_of())
    for line in [*request_of(process), step(3, "ends", id="\0x\0y", took=1, worker=process)]:
        story.tell(json.dumps(line).encode())
        story.restart(READ_AT)
    assert len(story.finish()) == 2
