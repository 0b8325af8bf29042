from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_conditions import conditions, events

from logagent.expr import compile_condition, parse
from logagent.expr import index as index_module
from logagent.expr.conjuncts import Aspect, Way, conjuncts
from logagent.expr.index import Index

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]


def read(name: str) -> str:
    return f"x.get({name!r})"


def teller(texts: list[str], reads: Callable[[str], str] = read) -> Callable[[Event], list[int]]:
    """What gives the positions of the conditions to try on an event."""
    index = Index([parse(text) if text else None for text in texts])
    names: dict[str, Any] = {"plans": index.plans({position: position for position in index.told})}
    lines = list(index.lookups("plans", reads, names)) if index.told else ["plan = ()"]
    source = "def tell(x):\n" + "".join(f"    {line}\n" for line in lines) + "    return plan\n"
    exec(source, names)
    return lambda event: sorted([*index.others, *names["tell"](event)])


@given(st.lists(conditions, min_size=1, max_size=20), st.lists(events, max_size=10), st.sampled_from([1, 4]))
def test_no_condition_that_holds_is_left_out(texts: list[str], found: list[Event], fewest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "FEWEST", fewest)
        tell = teller(texts)
    holding = [compile_condition(parse(text), read) for text in texts]
    for event in found:
        assert {position for position, holds in enumerate(holding) if holds(event)} <= set(tell(event))


def test_conditions_on_other_values_of_a_field_are_left_out() -> None:
    tell = teller([f'not incomplete and kind == "query" and table == "t{number}"' for number in range(1000)])
    assert tell({"kind": "query", "table": "t7"}) == [7]
    assert tell({"kind": "query", "table": "unheard-of"}) == []
    assert tell({"kind": "query"}) == []


def test_each_condition_goes_by_what_it_shares_with_the_fewest_others() -> None:
    texts = [f'level == "error" and logger == "l{number}"' for number in range(100)]
    texts += [f'level == "error" and path in ["/{number}", "/also/{number}"]' for number in range(100)]
    assert teller(texts)({"level": "ERROR", "logger": "l5", "path": "/also/9"}) == [5, 109]


def test_bounds_that_a_number_does_not_reach_are_left_out() -> None:
    above = teller([f"duration > {number}s" for number in range(100)])
    assert above({"duration": 2.5}) == [0, 1, 2]
    assert above({"duration": "2.5"}) == above({"duration": True}) == above({}) == []
    below = teller([f"{number} >= left" for number in range(100)])
    assert below({"left": 97.5}) == [98, 99]
    assert below({"left": [98]}) == below({}) == []


def test_a_prefix_is_found_through_longer_ones() -> None:
    tell = teller([f'startswith(path, "{prefix}")' for prefix in ("/a", "/a/b", "/a/c", "/b", "")])
    assert tell({"path": "/a/b/1"}) == [0, 1, 4]
    assert tell({"path": "/a/bb"}) == [0, 1, 4]
    assert tell({"path": "/a/d"}) == [0, 4]
    assert tell({"path": "/"}) == [4]
    assert tell({"path": 7}) == []


def test_alternatives_on_one_field_are_told_together() -> None:
    tell = teller([f'a == "{number}" or a in ["{number}0", "x"]' for number in range(10)])
    assert tell({"a": "7"}) == tell({"a": "70"}) == [7]
    assert tell({"a": "x"}) == list(range(10))


def test_of_alternative_bounds_the_wider_one_lets_a_condition_be_tried() -> None:
    above = teller([f"a > {number} or a >= {number + 50}" for number in range(10)])
    assert above({"a": 2.5}) == [0, 1, 2]
    below = teller([f"a < {number} or a <= {number - 50}" for number in range(10)])
    assert below({"a": 7}) == [7, 8, 9]


@pytest.mark.parametrize(
    "text",
    ['a != "x"', 'not (a == "x")', 'a == "x" or b == "y"', 'a == "x" or true', 'contains(a, "x")', "a == b", "a"],
)
def test_what_is_not_certain_of_one_field_is_tried_on_every_event(text: str) -> None:
    assert conjuncts(parse(text).tree) == {}
    assert teller([text] * 10)({}) == list(range(10))


def test_of_two_facts_about_one_aspect_the_narrower_is_taken() -> None:
    told = conjuncts(parse('a in ["x", "y"] and a == "x" and 5 < b < 9').tree)
    assert told == {
        Aspect("a", Way.AMONG): {"x"},
        Aspect("b", Way.ABOVE): {5},
        Aspect("b", Way.BELOW): {9},
    }


def test_a_level_is_told_by_its_words() -> None:
    told = conjuncts(parse("level >= 'error'").tree)
    assert told == {Aspect("level", Way.AMONG): {"ERROR", "FATAL"}}


def test_a_few_conditions_are_tried_without_a_look_up() -> None:
    few = [f'a == "{number}"' for number in range(index_module.FEWEST - 1)]
    assert Index([parse(text) for text in few]).told == []


def test_conditions_on_fields_that_few_others_read_go_to_the_next_best() -> None:
    texts = [f'own{number} == "x" and kind == "k{number % 2}"' for number in range(10)]
    assert teller(texts)({"kind": "k1", "own1": "x"}) == [1, 3, 5, 7, 9]


def test_where_a_field_cannot_be_read_every_condition_on_it_finds_that_out_itself() -> None:
    tell = teller(
        [*(f'a == "{number}"' for number in range(5)), *(f'b == "{number}"' for number in range(5))],
        lambda name: "1 / 0" if name == "a" else read(name),
    )
    assert tell({"b": "3"}) == [0, 1, 2, 3, 4, 8]


def test_plans_are_forgotten_before_they_take_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_MOST_KEPT", 100)
    index = Index([parse(f"a > {number}") for number in range(50)])
    plans = index.plans({position: position for position in index.told})
    for slot in range(51):
        assert plans[slot,] == tuple(range(slot))
        assert sum(len(plan) + 1 for plan in plans.values()) <= 100
