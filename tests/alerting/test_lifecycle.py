from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.alerting.lifecycle import Lifecycle, Patience
from logagent.model import AlertState

SECOND = 1_000_000_000
INTERVAL = 15 * SECOND
TRUTH = {"1": True, "0": False, "-": None}


def letters(conditions: str, hold: int = 0, keep: int = 0) -> str:
    """The state after each instant: inactive, pending or firing."""
    lifecycle, patience = Lifecycle(), Patience(hold * SECOND, keep * SECOND)
    states = ""
    for number, condition in enumerate(conditions):
        lifecycle.step(number * INTERVAL, patience, holds=TRUTH[condition])
        states += lifecycle.state.value[0] if lifecycle.state else "i"
    return states


@pytest.mark.parametrize(
    ("conditions", "hold", "keep", "states"),
    [
        ("0110", 0, 0, "iffi"),
        ("01101111", 30, 0, "ippippff"),
        ("0111", 30, 0, "ippf"),
        ("11100111", 0, 30, "ffffffff"),
        ("1110000111", 0, 30, "fffffiifff"),
        ("1110011000", 0, 45, "ffffffffff"),
        ("01--11", 30, 0, "ipppp" + "f"),
        ("111---0", 0, 0, "ffffffi"),
        ("10-00", 0, 30, "ffffi"),
        ("---1", 0, 0, "iiif"),
        ("1-0", 30, 0, "ppi"),
    ],
)
def test_the_states_are_those_of_prometheus_and_both_clocks_stand_without_data(
    conditions: str, hold: int, keep: int, states: str
) -> None:
    assert letters(conditions, hold, keep) == states


def test_an_alert_of_the_first_instant_of_all_time_keeps_firing_as_any_other() -> None:
    lifecycle, patience = Lifecycle(), Patience(0, 30 * SECOND)
    lifecycle.step(-INTERVAL, patience, holds=True)
    lifecycle.step(0, patience, holds=False)
    assert lifecycle.due(patience) == 30 * SECOND
    assert lifecycle.step(15 * SECOND, patience, holds=False) is None
    assert lifecycle.step(30 * SECOND, patience, holds=False) is AlertState.RESOLVED


def test_what_begins_is_told_once() -> None:
    lifecycle, patience = Lifecycle(), Patience(30 * SECOND)
    told = [
        lifecycle.step(number * INTERVAL, patience, holds=one) for number, one in enumerate([True] * 4 + [False] * 2)
    ]
    assert told == [AlertState.PENDING, None, AlertState.FIRING, None, AlertState.RESOLVED, None]


def test_the_end_of_a_pending_alert_is_told_to_nobody() -> None:
    lifecycle, patience = Lifecycle(), Patience(30 * SECOND)
    lifecycle.step(0, patience, holds=True)
    assert lifecycle.step(INTERVAL, patience, holds=False) is None
    assert lifecycle.state is None


conditions = st.lists(st.sampled_from([True, False, None]), max_size=40)
patience = st.builds(
    Patience, st.integers(0, 4).map(lambda n: n * INTERVAL), st.integers(0, 4).map(lambda n: n * INTERVAL)
)


@given(conditions, patience, st.data())
def test_steps_that_are_not_due_may_be_left_out_where_the_condition_stays_as_it_is(
    conditions: list[bool | None], patience: Patience, data: st.DataObject
) -> None:
    every, some = Lifecycle(), Lifecycle()
    for number, (before, condition) in enumerate(pairwise([None, *conditions])):
        time = number * INTERVAL
        expected = every.step(time, patience, holds=condition)
        due = some.due(patience)
        is_needed = condition is not before or (due is not None and due <= time)
        if is_needed or data.draw(st.booleans()):
            assert some.step(time, patience, holds=condition) is expected
        else:
            assert expected is None
        assert some == every


@given(conditions, patience)
def test_a_packed_state_goes_on_as_it_was(conditions: list[bool | None], patience: Patience) -> None:
    straight, packed = Lifecycle(), Lifecycle()
    for number, condition in enumerate(conditions):
        packed = Lifecycle.unpack(packed.pack())
        time = number * INTERVAL
        assert packed.step(time, patience, holds=condition) is straight.step(time, patience, holds=condition)
    assert packed == straight


@pytest.mark.parametrize(
    "packed",
    [
        [],
        ["on", 0, 0, None, None],
        [None, None, 0, None, None],
        [None, 0, 0, "1", None],
        [None, True, 0, None, None],
        [None, 0, 0, None],
    ],
)
def test_what_was_not_packed_is_refused(packed: list[int | str | None]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Lifecycle.unpack(packed)
