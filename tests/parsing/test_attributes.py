from __future__ import annotations

import math
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.attributes import flatten
from logagent.parsing.redaction import Decoded, Redactor

NOTHING: frozenset[str] = frozenset()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def attributes(data: dict[str, Any], claimed: frozenset[str] = NOTHING, **bounds: int) -> dict[str, Any]:
    found, _ = flatten(data, claimed, Redactor(), **bounds)
    return dict(found)


def test_nested_fields_stand_under_their_dotted_path_and_null_is_no_value() -> None:
    data = {"context": {"headers": {"host": "a"}, "n": 1, "none": None}, "ok": True, "e": {}}
    assert attributes(data) == {"context.headers.host": "a", "context.n": 1, "ok": True}


def test_a_claimed_path_is_left_out_with_all_below_it() -> None:
    data = {"time": 1, "context": {"request_id": "r", "user": {"id": "u"}}, "extra": {"a": {"b": 1}, "c": 2}}
    claimed = frozenset({"time", "context.request_id", "context.user", "extra.a"})
    assert attributes(data, claimed) == {"extra.c": 2}
    assert attributes({"context": {"request_id": "r"}}, frozenset({"context.request_id"})) == {}


def test_lists_of_scalars_stay_lists_and_are_bounded() -> None:
    assert attributes({"tags": ["a", 1, True], "many": list(range(100))}) == {
        "tags": ["a", 1, True],
        "many": list(range(64)),
    }


def test_lists_with_objects_become_json_text_without_their_secrets() -> None:
    data = {"messages": [{"role": "user", "password": "x"}, None]}
    assert attributes(data) == {"messages": '[{"role":"user","password":"[REDACTED]"},null]'}


def test_what_is_nested_too_deep_becomes_json_text() -> None:
    assert attributes({"a": {"b": {"c": {"token": "x", "d": 1}}}}, max_depth=2) == {
        "a.b": '{"c":{"token":"[REDACTED]","d":1}}'
    }


@pytest.mark.parametrize("value", ["s", 1, True, [1], {"name": "x"}, [{"a": 1}]])
def test_a_sensitive_key_hides_its_value_whatever_that_is(value: Decoded) -> None:
    assert attributes({"outer": {"credentials": value}}) == {"outer.credentials": "[REDACTED]"}


def test_header_lists_are_redacted_by_the_header_that_they_name() -> None:
    data = {"headers": [["host", "a"], ["authorization", "abc"]], "h": [{"name": "Cookie", "value": "abc"}]}
    assert attributes(data) == {
        "headers": '[["host","a"],["authorization","[REDACTED]"]]',
        "h": '[{"name":"Cookie","value":"[REDACTED]"}]',
    }


def test_json_inside_a_text_is_redacted_by_its_keys_too() -> None:
    body = '{"user": "bob", "password": 1234}'
    assert attributes({"body": body}) == {"body": '{"user":"bob","password":"[REDACTED]"}'}
    assert attributes({"body": '{"user": "bob" }'}) == {"body": '{"user": "bob" }'}
    assert attributes({"body": "{not json, password=x}"}) == {"body": "{not json, password=[REDACTED]}"}


def test_texts_are_redacted_before_they_are_cut() -> None:
    secret = "ghp_" + "a1B2" * 9
    assert attributes({"text": "x" * 10 + " " + secret}, max_value=20) == {"text": "xxxxxxxxxx [REDACTED…"}


def test_attributes_beyond_the_bound_are_counted() -> None:
    found, dropped = flatten({f"k{n}": n for n in range(200)}, NOTHING, Redactor())
    assert len(found) == 128
    assert dropped == 72


def test_numbers_beyond_64_bits_become_floats_and_nan_stays() -> None:
    found = attributes({"big": 2**63, "small": -(2**63), "huge": 10**400, "nan": math.nan})
    assert found["big"] == float(2**63)
    assert isinstance(found["big"], float)
    assert found["small"] == -(2**63)
    assert found["huge"] == sys.float_info.max
    assert math.isnan(found["nan"])


def test_a_hundred_levels_and_a_hundred_thousand_values_end_in_bounded_text() -> None:
    deep: Any = "password=hunter2"
    for _ in range(900):
        deep = {"a": deep}
    wide = [{"v": n} for n in range(100_000)]
    found = attributes({"deep": deep, "wide": wide})
    assert "hunter2" not in str(found)
    assert all(len(str(value)) <= 16_385 for value in found.values())


def test_text_that_cannot_be_encoded_is_made_encodable() -> None:
    assert attributes({"s": "a\ud800b"}) == {"s": "a?b"}


@given(st.dictionaries(st.text(max_size=12), json_values, max_size=6))
def test_every_object_becomes_attributes_that_can_leave(data: dict[str, Any]) -> None:
    found, dropped = flatten(data, NOTHING, Redactor(), max_depth=3, max_attributes=4, max_value=32)
    assert len(found) <= 4
    assert dropped >= 0
    for value in found.values():
        for item in value if isinstance(value, list) else [value]:
            assert isinstance(item, str | bool | int | float)
            assert not isinstance(item, str) or len(item) <= 33
    orjson.dumps({key.encode("utf-8", "replace").decode(): value for key, value in found.items()})


@given(json_values)
def test_no_secret_under_a_sensitive_key_survives_at_any_place(value: Decoded) -> None:
    hidden = "Q7x-hunter2-Q7x"
    data = {
        "a": value,
        "b": {"password": hidden, "c": [{"api_key": hidden}]},
        "d": orjson.dumps({"secret": hidden}).decode(),
    }
    assert hidden not in str(flatten(data, NOTHING, Redactor())[0])
