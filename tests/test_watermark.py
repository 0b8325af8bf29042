"""When no older line is expected any more."""

from __future__ import annotations

from logagent.watermark import IDLE_BATCHES, Watermark


def test_it_follows_one_log() -> None:
    mark = Watermark()
    assert [mark.read("a", time) for time in (10, 30, 20)] == [10, 30, 30]


def test_it_waits_for_the_log_that_is_behind() -> None:
    mark = Watermark()
    mark.read("behind", 10)
    assert mark.read("ahead", 1000) == 10
    assert mark.read("behind", 500) == 500
    assert mark.read("behind", 2000) == 1000


def test_it_never_goes_back_for_a_log_that_comes_later() -> None:
    mark = Watermark()
    mark.read("ahead", 1000)
    assert mark.read("behind", 10) == 1000


def test_it_does_not_wait_for_a_log_of_which_nothing_comes() -> None:
    mark = Watermark()
    mark.read("ended", 10)
    times = [mark.read("other", 1000 + number) for number in range(2 * IDLE_BATCHES)]
    assert times[0] == 10
    assert times[-1] == 1000 + 2 * IDLE_BATCHES - 1


def test_where_all_is_read_it_is_the_present() -> None:
    mark = Watermark()
    mark.read("behind", 10)
    mark.read("ahead", 1000)
    assert mark.caught_up(2000) == 2000
    assert mark.read("ahead", 2500) == 2500
