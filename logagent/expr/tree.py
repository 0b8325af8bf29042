"""What an expression is once it has been read and checked: a small immutable tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.errors import LogagentError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

Value = str | int | float | bool | None


class ExpressionError(LogagentError):
    """An expression that is refused: what is wrong, at which column (1-based), and what to try."""

    exit_code = 2

    def __init__(self, message: str, column: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.column = column

    def __str__(self) -> str:
        """Give the whole as one line."""
        text = f"{self.message} (column {self.column})"
        return f"{text}; try: {self.hint}" if self.hint else text


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; ``None`` is ``null``."""

    value: Value


@dataclass(frozen=True, slots=True)
class Members:
    """A list of literals: the right side of ``in``, or the affixes of ``startswith`` and ``endswith``."""

    values: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A dotted field name. ``quoted`` where it was written as ``field("…")``: taken as it stands."""

    name: str
    column: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands joined by ``and`` or by ``or``; as in Python the value is one of the operands."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """``not``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right op right …``: true if each neighbouring pair compares true."""

    left: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers and one of ``+ - * / %``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """One of the functions. ``pattern`` is set for ``matches``."""

    function: str
    arguments: tuple[Node, ...]
    pattern: re.Pattern[str] | None = None


Node = Constant | Members | Field | Logic | Negation | Comparison | Arithmetic | Call


@dataclass(frozen=True)
class Expression:
    """A checked expression. ``fields`` are the dotted names that it reads, in the order of their first use."""

    text: str
    fields: tuple[str, ...]
    tree: Node


NUMBER, TEXT, TRUTH, NULL, LIST, ANY = "a number", "text", "true or false", "null", "a list", "anything"

RESULTS = {
    "matches": TRUTH,
    "startswith": TRUTH,
    "endswith": TRUTH,
    "contains": TRUTH,
    "has": TRUTH,
    "lower": TEXT,
    "len": NUMBER,
    "abs": NUMBER,
    "min": NUMBER,
    "max": NUMBER,
    "round": NUMBER,
}
"""The functions and what they give; those that give text or a number may also give nothing."""


def kind(node: Node) -> str:  # noqa: PLR0911 - one return per kind of node
    """Tell what the node's value is, where that is certain before any data is seen, else ``ANY``."""
    match node:
        case Constant(value=value):
            return constant_kind(value)
        case Members():
            return LIST
        case Negation() | Comparison():
            return TRUTH
        case Arithmetic():
            return NUMBER
        case Call(function=function):
            return RESULTS[function]
        case Logic(operands=operands):
            kinds = {kind(operand) for operand in operands}
            return kinds.pop() if len(kinds) == 1 else ANY
        case Field():
            return ANY


def constant_kind(value: Value) -> str:
    """Tell the kind of a literal."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUTH
    return TEXT if isinstance(value, str) else NUMBER


def fields_of(node: Node) -> Iterator[Field]:
    """Yield every place where a field is read."""
    match node:
        case Field():
            yield node
        case Negation(operand=operand):
            yield from fields_of(operand)
        case Arithmetic(left=left, right=right):
            yield from fields_of(left)
            yield from fields_of(right)
        case Logic(operands=operands) | Call(arguments=operands):
            for operand in operands:
                yield from fields_of(operand)
        case Comparison(left=left, rest=rest):
            yield from fields_of(left)
            for _, right in rest:
                yield from fields_of(right)
        case Constant() | Members():
            return
