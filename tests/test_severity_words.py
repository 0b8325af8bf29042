"""Comparisons of ``level`` and ``severity`` mean what people write."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from logagent.cli.selection import LevelError, parse_level
from logagent.expr import ExpressionError, compile_condition, parse
from logagent.expr.severities import NUMBERS
from logagent.fields import severity_name
from logagent.parsing.severity import severity_number

LEVELS = ("UNSET", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def matching(text: str) -> list[str]:
    """The levels of records that a condition is true of."""
    condition = compile_condition(parse(text), lambda name: f"x.{name}")
    return [level for level in LEVELS if condition(SimpleNamespace(level=level, severity=level, body="b"))]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ('level == "WARN"', ["WARN"]),
        ('level == "warning"', ["WARN"]),
        ('severity == "Err"', ["ERROR"]),
        ('"fatal" == level', ["FATAL"]),
        ('field("level") == "info"', ["INFO"]),
        ('lower(level) == "warning"', ["WARN"]),
        ('level != "debug"', ["UNSET", "TRACE", "INFO", "WARN", "ERROR", "FATAL"]),
        ('level in ["warning", "error"]', ["WARN", "ERROR"]),
        ('level not in ["trace", "debug", "UNSET"]', ["INFO", "WARN", "ERROR", "FATAL"]),
        ('level >= "warn"', ["WARN", "ERROR", "FATAL"]),
        ('level > "warn"', ["ERROR", "FATAL"]),
        ('"warn" <= level', ["WARN", "ERROR", "FATAL"]),
        ('level < "info"', ["TRACE", "DEBUG"]),
        ('"info" <= level <= "error"', ["INFO", "WARN", "ERROR"]),
        ('level == "unset"', ["UNSET"]),
        ('body == "b" and level == "error"', ["ERROR"]),
        ("level != null", list(LEVELS)),
    ],
)
def test_a_level_s_word_is_read_as_its_level_and_order_is_that_of_severity(text: str, levels: list[str]) -> None:
    assert matching(text) == levels


def test_a_log_s_own_key_of_that_name_is_compared_as_it_was_written_too() -> None:
    condition = compile_condition(parse('level == "warning"'), lambda name: f"x.{name}")
    assert condition(SimpleNamespace(level="warning"))
    assert not condition(SimpleNamespace(level=30))


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ('level == "wanr"', 10, "`wanr` is no level", "did you mean `WARN`?"),
        (
            'level in ["error", "loud"]',
            10,
            "`loud` is no level",
            "one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL, UNSET",
        ),
        ("level >= 30", 10, "a level is a word, and 30 is none", "severity_number"),
        ('level == "critical"', 10, "`critical` is a part of the level ERROR", "severity_number >= 18"),
        ('severity == "notice"', 13, "`notice` is a part of the level INFO", "severity_number >= 10"),
        ('level > "unset"', 9, "UNSET has no order for >", '== "UNSET"'),
    ],
)
def test_a_word_that_would_never_match_is_refused_with_what_to_write(
    text: str, column: int, message: str, hint: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.column) == (message, column)
    assert hint in caught.value.hint


def test_the_words_have_the_numbers_that_parsers_give_them() -> None:
    assert {word: severity_number(word) for word in NUMBERS} == NUMBERS


@pytest.mark.parametrize("word", [word for word, number in NUMBERS.items() if number % 4 == 1])
def test_a_word_matches_the_level_of_the_lines_that_carry_it(word: str) -> None:
    assert matching(f'level == "{word}"') == [severity_name(severity_number(word))]


@pytest.mark.parametrize("word", [word for word, number in NUMBERS.items() if number % 4 != 1])
def test_a_word_for_a_part_of_a_level_is_refused(word: str) -> None:
    with pytest.raises(ExpressionError, match="is a part of the level"):
        parse(f'level == "{word}"')


def test_the_levels_of_the_command_line_are_the_same_words() -> None:
    assert parse_level("critical") == frozenset(range(18, 25))
    assert parse_level("=critical") == frozenset(range(18, 21))
    assert parse_level("=warn,err") == frozenset((*range(13, 17), *range(17, 21)))
    with pytest.raises(LevelError, match="no level 'wanr'") as caught:
        parse_level("wanr")
    assert caught.value.hint == "did you mean `warn`?"


def test_every_refusal_of_an_expression_says_what_to_try() -> None:
    for text in (
        "1 +",
        "duration / 0",
        "len()",
        "abs(body, 1)",
        'abs("x")',
        "round(duration, 99)",
        'startswith(a, ["x", 1])',
    ):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert caught.value.hint, text
