"""Paths into decoded lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.compile import define, value_reader
from logagent.parsing.paths import MISSING, KnownSource, PathSource, split


@pytest.mark.parametrize(
    ("text", "keys"),
    [("a", ("a",)), ("a.b", ("a", "b")), (r"log\.level", ("log.level",)), (r"a.log\.level.b", ("a", "log.level", "b"))],
)
def test_a_dot_inside_a_key_is_escaped(text: str, keys: tuple[str, ...]) -> None:
    assert split(text) == keys


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"a": {"b": 1}}, 1), ({"a": {"b": None}, "c": 2}, 2), ({"a": {"b": 0}, "c": 2}, 0), ({"a": 5, "c": 2}, 2),
        ({"a": [1], "c": {"d": 1}}, {"d": 1}), ({"a": None}, None), ({}, None), ({"a": {"b": False}}, False),
    ],
)  # fmt: skip
def test_the_first_value_that_is_there_counts(data: dict[str, Any], value: Any) -> None:
    assert value_reader(["a.b", "c"])(data) == value


def test_without_paths_there_is_no_value() -> None:
    assert value_reader([])({"a": 1}) is None


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"context": {"id": 1}, "metric": {"id": 2}, "id": 3}, 1),
        ({"metric": {"id": 2}, "id": 3}, 2),
        ({"context": "none", "metric": {"id": 2}}, 2),
        ({"id": 3}, 3),
        ({"context": {}, "id": 3}, None),
    ],
)
def test_paths_begin_in_the_first_object_that_is_there(data: dict[str, Any], value: Any) -> None:
    assert value_reader("id", ["context", "metric"])(data) == value


def test_a_path_that_no_line_with_known_keys_can_have_is_not_looked_for() -> None:
    source = KnownSource(["a", "b"])
    assert source.read(("c",)) == MISSING
    assert source.first([("c", "d"), ("e",)]) == MISSING
    assert source.lines() == []


_values = st.one_of(
    st.none(), st.integers(), st.dictionaries(st.sampled_from("xyz"), st.integers() | st.none(), max_size=3)
)
_paths = st.lists(st.sampled_from(["a", "b", "c.x", "a.y", "d.z", "b.x.y"]), min_size=1, max_size=3)


@given(st.dictionaries(st.sampled_from("abcd"), _values), _paths)
def test_a_reader_that_knows_the_keys_reads_what_any_other_reads(data: dict[str, Any], paths: list[str]) -> None:
    found = []
    for source in (PathSource(), KnownSource(list(data))):
        expression = source.first([split(path) for path in paths])
        read = define("read", "d", [*source.lines(), f"return {expression}"], {"EMPTY": {}})
        found.append(read(data))
    assert found[0] == found[1]
