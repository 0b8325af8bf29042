"""What a traceback's text says at its end."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.exceptions import exception_of


def text_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def raised(error: BaseException, cause: BaseException | None = None) -> str:
    try:
        raise error from cause  # noqa: TRY301 - its traceback is the point
    except BaseException as caught:  # noqa: BLE001 - groups and exits too
        return text_of(caught)


class OurOwn(Exception):  # noqa: N818 - as applications call theirs
    pass


@pytest.mark.parametrize(
    ("error", "type_name", "message"),
    [
        (ValueError("bad thing"), "ValueError", "bad thing"),
        (ValueError(), "ValueError", ""),
        (TimeoutError(""), "TimeoutError", ""),
        (OurOwn("a: b: c"), "test_exceptions.OurOwn", "a: b: c"),
        (RuntimeError("first\nsecond\nthird"), "RuntimeError", "first\nsecond\nthird"),
        (KeyError("id"), "KeyError", "'id'"),
        (StopIteration(3), "StopIteration", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
    ],
)
def test_type_and_message_stand_after_the_last_frame(error: BaseException, type_name: str, message: str) -> None:
    found = exception_of(raised(error))
    assert (found.type, found.message) == (type_name, message)
    assert found.stacktrace.startswith("Traceback (most recent call last):")


def test_of_a_chain_the_last_exception_counts() -> None:
    found = exception_of(raised(ValueError("outer"), KeyError("inner")))
    assert (found.type, found.message) == ("ValueError", "outer")


def test_of_a_group_the_group_itself_counts() -> None:
    group = ExceptionGroup("several", [ValueError("one"), TypeError("two")])
    found = exception_of(raised(group))
    assert found.type == "ExceptionGroup"
    assert found.message == "several (2 sub-exceptions)"


def test_one_line_alone_may_be_a_type_with_its_message() -> None:
    found = exception_of("httpx.ReadTimeout: timed out")
    assert (found.type, found.message) == ("httpx.ReadTimeout", "timed out")


@pytest.mark.parametrize("text", ["NoneType: None", "it went wrong\nbadly", "", "\n\n", "100% wrong", "  indented"])
def test_text_without_a_traceback_raises_nothing_and_keeps_its_text(text: str) -> None:
    assert exception_of(text).stacktrace == text


def test_text_without_a_traceback_is_a_message_without_a_type() -> None:
    found = exception_of("it went wrong\nbadly, says: nobody")
    assert (found.type, found.message) == ("", "badly, says: nobody")


def test_a_very_long_traceback_keeps_its_end_where_the_exception_stands() -> None:
    found = exception_of("Traceback (most recent call last):\n" + '  File "a.py", line 1\n' * 50_000 + "ValueError: x")
    assert (found.type, found.message) == ("ValueError", "x")
    assert len(found.stacktrace) == 64 * 1024


@given(st.text(st.sampled_from("| +-\n:.aZ_()E"), max_size=80) | st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    found = exception_of(text)
    assert len(found.message) <= 4096
