from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.expr import Expression, ExpressionError, compile_condition, compile_value, condition_source, parse, source

Datum = Any
"""Whatever an expression gives."""


def read(name: str) -> str:
    return f"x.get({name!r})"


def value(text: str, **fields: object) -> Datum:
    return compile_value(parse(text), read)({name.replace("__", "."): item for name, item in fields.items()})


def true(text: str, **fields: object) -> bool:
    return compile_condition(parse(text), read)({name.replace("__", "."): item for name, item in fields.items()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("5m", 300),
        ("2h", 7200),
        ("30d", 2_592_000),
        ("10KiB", 10_240),
        ("10MiB", 10_485_760),
        ("1GB", 10**9),
        ("250us", 0.00025),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-2h", -7200),
        ("2 * 3 + 4 % 3 - 1 / 2", 6.5),
        ('"a\\tb\\\\c\\d"', "a\tb\\c\\d"),
        ('r"\\\\d"', "\\\\d"),
        ("'single'", "single"),
        ("true", True),
        ("None", None),
    ],
)
def test_a_literal_has_the_value_that_its_unit_says(text: str, expected: object) -> None:
    result = value(text)
    assert result == expected
    assert result.__class__ is expected.__class__


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("a > 1", {"a": 2}, True),
        ("a > 1", {"a": 1}, False),
        ("1 < a", {"a": 1.5}, True),
        ("1 < a <= 2 < b", {"a": 2, "b": 3}, True),
        ("1 < a <= 2 < b", {"a": 2, "b": 2}, False),
        ("a == b == 1", {"a": 1, "b": 1.0}, True),
        ('a.b == "x"', {"a__b": "x"}, True),
        ('"x" != a', {"a": "y"}, True),
        ('a < "b"', {"a": "aa"}, True),
        ("a == true", {"a": True}, True),
        ("a != true", {"a": False}, True),
        ("a == null", {}, True),
        ("a != null", {"a": 0}, True),
        ('a in ["x", 1, true]', {"a": 1}, True),
        ('a in ("x", "y")', {"a": "y"}, True),
        ("a in [1, 2.5]", {"a": 2.5}, True),
        ("a not in [1, 2]", {"a": 3}, True),
        ('"ell" in a', {"a": "hello"}, True),
        ('a in "hello"', {"a": "ell"}, True),
        ("a in b", {"a": 2, "b": [1, 2]}, True),
        ("a not in b", {"a": 3, "b": [1, 2]}, True),
        ("a and not b", {"a": 1, "b": ""}, True),
        ("a or b", {"a": [], "b": {"k": 1}}, True),
        ("a < b", {"a": 1, "b": 2}, True),
        ("a + b * 2 >= 5", {"a": 1, "b": 2}, True),
        ('matches(a, "^GET /\\d+$")', {"a": "GET /12"}, True),
        ('matches(a, "T /")', {"a": "GET /12"}, True),
        ('startswith(a, "GE")', {"a": "GET"}, True),
        ('startswith(a, ["PO", "GE"])', {"a": "GET"}, True),
        ("endswith(a, b)", {"a": "GET", "b": "ET"}, True),
        ('contains(a, "x")', {"a": ["x"]}, True),
        ('contains(lower(a), "x")', {"a": "AXB"}, True),
        ("has(a.b)", {"a__b": False}, True),
        ("len(a) == 2", {"a": [1, 2]}, True),
        ("abs(a) + min(a, 1) + max(a, 1, 2) == 2", {"a": -1}, True),
        ("round(a, 1) == 1.2", {"a": 1.23}, True),
        ("round(a) == 1", {"a": 1.23}, True),
        ('field("x-y.z k") == 1', {"x-y__z k": 1}, True),
        ("error.class == 1 and in.x == 2 and not.y == 3", {"error__class": 1, "in__x": 2, "not__y": 3}, True),
        ("items.0.name == 'x'", {"items__0__name": "x"}, True),
        ("größe > 1", {"größe": 2}, True),
        ("a > 1\n  and b > 1", {"a": 2, "b": 2}, True),
    ],
)
def test_a_condition_is_what_it_says(text: str, fields: dict[str, Any], expected: object) -> None:
    assert true(text, **fields) is expected


@pytest.mark.parametrize(
    "text",
    [
        "a > 1",
        "a == 1",
        "a != 1",
        "a < 1",
        'a == "x"',
        'a != "x"',
        'a in ["x"]',
        'a not in ["x"]',
        "a in [1]",
        "a not in [1, true]",
        "a == b",
        "a != b",
        "a < b",
        "b not in a",
        'matches(a, "x")',
        'startswith(a, "x")',
        "a + 1 > 0",
        "1 / a < 5",
        "len(a) >= 0",
        "abs(a) >= 0",
        "max(a, 1) >= 0",
        "round(a) == 0",
        'lower(a) != "x"',
        "-a < 1",
        "a == true",
        "a != false",
    ],
)
def test_a_missing_field_makes_every_comparison_false_and_its_negation_true(text: str) -> None:
    assert true(text) is False
    assert true(f"not ({text})") is True


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a > 1", {"a": "2"}),
        ("a > 1", {"a": True}),
        ("a == 1", {"a": True}),
        ("a in [1]", {"a": True}),
        ("a in [true]", {"a": 1}),
        ('a in ["x"]', {"a": ["x"]}),
        ('a not in ["x"]', {"a": 5}),
        ('a != "x"', {"a": 5}),
        ("a < b", {"a": 1, "b": "2"}),
        ("a == b", {"a": 1, "b": True}),
        ("a == b", {"a": [1], "b": [1]}),
        ("a + b > 0", {"a": "x", "b": "y"}),
        ("a * 3 > 0", {"a": "x"}),
        ("a / b > 0", {"a": 1, "b": 0}),
        ("a % b == 0", {"a": 1, "b": 0}),
        ("a / b > 0", {"a": 10**400, "b": 3}),
        ("a * 1.5 > 0", {"a": 10**400}),
        ("round(a) >= 0", {"a": math.inf}),
        ("round(a) >= 0", {"a": math.nan}),
        ("contains(a, b)", {"a": "x", "b": 1}),
        ("startswith(a, b)", {"a": "x", "b": None}),
        ('lower(a) == "x"', {"a": ["X"]}),
    ],
)
def test_a_wrong_type_makes_a_comparison_false(text: str, fields: dict[str, Any]) -> None:
    assert true(text, **fields) is False


def test_division_by_zero_is_a_missing_value() -> None:
    assert value("a / b", a=1, b=0) is None
    assert value("a / b + 1", a=1, b=0) is None


def test_or_gives_the_first_value_that_is_there() -> None:
    assert value("a or b or 'none'", b="x") == "x"
    assert value("a or b or 'none'") == "none"


def test_an_operand_of_a_chain_is_read_once() -> None:
    reads = []

    class Counting(dict[str, Any]):
        def get(self, name: str, default: object = None) -> object:
            reads.append(name)
            return super().get(name, default)

    assert compile_condition(parse("0 < a < 9 < b"), read)(Counting(a=1, b=10))
    assert reads == ["a", "b"]


def test_an_expression_names_its_fields_in_the_order_of_their_use() -> None:
    assert parse('b.c > 1 and a == "x" or matches(b.c, "y") or field("d-e")').fields == ("b.c", "a", "d-e")


def test_two_readings_of_one_text_are_the_same_expression() -> None:
    assert parse("a > 1") == parse("a > 1")
    assert isinstance(parse("a > 1"), Expression)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("duration = 1", 10, "= is no operator here", "use == to compare"),
        ("a && b", 3, "&& is no operator", "`and`"),
        ("a || b", 3, "|| is no operator", "`or`"),
        ("!a", 1, "! is no operator", "`not`"),
        ("a ** 9", 3, "** is no operator", "product"),
        ("(a := 1)", 4, ":= is no operator", "=="),
        ("duration > 5mins", 12, "unknown unit mins", "5m"),
        ("a > 3secs", 5, "unknown unit secs", "3s"),
        ("a > 3mb", 5, "unknown unit mb", "3MB"),
        ("1e999", 1, "too large", ""),
        ("f'{a}'", 1, 'f"…" is no string', "r"),
        ("[x for x in y]", 4, "for is not part", ""),
        ("lambda: 1", 1, "lambda is not part", ""),
        ("a if b else c", 3, "if is not part", "`and`"),
        ("a is 1", 3, "is is not part", "=="),
        ("a and x.__class__", 7, "reads like a Python attribute", "field("),
        ("a and (x).y", 7, "plain name", "dotted name"),
        ('"a".upper', 1, "plain name", "dotted name"),
        ("durat(1)", 1, "unknown function durat()", "one of matches"),
        ("a or match(a, 'x')", 6, "unknown function match()", "did you mean `matches`?"),
        ("body.startswith('x')", 1, "is a method", "startswith(body, …)"),
        ("__import__('os')", 1, "unknown function", ""),
        ("a[0] == 1", 1, "subscripts", "a.b"),
        ("{'a': 1}", 1, "no meaning", ""),
        ('"abc', 1, "a string without an end", "quote"),
        ("a == “x”", 6, "unexpected character", "straight quotes"),
        ("é == 'ü' and b = 1", 16, "= is no operator", "=="),
        ("500ms < a and b c", 17, "not an expression", "`and`"),
        ("  a >", 5, "ends too early", ""),
        ("", 1, "empty", "condition"),
        ("   ", 1, "empty", "condition"),
        ('"a" * 5', 1, "a number is needed here, and this is text", ""),
        ('a * "x"', 5, "a number is needed here, and this is text", ""),
        ("a / 0", 5, "division by zero", ""),
        ('len(a) < "x"', 10, "a number is never < text", "one type"),
        ("lower(a) > 5", 12, "text is never > a number", "one type"),
        ("null > len(a)", 8, "null cannot be compared", "has(field)"),
        ("a > true", 5, "no order", "=="),
        ("a == [1]", 6, "a list cannot be compared", "`in`"),
        ("a in 5", 6, "nothing can be in", ""),
        ("a in [b]", 7, "constants only", ""),
        ("a or 1 == 2", 11, "two constants", "a field"),
        ("a or 1 in [1]", 11, "two constants", "a field"),
        ("[1, 2]", 1, "a list is no condition", "`in`"),
        ("matches(a, b)", 12, "as a string", ""),
        ('matches(a, "(")', 12, "not a regular expression", "brackets"),
        ('matches(a, "(a+)+$")', 12, "exponential time", "possessive"),
        ('matches(a, "(a|aa)+$")', 12, "exponential time", "possessive"),
        ("len(a, b)", 1, "len() takes 1 arguments, not 2", ""),
        ("has(1)", 5, "has() takes a field", ""),
        ("round(a, 400)", 10, "whole number of digits", ""),
        ("field(a)", 7, "as a string", ""),
        ("len(a=1)", 6, "= is no operator", "=="),
        ("min(*a, 1)", 5, "Starred is not part", ""),
        ("-" * 500 + "a", 32, "nested too deeply", ""),
        ("a" + " + a" * 200, 1, "nested too deeply", ""),
        ("(" * 300 + "1" + ")" * 300, 201, "too many nested parentheses", ""),
        ("a > " + "9" * 41, 5, "too large", ""),
        (" or ".join(["a"] * 2000), 1, "at most 4,000 characters", ""),
        ("9e299 * 9e299", 1, "too large", ""),
        ("a\x00b", 2, "unexpected character", ""),
    ],
)
def test_a_refusal_says_where_and_what_to_try(text: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.column, message in caught.value.message, hint in caught.value.hint) == (column, True, True), (
        caught.value
    )
    assert f"(column {column})" in str(caught.value)


@pytest.mark.parametrize("pattern", [r"(?:foo|bar)+", r"(\\w|-)+", r"(/\\w++)*", r"(?>a+)+", ".*a.*b", "x{2,900}"])
def test_a_pattern_without_ambiguous_repeats_is_taken(pattern: str) -> None:
    assert parse(f'matches(a, "{pattern}")').fields == ("a",)


@pytest.mark.parametrize("pattern", ["(a|b*)*", "(a{1,9}){4}", "(a?a?)+", "(?:(?:x*)y|z)+", "(a*?)*?", "((a|)b)*"])
def test_a_pattern_with_ambiguous_repeats_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError, match="exponential"):
        parse(f'matches(a, "{pattern}")')


def test_matches_looks_at_the_first_64_kibibytes_only() -> None:
    assert true('matches(a, "x")', a=" " * 65_535 + "x")
    assert not true('matches(a, "x")', a=" " * 65_536 + "x")


def test_source_can_stand_in_generated_code_with_local_variables() -> None:
    constants: dict[str, object] = {}
    locals_of = {"a": "first", "b": "second"}
    expression = parse('a > 1 and 1 < b < 3 and a in [2, 3] and matches(c, "x") and a + b == 4')
    text = condition_source(expression, lambda name: locals_of.get(name) or read(name), constants)
    exec(f"def decide(first, second, x):\n    return {text} and {text}", constants)
    decide: Any = constants["decide"]
    assert decide(2, 2, {"c": "axb"}) is True
    assert decide("2", 2, {}) is False


def test_constants_of_several_sources_do_not_meet() -> None:
    constants: dict[str, object] = {}
    texts = [source(parse(f'a in ["{name}"]'), read, constants) for name in "xyz"]
    for name, text in zip("xyz", texts, strict=True):
        assert [eval(text, constants, {"x": {"a": other}}) for other in "xyz"] == [name == other for other in "xyz"]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("not (", ")"),
        ("-(", ")"),
        ("lower(", ")"),
        ("1 + (", ")"),
        ("max(1, ", ")"),
        ("(", " > 1) == true"),
        ("true == (1 < ", ")"),
        ("(b or ", ")"),
        ("len(", ") in [1, 2]"),
    ],
)
def test_the_deepest_expression_that_is_accepted_compiles(begin: str, end: str) -> None:
    accepted = 0
    for depth in range(1, 60):
        try:
            expression = parse(begin * depth + "a" + end * depth)
        except ExpressionError:
            continue
        compile_value(expression, read)({"a": 1})
        accepted = depth
    assert accepted < 40


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([0, 1, 10**400, -(10**400)]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))
OPERANDS = st.sampled_from(
    ["a", "b", "1", "0.5", '"x"', "true", "null", "lower(a)", "len(b)", "a + b", "a / b", "-a", "max(a, b)"]
)


@st.composite
def conditions(draw: st.DrawFn, depth: int = 0) -> str:
    form = draw(st.sampled_from(["compare", "in", "call", "not", "logic", "chain"]))
    if depth > 2 or form == "compare":
        return f"{draw(OPERANDS)} {draw(st.sampled_from(['==', '!=', '<', '<=', '>', '>=']))} {draw(OPERANDS)}"
    if form == "chain":
        return f"{draw(OPERANDS)} < {draw(OPERANDS)} != {draw(OPERANDS)}"
    if form == "in":
        container = draw(st.sampled_from(['["x", 1]', "[true, 0]", "[]", "b", '"xyz"']))
        return f"{draw(OPERANDS)} {draw(st.sampled_from(['in', 'not in']))} {container}"
    if form == "call":
        call = st.sampled_from(
            ['matches(a, "x|y")', "contains(a, b)", "startswith(a, b)", 'endswith(a, ["x"])', "has(a)"]
        )
        return draw(call)
    if form == "not":
        return f"not ({draw(conditions(depth=depth + 1))})"
    return f"({draw(conditions(depth=depth + 1))}) {draw(st.sampled_from(['and', 'or']))} ({draw(conditions(depth=depth + 1))})"


@given(conditions(), VALUES, VALUES)
def test_a_condition_that_is_accepted_never_raises(text: str, a: object, b: object) -> None:
    try:
        condition = compile_condition(parse(text), read)
    except ExpressionError:
        return
    assert condition({"a": a, "b": b}) in {True, False}
    assert condition({}) in {True, False}


@given(st.text(max_size=60) | st.text("ab1.()[]'\"=<>! +-*/%,andorti\\", max_size=40))
def test_any_text_is_either_an_expression_or_refused_with_a_column(text: str) -> None:
    column = 1
    try:
        compile_value(parse(text), read)({})
    except ExpressionError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_constant_folding_cannot_take_long() -> None:
    begin = time.process_time()
    with pytest.raises(ExpressionError):
        parse("*".join(["9" * 40] * 29))
    assert time.process_time() - begin < 1
