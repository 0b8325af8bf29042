"""Times of all kinds become the same integers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.timestamps import (
    MILLIS,
    auto_reader,
    duration_reader,
    epoch_reader,
    iso_reader,
    reader_of,
    shape_of,
)

SECOND = 10**9
MOMENT = 1_795_340_612 * SECOND
"""2026-11-22 09:43:32 UTC."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_moments = st.datetimes(datetime(1981, 1, 1), datetime(2199, 1, 1))  # noqa: DTZ001 - the tests give them zones


def nanos(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("2026-11-22 09:43:32", 0),
        ("2026-11-22T09:43:32", 0),
        ("2026-11-22_09:43:32", 0),
        ("2026-11-22 09:43:32,754", 754_000_000),
        ("2026-11-22 09:43:32.754", 754_000_000),
        ("2026-11-22T09:43:32.7", 700_000_000),
        ("2026-11-22T09:43:32.754212Z", 754_212_000),
        ("2026-11-22T09:43:32.754212+00:00", 754_212_000),
        ("2026-11-22T09:43:32.754212345z", 754_212_345),
        ("2026-11-22T09:43:32.7542123456789Z", 754_212_345),
        ("2026-11-22 09:43:32 UTC", 0),
        ("2026-11-22 18:43:32,754+0900", 754_000_000),
        ("2026-11-22 18:43:32.754 +09:00", 754_000_000),
        ("2026-11-22 18:43:32+09", 0),
        ("2026-11-22 18:43:32 +09", 0),
        ("2026-11-22 04:13:32.000001-05:30", 1_000),
        (" 2026-11-22 09:43:32 ", 0),
    ],
)
def test_iso_8601_and_its_relatives_are_read_to_the_nanosecond(text: str, fraction: int) -> None:
    assert iso_reader(UTC)(text) == MOMENT + fraction
    assert auto_reader(UTC)(text) == MOMENT + fraction


@pytest.mark.parametrize(
    "value",
    [
        "", "x", "yesterday", "2026-11-22", "09:43:32", "2026-13-22 09:43:32", "2026-11-22 25:43:32,000",
        "2026-11-22 09:43:32;754", "2026-11-22 09:43:32,-54", "2026-11-22 09:43:32,+54", "2026-11-22 09:43:32,7_4",
        "2026-11-22 09:43:32,²34", "2026-11-22T09:43:32.7_4212+00:00", "2026-11-22 09:43:32 +99:99",
        "0001-01-01 00:00:00,000", "9999-12-31 23:59:59.999999+00:00", "0001-01-01T00:00:00+14:00", "1066-10-14 09:00:00",
        None, True, 5, -5, 1.5, float("nan"), float("inf"), 10**30, [], ["2026-11-22 09:43:32,754"], {}, {"a": 1}, "9" * 5000,
        "2026-11-22 09:43:32,754" * 1000, "\0" * 23, "\ud800" * 23,
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["auto", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "%Y-%m-%d %H"])
def test_what_is_no_time_of_a_log_line_is_none_and_raises_nothing(value: Any, form: str) -> None:
    assert reader_of(form, "UTC")(value) is None
    assert reader_of(form, "local")(value) is None


@given(_moments, st.integers(-14 * 60, 14 * 60), st.sampled_from("T "))
def test_iso_agrees_with_datetime(moment: datetime, minutes: int, separator: str) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    read = iso_reader(UTC)
    assert read(aware.isoformat(separator)) == nanos(aware)
    assert read(moment.isoformat(separator)) == nanos(moment.replace(tzinfo=UTC))
    millis = moment.isoformat(separator, "milliseconds").replace(".", ",")
    assert read(millis) == nanos(moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC))


@given(st.lists(st.tuples(st.sampled_from([0, 1, 3599, 3600]), st.integers(0, 999)), max_size=6))
def test_a_reader_remembers_a_second_without_harm(steps: list[tuple[int, int]]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    read = iso_reader(zone)
    moment = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    for seconds, millis in steps:
        moment += timedelta(seconds=seconds)
        local = moment.astimezone(zone)
        text = f"{local:%Y-%m-%d %H:%M:%S},{millis:03d}"
        assert read(text) == nanos(moment) + millis * 1_000_000


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("Europe/Berlin", "2026-07-01 12:00:00,000", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("Europe/Berlin", "2026-12-01 12:00:00,000", datetime(2026, 12, 1, 11, tzinfo=UTC)),
        ("+09:00", "2026-12-01 12:00:00,000", datetime(2026, 12, 1, 3, tzinfo=UTC)),
        ("-0330", "2026-12-01 12:00:00,000", datetime(2026, 12, 1, 15, 30, tzinfo=UTC)),
        ("UTC", "2026-12-01 12:00:00,000", datetime(2026, 12, 1, 12, tzinfo=UTC)),
        # the hour that summer time leaves out, and the one that comes twice: the first of the two
        ("Europe/Berlin", "2026-03-29 02:30:00,000", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25 02:30:00,000", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_are_of_the_zone_given(zone: str, text: str, utc: datetime) -> None:
    assert reader_of("iso8601", zone)(text) == nanos(utc)


def test_a_zone_in_the_text_wins_over_the_one_given() -> None:
    assert reader_of("iso8601", "Asia/Tokyo")("2026-11-22T09:43:32.754212+00:00") == MOMENT + 754_212_000


def test_an_unknown_zone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown time zone 'Mars/Olympus'"):
        reader_of("iso8601", "Mars/Olympus")


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("s", 1_795_340_612, MOMENT),
        ("s", 1_795_340_612.754212, MOMENT + 754_212_000),
        ("s", "1795340612.754212345", MOMENT + 754_212_345),
        ("ms", 1_795_340_612_754, MOMENT + 754_000_000),
        ("ms", 1_795_340_612_754.25, MOMENT + 754_250_000),
        ("ms", "1795340612754.5", MOMENT + 754_500_000),
        ("us", 1_795_340_612_754_212, MOMENT + 754_212_000),
        ("us", "1795340612754212", MOMENT + 754_212_000),
        ("ns", 1_795_340_612_754_212_345, MOMENT + 754_212_345),
        ("ns", "1795340612754212345", MOMENT + 754_212_345),
    ],
)
def test_numbers_since_the_epoch_are_read_in_every_unit(unit: str, value: Any, expected: int) -> None:
    assert epoch_reader(unit)(value) == expected
    assert auto_reader(UTC)(value) == expected


def test_strptime_patterns_are_read_with_their_zone_or_the_one_given() -> None:
    assert reader_of("%d/%b/%Y:%H:%M:%S %z", "UTC")("22/Nov/2026:18:43:32 +0900") == MOMENT
    assert reader_of("%d.%m.%Y %H:%M:%S.%f", "+01:00")("22.11.2026 10:43:32.754212") == MOMENT + 754_212_000


@given(_moments, st.sampled_from([",%03d", ".%06d", ".%06d+09:00", "%.0s"]))
def test_the_fraction_alone_tells_times_of_one_second_apart(moment: datetime, form: str) -> None:
    def text(micros: int) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S}" + form % (micros if "6" in form else micros // 1000)

    read = iso_reader(UTC)
    head, rests, base = shape_of(text(123_456), read(text(123_456)) or 0)
    other = text(987_654)
    if not head:
        assert "%0" not in form
    else:
        assert other.startswith(head)
        assert base + MILLIS[other[20:23]] + rests[other[23:]] == read(other)
        with pytest.raises(KeyError):
            rests[f"{other[23:]}+01:00"]


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("ms", 12.5, 12_500_000), ("ms", "12.5", 12_500_000), ("ms", 0, 0), ("s", 1.5, 1_500_000_000),
        ("us", 7, 7_000), ("ns", 7, 7), ("ms", -3.2, None), ("ms", "x", None), ("ms", None, None), ("ms", [1], None),
        ("ms", float("nan"), None), ("ms", float("inf"), None), ("ms", 10**400, None), ("s", 1e300, None),
    ],
)  # fmt: skip
def test_durations_are_nanoseconds_and_a_clock_set_back_gives_none(unit: str, value: Any, expected: int | None) -> None:
    assert duration_reader(unit)(value) == expected
