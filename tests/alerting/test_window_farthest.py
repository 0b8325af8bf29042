"""Windows that wait are given up from the farthest on, at little cost however many groups there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from logagent.alerting.windows.farthest import Farthest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.alerting.state import Key

Window = tuple[int, str]
steps = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.sampled_from(["add", "take", "ask"])))


@given(steps=steps, most=st.integers(1, 5))
def test_the_farthest_of_all_windows_is_found(steps: list[tuple[int, str, str]], most: int) -> None:
    farthest, ahead = Farthest(most), set[Window]()
    for index, name, what in steps:
        if what == "take":
            ahead.discard((index, name))
        elif what == "add" and (index, name) not in ahead:
            ahead.add((index, name))
            farthest.add(index, (name,))
        elif what == "ask" and ahead:
            found, key = farthest.find(
                lambda: ((index, (name,)) for index, name in ahead), lambda index, key: (index, key[0]) in ahead
            )
            assert (found, key[0]) in ahead
            assert found == max(index for index, _ in ahead)


def test_all_windows_are_looked_at_once_for_many_questions() -> None:
    farthest, looks = Farthest(1000), 0
    ahead = {(index, (str(index),)) for index in range(1000)}

    def everything() -> Iterator[tuple[int, Key]]:
        nonlocal looks
        looks += 1
        yield from ahead

    for number in range(500):
        found = farthest.find(everything, lambda index, key: (index, key) in ahead)
        assert found == (999 - number, (str(999 - number),))
        ahead.remove(found)
    assert looks == 1
