"""Lines of keys in a TOML text."""

from __future__ import annotations

import tomli
from hypothesis import given
from hypothesis import strategies as st

from logagent.settings.lines import key_lines, line_of

_TEXT = '''# [not.a] header
top = 1
[a."b c"]   # with a comment = 2
x = """
[fake]
y = 3"""
list = [
  "]", # ]
  { z = 1 },
]
dotted.key = '#'
[[many]]
k = 1
[[many]]
k = 2
[many.inner]
q = 1
'''


def test_every_header_and_key_has_its_line() -> None:
    lines = key_lines(_TEXT)
    assert {place: line for place, line in lines.items() if place != ("a",)} == {
        ("top",): 2,
        ("a", "b c"): 3,
        ("a", "b c", "x"): 4,
        ("a", "b c", "list"): 7,
        ("a", "b c", "dotted"): 11,
        ("a", "b c", "dotted", "key"): 11,
        ("many",): 12,
        ("many", 0): 12,
        ("many", 0, "k"): 13,
        ("many", 1): 14,
        ("many", 1, "k"): 15,
        ("many", 1, "inner"): 16,
        ("many", 1, "inner", "q"): 17,
    }


def test_a_place_without_a_line_has_that_of_what_is_around_it() -> None:
    lines = key_lines(_TEXT)
    assert line_of(("a", "b c", "list", 1, "z"), lines) == 7
    assert line_of(("a", "b c", "missing"), lines) == 3
    assert line_of(("nowhere",), lines) is None


_KEYS = st.text(alphabet="ab#=[]'\" .\\", min_size=1, max_size=4)


@given(
    st.lists(_KEYS, unique=True, max_size=6),
    st.lists(st.sampled_from(["1", '"#"', "'['", "[1,\n2]", '"""\n=\n"""', "{a=1}"]), min_size=6, max_size=6),
)
def test_any_key_of_a_valid_text_is_found_on_the_line_where_it_stands(keys: list[str], values: list[str]) -> None:
    text, expected, line = "", {}, 1
    for key, value in zip(keys, values, strict=False):
        quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        expected[key,] = line
        statement = f"{quoted} = {value} # [x]\n"
        text += statement
        line += statement.count("\n")
    tomli.loads(text)
    assert key_lines(text) == expected


@given(st.text(max_size=60))
def test_no_text_stops_the_scanner(text: str) -> None:
    key_lines(text)
