"""Each log has a clock of its own, which its rotations share."""

from __future__ import annotations

import pytest
from span_harness import Story, at, step

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
