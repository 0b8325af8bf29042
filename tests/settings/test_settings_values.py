"""Durations and sizes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from logagent.settings.values import Duration, Size, format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("5m", 300.0), ("30d", 2_592_000.0), ("1h30m", 5400.0), ("1.5s", 1.5), ("36500d", 3.1536e9)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("1MiB", 1_048_576), ("512KiB", 524_288), ("10MB", 10_000_000), ("1B", 1), ("1.5KiB", 1536)]
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "value",
    ["", "5", "m", "5 m", "-5m", "5M", "5m5m", "5m 3s", "0s", "36501d", "1e3s", "٣s", "9" * 400 + "s", True, None, []],
)
def test_what_is_no_duration_is_refused_with_the_form_that_is(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Duration).validate_python(value)
    assert caught.value.errors()[0]["ctx"]["hint"]


@pytest.mark.parametrize("value", ["", "5", "1mb", "1 MiB", "-1B", "0B", "1MiB1KiB", "9" * 400 + "B", 1.5, False, {}])
def test_what_is_no_size_is_refused_with_the_form_that_is(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Size).validate_python(value)
    assert caught.value.errors()[0]["ctx"]["hint"]


def test_a_bare_number_is_refused_with_that_number_and_a_unit() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Duration).validate_python(30)
    assert caught.value.errors()[0]["ctx"]["hint"] == '"30s" for seconds or "30ms" for milliseconds'


@given(st.integers(min_value=1, max_value=10**15 - 1))
def test_a_size_written_is_the_size_read(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_written_is_the_duration_read(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
