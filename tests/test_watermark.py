"""When no older line is expected any more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from logagent.watermark import IDLE_BATCHES, STEP_NANO, Watermark

NEVER = 10**30


def read(mark: Watermark, log: str, *steps: float, latest: int = NEVER) -> list[tuple[int, float]]:
    """Times and watermarks in steps."""
    found = mark.read(log, [int(step * STEP_NANO) for step in steps], latest)
    return [(count, time / STEP_NANO) for count, time in found]


def test_it_goes_on_with_the_first_line_of_each_step() -> None:
    mark = Watermark()
    assert read(mark, "a", 10.2, 10.9, 12.5, 11, 12.9, 13) == [(0, 10), (2, 12), (5, 13)]
    assert read(mark, "a", 13.5, 0, 12) == []
    assert read(mark, "a", 14.1) == [(0, 14)]


def test_undated_lines_before_the_first_date_stay_with_it() -> None:
    assert read(Watermark(), "a", 0, 0, 10, 0, 12) == [(0, 10), (4, 12)]


def test_it_waits_for_the_log_that_is_behind() -> None:
    mark = Watermark()
    read(mark, "behind", 10)
    assert read(mark, "ahead", 1000) == [(0, 10)]
    assert read(mark, "behind", 500) == [(0, 500)]
    assert read(mark, "behind", 2000) == [(0, 1000)]


def test_it_never_goes_back_for_a_log_that_comes_later() -> None:
    mark = Watermark()
    read(mark, "ahead", 1000)
    assert read(mark, "behind", 10) == [(0, 1000)]


def test_it_does_not_wait_for_a_log_without_dates() -> None:
    mark = Watermark()
    read(mark, "empty")
    read(mark, "undated", 0, 0)
    assert read(mark, "dated", 10) == [(0, 10)]


def test_it_does_not_wait_for_a_log_of_which_nothing_comes() -> None:
    mark = Watermark()
    read(mark, "ended", 10)
    marks = [read(mark, "other", 1000 + number)[0][1] for number in range(2 * IDLE_BATCHES)]
    assert marks[0] == 10
    assert marks[-1] == 1000 + 2 * IDLE_BATCHES - 1


def test_a_time_that_is_a_mistake_moves_nothing() -> None:
    mark = Watermark()
    assert read(mark, "a", 10, 5000, 11, latest=100 * STEP_NANO) == [(0, 10), (2, 11)]


def test_where_all_is_read_it_is_the_present() -> None:
    mark = Watermark()
    read(mark, "behind", 10)
    read(mark, "ahead", 1000)
    assert mark.caught_up(2000 * STEP_NANO) == 2000 * STEP_NANO
    assert read(mark, "ahead", 2500) == [(0, 2500)]


@given(st.lists(st.integers(1, 60), max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_where_batches_end_moves_nothing(steps: list[int], cuts: list[int]) -> None:
    whole = read(Watermark(), "a", *steps)
    mark, found = Watermark(), []
    ends = sorted({min(cut, len(steps)) for cut in cuts} | {len(steps)})
    begin = 0
    for end in ends:
        found += [(begin + count, time) for count, time in read(mark, "a", *steps[begin:end])]
        begin = end
    assert found == whole
