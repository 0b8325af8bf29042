"""Conditions and events drawn at random: few fields and few constants, so that they meet often, and hostile values."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

FIELDS = ("a", "b.c", "d")
TEXTS = ("", "x", "xy", "xyz", "y", "é", "\ud800")
NUMBERS = (0, 1, 1.0, -1, 2, 2.5, 500, 10**20)

_fields = st.sampled_from(FIELDS)
_texts = st.sampled_from([f'"{text}"' for text in TEXTS[:-1]])
_numbers = st.sampled_from(["0", "1", "1.0", "-1", "2", "2.5", "500", "1e20", "250ms"])
_constants = st.one_of(_texts, _numbers, st.sampled_from(["true", "false"]))
_orders = st.sampled_from(["<", "<=", ">", ">="])


def _list(items: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=least, max_size=3).map(lambda texts: f"[{', '.join(texts)}]")


def _text(pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda found: pattern.format(*found))


_simple = st.one_of(
    _text("{} == {}", _fields, _constants),
    _text("{} == {}", _constants, _fields),
    _text("{} != {}", _fields, _constants),
    _text("{} in {}", _fields, _list(_constants, 0)),
    _text("{} not in {}", _fields, _list(_constants)),
    _text("{} {} {}", _fields, _orders, _numbers),
    _text("{} {} {}", _numbers, _orders, _fields),
    _text("{} {} {} {} {}", _numbers, _orders, _fields, _orders, _numbers),
    _text("{} == {} == {}", _fields, _fields, _constants),
    _text("startswith({}, {})", _fields, st.one_of(_texts, _list(_texts))),
    _text("contains({}, {})", _fields, _texts),
    _text("{} == null", _fields),
    _text("has({})", _fields),
    _fields,
)
conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        _text("({} and {})", inner, inner),
        _text("({} or {})", inner, inner),
        _text("not ({})", inner),
    ),
    max_leaves=5,
)
"""Texts of conditions on ``FIELDS``."""

_scalars = st.one_of(
    st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans(), st.just(float("nan")), st.just(float("-inf"))
)
values: st.SearchStrategy[Any] = st.one_of(_scalars, st.none(), st.lists(_scalars, max_size=2), st.just({"c": "x"}))
"""What a line may hold under any name."""

events: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(FIELDS), values)
"""Fields of events."""
