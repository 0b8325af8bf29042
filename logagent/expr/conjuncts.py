"""What must hold of single fields for a whole condition to hold: what an index of many conditions goes by."""

from __future__ import annotations

from enum import Enum
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from logagent.expr.tree import Call, Comparison, Constant, Field, Logic, Members

if TYPE_CHECKING:
    from logagent.expr.tree import Node, Value

_MIRRORED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Way(Enum):
    """How a field is held against constants."""

    AMONG = "among"
    """It is one of them."""
    PREFIX = "prefix"
    """It is text that begins with one of them."""
    ABOVE = "above"
    """It is a number that is at least the least of them."""
    BELOW = "below"
    """It is a number that is at most the greatest of them."""


class Aspect(NamedTuple):
    """A field, and the way in which it is looked at."""

    field: str
    way: Way


_WAYS = {"==": Way.AMONG, ">": Way.ABOVE, ">=": Way.ABOVE, "<": Way.BELOW, "<=": Way.BELOW}

Conjuncts = dict[Aspect, frozenset["Value"]]
"""Aspects with their constants: where the condition holds, every one of them holds. The reverse is not said.

As in any set, ``1``, ``1.0`` and ``true`` are one constant.
"""


def conjuncts(node: Node) -> Conjuncts:
    """What must hold of single fields for the node to be true; empty where nothing of the kind is certain."""
    match node:
        case Logic(operator="and", operands=operands):
            return reduce(_both, map(conjuncts, operands))
        case Logic(operands=operands):
            return reduce(_either, map(conjuncts, operands))
        case Comparison(left=left, rest=rest):
            found: Conjuncts = {}
            for operator, right in rest:
                found = _both(found, _pair(left, operator, right))
                left = right
            return found
        case Call(function="startswith", arguments=(Field(name=name), Constant(value=str() as prefix))):
            return {Aspect(name, Way.PREFIX): frozenset((prefix,))}
        case Call(function="startswith", arguments=(Field(name=name), Members(values=prefixes))):
            return {Aspect(name, Way.PREFIX): frozenset(prefixes)}
        case _:
            return {}


def _both(first: Conjuncts, second: Conjuncts) -> Conjuncts:
    """Of one aspect that is told of twice, the narrower: both are certain."""
    return {
        aspect: min((told[aspect] for told in (first, second) if aspect in told), key=len)
        for aspect in {**first, **second}
    }


def _either(first: Conjuncts, second: Conjuncts) -> Conjuncts:
    return {aspect: values | second[aspect] for aspect, values in first.items() if aspect in second}


def _pair(left: Node, operator: str, right: Node) -> Conjuncts:
    if isinstance(left, Constant):
        left, operator, right = right, _MIRRORED.get(operator, ""), left
    match left, operator, right:
        case Field(name=name), "in", Members(values=values):
            return {Aspect(name, Way.AMONG): frozenset(values)}
        case Field(name=name), "==", Constant(value=str() | bool() | int() | float() as value):
            return {Aspect(name, Way.AMONG): frozenset((value,))}
        case Field(name=name), "<" | "<=" | ">" | ">=", Constant(value=int() | float() as value):
            return {Aspect(name, _WAYS[operator]): frozenset((value,))}
        case _:
            return {}
