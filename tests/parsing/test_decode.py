"""Lines that break JSON's rules, and what can be saved of them."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.decode import rescue


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (b'{"a": NaN, "b": Infinity, "c": -Infinity}', {"a": "NaN", "b": "Infinity", "c": "-Infinity"}),
        (b'{"a": "tab\there\x01"}', {"a": "tab\there\x01"}),
        (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
        (b'{"a": "\\ud800x", "\\udfff": 1}', {"a": "\ufffdx", "\ufffd": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b' \t{"a": 1e999, "b": NaN} \r', {"a": "1e999", "b": "NaN"}),
        (b'{"a": 184467440737095516150, "b": NaN}', {"a": 184467440737095516150.0, "b": "NaN"}),
        (b'{"a": ' + b"9" * 400 + b"}", {"a": sys.float_info.max}),
        (b'{"a": 9223372036854775807, "b": NaN}', {"a": 2**63 - 1, "b": "NaN"}),
    ],
)
def test_what_breaks_the_rules_without_losing_anything_is_taken(line: bytes, data: dict[str, Any]) -> None:
    assert rescue(line) == data


def test_a_number_of_any_length_is_taken() -> None:
    found = rescue(b'{"a": ' + b"9" * 100_000 + b', "b": 1}')
    assert found is not None
    assert found["b"] == 1
    assert str(found["a"]).startswith("999")


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b'{"a": 1', b'{"a": 1} trailing', b"[1]", b"NaN", b'"text"', b"INFO: {}", b"\0", b'{"a": }', b"{'a': 1}",
        b'{"a": ' * 100_000, b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_torn_endlessly_nested_and_other_text_is_not_taken(line: bytes) -> None:
    assert rescue(line) is None


@pytest.mark.parametrize("depth", range(200, 1_100, 50))
def test_nesting_is_taken_or_not_but_raises_nothing_at_any_depth(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        line = b'{"x": NaN, "a": ' + opening * depth + b"1" + closing * depth + b"}"
        found = rescue(line)
        assert found is None or found["x"] == "NaN"


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda inner: b'{"a": "' + inner + b'"}'))
def test_no_bytes_raise_and_what_is_found_can_be_encoded(line: bytes) -> None:
    found = rescue(line)
    if found is not None:
        orjson.dumps(found)


@given(st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
))  # fmt: skip
def test_of_good_json_nothing_changes(value: Any) -> None:
    assert rescue(orjson.dumps({"a": value})) == {"a": value}
