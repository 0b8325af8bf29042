"""The words of ``level`` and ``severity``: what people write for them, and comparisons with them made to mean that.

The two fields hold the name of a range of OpenTelemetry's severity numbers. ``level == "warning"`` is read as ``WARN``;
``<`` and the like go by severity, not by the alphabet. A word that is no level is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.expr.tree import Call, Comparison, Constant, Field, Members, Node
from logagent.fields import severity_name
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    Refuse = Callable[[str, str], Exception]

FIELDS = frozenset({"level", "severity"})
NUMBERS = {
    "trace": 1, "trc": 1, "verbose": 1,
    "debug": 5, "dbg": 5,
    "info": 9, "inf": 9, "information": 9, "informational": 9, "notice": 10,
    "warn": 13, "wrn": 13, "warning": 13,
    "error": 17, "err": 17, "severe": 17, "critical": 18, "crit": 18, "alert": 19,
    "fatal": 21, "ftl": 21, "emergency": 21, "emerg": 21, "panic": 21,
}  # fmt: skip
"""Word → severity number, as parsers read it (logs data model, appendix B)."""
HIGHEST = 24
"""FATAL4 of the logs data model."""
_UNSET = "UNSET"
_RANKS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_ALLOWED = f"one of {', '.join(_RANKS)}, {_UNSET}"
_RANGE = 4
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def severity_range(word: str) -> range:
    """The severity numbers that a word stands for, to the end of its range; empty for no level's word."""
    number = NUMBERS.get(word.strip().lower())
    return range(number, number + _RANGE - (number - 1) % _RANGE) if number else range(0)


def severity_pair(left: Node, operator: str, right: Node, refuse: Refuse) -> Comparison | None:
    """One pair of a comparison, where it compares a level with words; None for any other pair.

    ``refuse`` makes the error of a message and a hint, which is raised for a word that is no level.
    """
    if _is_level(right) and isinstance(left, Constant):
        left, operator, right = right, _MIRRORED.get(operator, operator), left
    if not _is_level(left) or not isinstance(right, Constant | Members):
        return None
    level = left.arguments[0] if isinstance(left, Call) else left
    if isinstance(right, Members):
        words = (word for value in right.values for word in _spellings(value, refuse))
        return Comparison(level, ((operator, Members(tuple(dict.fromkeys(words)))),))
    if right.value is None or operator in {"in", "not in"}:
        return None
    return Comparison(level, (_with_word(operator, right.value, refuse),))


def _is_level(node: Node) -> bool:
    if isinstance(node, Call) and node.function == "lower":
        node = node.arguments[0]
    return isinstance(node, Field) and node.name in FIELDS


def _with_word(operator: str, value: object, refuse: Refuse) -> tuple[str, Constant | Members]:
    words = _spellings(value, refuse)
    if operator in {"==", "!="}:
        if len(words) == 1:
            return operator, Constant(words[0])
        return ("in" if operator == "==" else "not in"), Members(words)
    if words[-1] == _UNSET:
        raise refuse(f"{_UNSET} has no order for {operator}", f'== "{_UNSET}"')
    rank = _RANKS.index(words[-1])
    chosen = {"<": _RANKS[:rank], "<=": _RANKS[: rank + 1], ">": _RANKS[rank + 1 :], ">=": _RANKS[rank:]}[operator]
    return "in", Members(chosen)


def _spellings(value: object, refuse: Refuse) -> tuple[str, ...]:
    """The word as it was written, for a log's own key of that name, and the name of its range; one where they agree."""
    if not isinstance(value, str):
        raise refuse(f"a level is a word, and {value!r} is none", f"{_ALLOWED}; or compare severity_number")
    if value.upper() == _UNSET:
        return tuple(dict.fromkeys((value, _UNSET)))
    number = NUMBERS.get(value.strip().lower())
    if number is None:
        raise refuse(f"`{value}` is no level", did_you_mean(value.upper(), (*_RANKS, _UNSET)) or _ALLOWED)
    name = severity_name(number)
    if number % _RANGE != 1:
        message = f"`{value}` is a part of the level {name}"
        raise refuse(message, f"severity_number >= {number}, or {name} with all that belongs to it")
    return tuple(dict.fromkeys((value, name)))
