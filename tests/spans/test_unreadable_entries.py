"""What the ledger holds and nobody can read costs itself and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from span_harness import Call, Request, Story, at, error_metric, step

if TYPE_CHECKING:
    from collections.abc import Callable

ROOMS = ["clocks", "echoes", "failures", "spans"]
NOTHING = [
    b"",
    b"\xff\x00",
    b"null",
    b"{}",
    b"[[1]]",
    b'[["a", []]]',
    b"[[1, 2]]",
    b"9" * 30,
    b"1 [[],",
    b'0 [[["a"]], [[0, 1]]]',
]


def told() -> Story:
    """A story with two entries at least in each room, in the ledger."""
    story = Story()
    story.tell(Request(1).start(), Request(2).start(), Request(3).end(0.5), Call(100, began=0.2).start())
    story.tell(step(0.5, "begins", id="a"), step(0.6, "begins", id="b"), source="other.log")
    story.tell(Request(1).fail(0.7), error_metric(0.8, "ValueError"), error_metric(0.8, "KeyError", process=2))
    story.restart()
    return story


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("value", NOTHING)
def test_every_entry_that_cannot_be_read_is_dropped_counted_and_deleted(room: str, value: bytes) -> None:
    story = told()
    keys = [key for of, key in story.entries if of == room]
    assert len(keys) > 1
    if (room, value) in {("failures", b"{}"), ("clocks", b"9" * 30)}:
        keys = [key for key in keys if room == "clocks" and key]  # a group without failures; a number of spans
    story.entries |= {(room, key): value for key in keys}
    story.restart()
    assert story.assembler.dropped == ({"span_state": len(keys)} if keys else {})
    story.restart()
    assert not [key for of, key in story.entries if key and of == room and key in keys]
    assert story.assembler.dropped == {}


@pytest.mark.parametrize("room", ROOMS)
def test_the_other_entries_stay(room: str) -> None:
    story = told()
    before = dict(story.entries)
    story.entries |= {(room, "backend\0odd"): b"\xff", (room, "\0\0odd"): b"\xff"}
    story.restart()
    assert story.assembler.dropped == {"span_state": 2}
    story.restart()
    assert story.entries == before
    story.tell(step(9, "ends", id="a"), source="other.log")
    assert [(span.id, span.start_unix_nano) for span in story.spans if span.kind == "step"] == [("a", at(0.5))]


SPOILT: dict[str, Callable[[dict[str, object]], object]] = {
    "a time is a text": lambda data: data.update(deadline="soon"),
    "the attributes are a list": lambda data: data.update(attributes=[]),
    "a field is missing": lambda data: data.pop("order"),
    "the id is another's": lambda data: data.update(id="z"),
    "the trace id is none": lambda data: data.update(trace_id="xyz"),
    "the definition is a list": lambda data: data.update(dialect=[], kind=[]),
    "the log is a table": lambda data: data.update(clock={}),
    "the events are a number": lambda data: data.update(events=3),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_span_of_which_one_thing_is_spoilt_is_dropped_alone(spoil: Callable[[dict[str, object]], object]) -> None:
    story = told()
    place = ("spans", "backend\0step\0a")
    data = json.loads(story.entries[place])
    spoil(data)
    story.entries[place] = json.dumps(data).encode()
    story.restart()
    assert sum(story.assembler.dropped.values()) == 1
    story.tell(step(9, "ends", id="b"), source="other.log")
    assert [(span.id, span.start_unix_nano) for span in story.spans if span.kind == "step"] == [("b", at(0.6))]
    story.restart()
    assert place not in story.entries


def test_spans_begin_after_those_that_are_open_where_their_number_is_lost() -> None:
    story = told()
    begun = story.assembler.builder.begun
    story.entries["clocks", ""] = b"x"
    story.restart()
    story.tell(step(1, "begins", id="c"))
    assert [span.order for span in story.assembler.builder.spans() if span.id == "c"] == [begun + 1]
