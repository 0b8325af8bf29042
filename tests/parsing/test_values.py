"""Ids and attribute values out of decoded lines."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.redaction import Redactor
from logagent.parsing.values import Cleaner, context_id, json_text, plain_text, w3c_id

UUID = "813a2de0-b803-48d9-a2d1-3f336d140252"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (UUID, UUID), ("req-1", "req-1"), (17, "17"), (-17, "-17"), (10**30, str(10**30)), ("0a", "0a"),
        ("", None), (" ", None), ("-", None), ("0", None), (0, None), ("00", None), ("null", None), ("None", None),
        ("N/A", None), ("undefined", None), ("00000000-0000-0000-0000-000000000000", None), ("0" * 32, None),
        (None, None), (True, None), (1.5, None), ([UUID], None), ({"id": UUID}, None),
    ],
)  # fmt: skip
def test_what_loggers_write_where_there_is_no_id_is_none(value: Any, expected: str | None) -> None:
    assert context_id(value) == expected


def test_a_long_id_becomes_its_hash_so_that_it_stays_distinct() -> None:
    long = "x" * 257
    assert context_id(long) == hashlib.sha256(long.encode()).hexdigest()
    assert context_id("x" * 256) == "x" * 256
    assert context_id(long + "y") != context_id(long)


def test_w3c_ids_are_hex_of_their_size_and_not_all_zeros() -> None:
    assert w3c_id("4bf92f3577b34da6a3ce929d0e0e4736", 16).hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert w3c_id("00f067aa0ba902b7", 8).hex() == "00f067aa0ba902b7"
    bad: Any
    for bad in (
        "0" * 16,
        "00f067aa0ba902b",
        "zzf067aa0ba902b7",
        "00 067aa0ba90 b7",
        "\u0660" * 16,
        5,
        None,
        [],
        "0" * 17,
    ):
        assert w3c_id(bad, 8) == b""


def cleaner(max_value: int = 100) -> Cleaner:
    return Cleaner(Redactor().text, max_value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"), (5, 5), (True, True), (0.5, 0.5), (None, None), ([1, "a", False], [1, "a", False]),
        ({"a": 1}, '{"a":1}'), ([{"a": 1}], '[{"a":1}]'), ([None], "[null]"), (2**63, float(2**63)), (-(2**63), -(2**63)),
        (10**400, sys.float_info.max), (-(10**400), -sys.float_info.max), ("x" * 101, "x" * 100 + "…"),
        ("password=hunter2", "password=[REDACTED]"),
    ],
)  # fmt: skip
def test_any_value_becomes_an_attribute_value(value: Any, expected: Any) -> None:
    assert cleaner().value(value) == expected


def test_long_lists_are_bounded() -> None:
    assert cleaner().value(list(range(1000))) == list(range(64))


def test_each_redaction_is_counted_however_often_the_same_text_comes() -> None:
    redactor = Redactor()
    clean = Cleaner(redactor.text, 100)
    for _ in range(3):
        assert clean.value("password=hunter2") == "password=[REDACTED]"
    assert redactor.redactions.total() == 3


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [10, 254, 255, 900, 1020, 100_000])
def test_text_of_nested_values_raises_nothing(levels: int) -> None:
    value = deep(levels)
    assert json_text(value)
    assert plain_text(value) == json_text(value)
    assert cleaner().value(value)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_json)
def test_no_value_raises(value: Any) -> None:
    result = cleaner().value(value)
    assert result is None or isinstance(result, str | bool | int | float | list)
    assert isinstance(json_text(value), str)


@given(st.dictionaries(st.text(), st.integers(-(2**63), 2**64 - 1) | st.text() | st.booleans(), max_size=3))
def test_json_text_is_the_value_again(value: dict[str, Any]) -> None:
    assert json.loads(json_text(value)) == value


def test_not_a_number_is_no_infinity() -> None:
    assert math.isfinite(float(cleaner().value(10**400)))  # type: ignore[arg-type]
