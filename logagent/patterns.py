"""Regular expressions that a rule or a configuration may bring: short, and without exponential backtracking."""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]  # typeshed does not describe the parser
import re._parser as parser  # type: ignore[import-not-found]  # the same
import warnings
from typing import Any

MAX_PATTERN_LENGTH = 1_000
MAX_INPUT_LENGTH = 64 * 1024
"""Characters of a value that ``matches`` looks at."""

Item = Any
"""A piece of a parsed pattern: an operator, its argument, or a list of such pairs."""

_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT}
_FEW = 3
"""A repeat that happens no oftener than this may hold anything."""


class PatternError(ValueError):
    """A pattern that is refused; the text says why, ``hint`` what to try."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def compile_pattern(text: str) -> re.Pattern[str]:
    r"""Compile a pattern, or raise PatternError.

    Refused is what can match the same text in exponentially many ways: inside a repeat, another repeat of variable length,
    as in ``(a+)+`` or ``(a?b*)*``, or alternatives that can begin alike, as in ``(a|aa)+``. The check is conservative: it also
    refuses harmless ones such as ``(/\w+)*``, which a possessive repeat, ``(/\w++)*``, makes acceptable: possessive and
    atomic groups do not backtrack. Repeats side by side (``.*a.*b``) are allowed; their cost is polynomial in the input.
    """
    if len(text) > MAX_PATTERN_LENGTH:
        raise PatternError(
            f"a pattern has at most {MAX_PATTERN_LENGTH:,} characters", "split it into several conditions"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pattern = re.compile(text)
            tree = parser.parse(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"not a regular expression: {error}", "check its brackets and backslashes") from error
    if _explodes(tree, repeated=False):
        message = "the pattern repeats what is ambiguous in itself, which can take exponential time"
        raise PatternError(
            message, "write (a|b)+ instead of (a+|b+)+, or make the inner repeat possessive, as in (a++)+"
        )
    return pattern


def _explodes(tree: Item, *, repeated: bool) -> bool:
    return any(_item_explodes(operator, argument, repeated=repeated) for operator, argument in tree)


def _item_explodes(operator: Item, argument: Item, *, repeated: bool) -> bool:
    if operator in _REPEATS:
        least, most, body = argument
        return (repeated and least != most) or _explodes(body, repeated=repeated or most > _FEW)
    if operator is sre.BRANCH and repeated and _begin_alike(argument[1]):
        return True
    possessive = operator in {sre.ATOMIC_GROUP, sre.POSSESSIVE_REPEAT}
    return any(_explodes(body, repeated=repeated and not possessive) for body in _bodies(operator, argument))


def _begin_alike(branches: Item) -> bool:
    """Tell whether two alternatives may begin with the same character; where that is hard to tell, they may."""
    first = [chr(branch[0][1]).lower() if branch and branch[0][0] is sre.LITERAL else "" for branch in branches]
    return "" in first or len(set(first)) < len(first)


def _bodies(operator: Item, argument: Item) -> list[Item]:
    """Give the patterns inside an item."""
    if operator is sre.BRANCH:
        return list(argument[1])
    if operator is sre.GROUPREF_EXISTS:
        return [branch for branch in argument[1:] if branch is not None]
    if operator is sre.ATOMIC_GROUP:
        return [argument]
    if operator in {sre.SUBPATTERN, sre.POSSESSIVE_REPEAT, sre.ASSERT, sre.ASSERT_NOT}:
        return [argument[-1]]
    return []
