"""Severities as loggers write them."""

from __future__ import annotations

from typing import Any

import pytest

from logagent.parsing.severity import severity_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("INFO", 9), ("info", 9), (" Warning ", 13), ("warn", 13), ("ERROR", 17), ("CRITICAL", 18), ("FATAL", 21),
        ("debug", 5), ("trace", 1), ("notice", 10), ("", 0), ("loud", 0), (None, 0), (True, 0), (1.5, 0), ([], 0), ({}, 0),
        ("²", 0), ("9" * 5000, 0), ("٣٠", 9), (10**400, 0),
    ],
)  # fmt: skip
def test_names_are_known_in_any_case_and_what_is_none_is_unset(value: Any, expected: int) -> None:
    assert severity_number(value) == expected


@pytest.mark.parametrize(
    ("numbers", "value", "expected"),
    [
        ("tens", 30, 9), ("tens", 50, 17), ("tens", "40", 13), ("tens", 35, 0),
        ("python", 20, 9), ("python", 40, 17), ("python", 50, 18),
        ("syslog", 3, 17), ("syslog", 6, 9), ("syslog", "0", 21), ("syslog", 8, 0),
        ("otel", 17, 17), ("otel", 24, 24), ("otel", 25, 0), ("otel", -1, 0),
    ],
)  # fmt: skip
def test_numbers_mean_what_the_definition_says(numbers: str, value: Any, expected: int) -> None:
    assert severity_number(value, numbers) == expected
