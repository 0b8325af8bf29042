from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logagent.alerting.periods import SECOND, Calendar, PeriodKind

ZONES = [
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "America/St_Johns",  # until 2011 the clock went back at 00:01: the first minute of a day came twice
    "America/Sao_Paulo",  # until 2018 midnight itself was skipped
    "America/Havana",  # the hour after midnight comes twice
    "America/Toronto",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",  # shifts by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Chatham",
    "America/Nuuk",
]


def nano(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def bounds(kind: str, zone: str, moment: int) -> tuple[str, str, str]:
    period = Calendar(PeriodKind(kind), ZoneInfo(zone)).period(moment)
    assert period is not None
    start, end = (
        datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        for at in (period.start_unix_nano, period.end_unix_nano)
    )
    return start, end, period.label


@pytest.mark.parametrize(
    ("kind", "zone", "moment", "expected"),
    [
        ("month", "UTC", "2026-02-14T12:00", ("2026-02-01T00:00:00", "2026-03-01T00:00:00", "2026-02")),
        ("month", "UTC", "2026-12-31T23:59:59", ("2026-12-01T00:00:00", "2027-01-01T00:00:00", "2026-12")),
        ("month", "Europe/Amsterdam", "2026-03-01T00:00", ("2026-02-28T23:00:00", "2026-03-31T22:00:00", "2026-03")),
        ("week", "UTC", "2026-11-22T18:00", ("2026-11-16T00:00:00", "2026-11-23T00:00:00", "2026-W47")),
        ("week", "UTC", "2027-01-01T00:00", ("2026-12-28T00:00:00", "2027-01-04T00:00:00", "2026-W53")),
        ("day", "Europe/Amsterdam", "2026-03-29T12:00", ("2026-03-28T23:00:00", "2026-03-29T22:00:00", "2026-03-29")),
        ("day", "Europe/Amsterdam", "2026-10-25T12:00", ("2026-10-24T22:00:00", "2026-10-25T23:00:00", "2026-10-25")),
        ("day", "Pacific/Apia", "2011-12-29T12:00", ("2011-12-29T10:00:00", "2011-12-30T10:00:00", "2011-12-29")),
        ("day", "Pacific/Apia", "2011-12-31T12:00", ("2011-12-30T10:00:00", "2011-12-31T10:00:00", "2011-12-31")),
        (
            "hour",
            "Asia/Kathmandu",
            "2026-05-01T12:34:56",
            ("2026-05-01T06:15:00", "2026-05-01T07:15:00", "2026-05-01T12:00+05:45"),
        ),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-10-04T02:45",
            ("2026-10-03T15:30:00", "2026-10-03T16:00:00", "2026-10-04T02:30+11:00"),
        ),
    ],
)
def test_a_moment_belongs_to_the_period_of_its_zone(
    kind: str, zone: str, moment: str, expected: tuple[str, str, str]
) -> None:
    assert bounds(kind, zone, nano(moment, zone)) == expected


def test_an_hour_that_is_told_twice_is_two_periods() -> None:
    first = bounds("hour", "Europe/Amsterdam", nano("2026-10-25T00:30"))
    second = bounds("hour", "Europe/Amsterdam", nano("2026-10-25T01:30"))
    assert first[2] == "2026-10-25T02:00+02:00"
    assert second[2] == "2026-10-25T02:00+01:00"


def test_moments_outside_of_every_calendar_have_no_period() -> None:
    calendar = Calendar(PeriodKind.DAY, ZoneInfo("UTC"))
    assert calendar.period(-1) is None
    assert calendar.period(2**70) is None


@given(
    st.sampled_from(ZONES),
    st.sampled_from(list(PeriodKind)),
    st.integers(SECOND * 86400 * 800, nano("2037-12-01T00:00")),
)
@example("America/St_Johns", PeriodKind.DAY, nano("2010-11-07T02:31:30"))
@example("America/St_Johns", PeriodKind.DAY, nano("2010-11-07T02:30:30"))
@example("America/St_Johns", PeriodKind.DAY, nano("2010-11-07T03:00:00"))
def test_periods_hold_their_moment_and_leave_neither_gap_nor_overlap(zone: str, kind: PeriodKind, moment: int) -> None:
    calendar = Calendar(kind, ZoneInfo(zone))
    period = calendar.period(moment)
    assert period is not None
    assert period.start_unix_nano <= moment < period.end_unix_nano
    assert calendar.period(period.start_unix_nano) == period
    assert calendar.period(period.end_unix_nano - 1) == period
    before, after = calendar.before(period), calendar.period(period.end_unix_nano)
    assert before is not None
    assert after is not None
    assert before.end_unix_nano == period.start_unix_nano
    assert after.start_unix_nano == period.end_unix_nano


@given(st.sampled_from(ZONES), st.integers(0, 30 * 365))
def test_the_local_date_changes_at_the_start_of_a_day(zone: str, days: int) -> None:
    calendar = Calendar(PeriodKind.DAY, ZoneInfo(zone))
    period = calendar.period((86400 * 2 + days * 86400) * SECOND)
    assert period is not None
    local = [
        datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).date()
        for at in (period.start_unix_nano // SECOND - 1, period.start_unix_nano // SECOND)
    ]
    assert local[0] < local[1]
    assert local[1].isoformat() == period.label


@given(st.sampled_from(ZONES), st.integers(1971, 2036))
def test_the_days_of_a_year_are_each_counted_once(zone: str, year: int) -> None:
    calendar = Calendar(PeriodKind.DAY, ZoneInfo(zone))
    moment = nano(f"{year}-01-01T00:00", zone)
    labels = []
    while True:
        period = calendar.period(moment)
        assert period is not None
        if not period.label.startswith(str(year)):
            break
        labels.append(period.label)
        moment = period.end_unix_nano
    skipped = zone == "Pacific/Apia" and year == 2011
    days = {(datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day)).date() for day in range(366)}
    expected = sorted(day.isoformat() for day in days if day.year == year)
    if skipped:
        expected.remove("2011-12-30")
    assert labels == expected
