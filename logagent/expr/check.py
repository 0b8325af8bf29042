"""Python's syntax tree of a translated expression → our own tree; everything outside the language is refused here."""

from __future__ import annotations

import ast
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from logagent.expr import operations
from logagent.expr.severities import severity_pair
from logagent.expr.tokens import Translation, translate
from logagent.expr.tree import (
    ANY,
    LIST,
    NULL,
    NUMBER,
    TEXT,
    TRUTH,
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    ExpressionError,
    Field,
    Logic,
    Members,
    Negation,
    Node,
    kind,
)
from logagent.patterns import PatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_DEPTH = 30
_MAX_DIGITS = 15
_MOST_KEPT = 4096
"""Expressions that are kept: those of a large set of rules, each of which is read several times on its way to work."""

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
}
_COUNTS = {
    "matches": (2, 2),
    "startswith": (2, 2),
    "endswith": (2, 2),
    "contains": (2, 2),
    "has": (1, 1),
    "lower": (1, 1),
    "len": (1, 1),
    "abs": (1, 1),
    "min": (2, 16),
    "max": (2, 16),
    "round": (1, 2),
    "field": (1, 1),
}
"""Function → least and most arguments."""
_TAKES_TEXT = {"matches", "startswith", "endswith", "lower"}
_TAKES_NUMBERS = {"abs", "min", "max", "round"}


def parse(text: str, *, levels: bool = True) -> Expression:
    """Read and check a text; raises ExpressionError with the column of what is wrong.

    ``levels``: ``level`` and ``severity`` are those of events. An alert's label ``severity`` is any word.
    """
    return _read(text, levels)


@lru_cache(maxsize=_MOST_KEPT)
def _read(text: str, levels: bool) -> Expression:  # noqa: FBT001 - a key of the cache
    translation = translate(text)
    try:
        tree = ast.parse(translation.python.strip(" "), mode="eval")
    except SyntaxError as error:
        raise _syntax_error(error, translation, text) from None
    except (MemoryError, RecursionError, ValueError):
        raise ExpressionError("the expression is nested too deeply", 1, "split it into several rules") from None
    checker = _Checker(translation, levels=levels)
    node = checker.node(tree.body, 0)
    if kind(node) == LIST:
        raise ExpressionError("a list is no condition and no value", 1, "use it after `in`")
    return Expression(text, tuple(checker.fields), node)


def _syntax_error(error: SyntaxError, translation: Translation, text: str) -> ExpressionError:
    stripped = len(translation.python) - len(translation.python.lstrip(" "))
    offset = (error.offset or 0) - 1 + stripped
    at_end = not error.offset or offset >= len(translation.python.rstrip())
    column = len(text.rstrip()) if at_end else translation.column(len(translation.python[:offset].encode()))
    reason = error.msg.partition(" (<")[0]
    if "Perhaps you forgot a comma" in reason or reason == "invalid syntax":
        reason = "the expression ends too early" if at_end else "not an expression"
    return ExpressionError(reason, max(column, 1), "join conditions with `and` or `or`")


class _Checker:
    """One walk over a tree, which collects the fields on its way."""

    def __init__(self, translation: Translation, *, levels: bool) -> None:
        self._levels = levels
        self.fields: dict[str, None] = {}
        self._names = translation.names
        self._translation = translation
        self._stripped = len(translation.python) - len(translation.python.lstrip(" "))
        self._visitors: dict[type[ast.expr], Callable[..., Node]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.List: self._members,
            ast.Tuple: self._members,
            ast.BoolOp: self._logic,
            ast.UnaryOp: self._unary,
            ast.Compare: self._comparison,
            ast.BinOp: self._arithmetic,
            ast.Call: self._call,
        }

    def node(self, tree: ast.expr, depth: int) -> Node:
        """Our node for one of Python's."""
        if depth > _MAX_DEPTH:
            raise self._error(tree, "the expression is nested too deeply", "split it into several rules")
        visit = self._visitors.get(type(tree))
        if visit is None:
            raise self._refusal(tree)
        return visit(tree, depth + 1)

    def _error(self, tree: ast.expr, message: str, hint: str) -> ExpressionError:
        return ExpressionError(message, self._column(tree), hint)

    def _column(self, tree: ast.expr) -> int:
        return self._translation.column(tree.col_offset + self._stripped)

    def _refusal(self, tree: ast.expr) -> ExpressionError:
        if isinstance(tree, ast.Subscript):
            return self._error(tree, "subscripts are not part of the language", 'write a.b, or field("a.b-c")')
        if isinstance(tree, ast.Attribute):
            return self._error(
                tree, "only a plain name can have parts", 'write a field as one dotted name, or field("a.b")'
            )
        name = type(tree).__name__
        return self._error(tree, f"{name} is not part of the language", "use comparisons, arithmetic and functions")

    def _constant(self, tree: ast.Constant, _depth: int) -> Node:
        if isinstance(tree.value, str | int | float) or tree.value is None:
            return Constant(tree.value)
        raise self._refusal(tree)

    def _name(self, tree: ast.Name, _depth: int) -> Node:
        return self._field(self._names[tree.id], self._column(tree), quoted=False)

    def _field(self, name: str, column: int, *, quoted: bool) -> Field:
        self.fields[name] = None
        return Field(name, column, quoted)

    def _members(self, tree: ast.List | ast.Tuple, depth: int) -> Node:
        values = []
        for element in tree.elts:
            node = self.node(element, depth)
            if not isinstance(node, Constant) or node.value is None:
                raise self._error(element, "a list holds constants only", 'write ["a", "b"], or several conditions')
            values.append(node.value)
        return Members(tuple(values))

    def _logic(self, tree: ast.BoolOp, depth: int) -> Node:
        operands = tuple(self._scalar(value, depth) for value in tree.values)
        return Logic("and" if isinstance(tree.op, ast.And) else "or", operands)

    def _unary(self, tree: ast.UnaryOp, depth: int) -> Node:
        operand = self._scalar(tree.operand, depth)
        if isinstance(tree.op, ast.Not):
            return Negation(operand)
        self._require(tree.operand, operand, NUMBER)
        sign = -1 if isinstance(tree.op, ast.USub) else 1
        if isinstance(operand, Constant):
            return Constant(operations.multiply(sign, operand.value))
        return Arithmetic("*", Constant(sign), operand)

    def _scalar(self, tree: ast.expr, depth: int) -> Node:
        node = self.node(tree, depth)
        if kind(node) == LIST:
            raise self._error(tree, "a list stands only after `in`", 'write field in ["a", "b"]')
        return node

    def _require(self, tree: ast.expr, node: Node, expected: str) -> None:
        if kind(node) not in {expected, ANY}:
            raise self._error(
                tree, f"{expected} is needed here, and this is {kind(node)}", "a field, or a value of that kind"
            )

    def _arithmetic(self, tree: ast.BinOp, depth: int) -> Node:
        operator = _ARITHMETIC.get(type(tree.op))
        if operator is None:
            raise self._refusal(tree)
        left, right = self.node(tree.left, depth), self.node(tree.right, depth)
        self._require(tree.left, left, NUMBER)
        self._require(tree.right, right, NUMBER)
        if isinstance(right, Constant) and right.value == 0 and operator in "/%":
            raise self._error(tree.right, "a division by zero has no value", "another divisor")
        if isinstance(left, Constant) and isinstance(right, Constant):
            return self._folded(tree, operator, left, right)
        return Arithmetic(operator, left, right)

    def _folded(self, tree: ast.expr, operator: str, left: Constant, right: Constant) -> Constant:
        value = operations.NAMES[operator](left.value, right.value)
        if value is None or abs(value) > 1e300:  # noqa: PLR2004 - far from the largest float, so that no later step overflows
            raise self._error(tree, "the number is too large", "a number below 1e300")
        return Constant(value)

    def _comparison(self, tree: ast.Compare, depth: int) -> Node:
        left = self._scalar(tree.left, depth)
        previous, pairs, of_levels = left, [], False
        for operator, right_tree in zip(tree.ops, tree.comparators, strict=True):
            right = self.node(right_tree, depth)
            name = _COMPARISONS.get(type(operator))
            if name is None:
                raise self._error(right_tree, "`is` is not part of the language", "use ==")
            self._check_pair(right_tree, name, previous, right)
            refuse = partial(self._error, right_tree)
            words = severity_pair(previous, name, right, refuse) if self._levels else None
            of_levels = of_levels or words is not None
            pairs.append(words or Comparison(previous, ((name, right),)))
            previous = right
        if of_levels:
            return Logic("and", tuple(pairs)) if len(pairs) > 1 else pairs[0]
        return Comparison(left, tuple(pair for compared in pairs for pair in compared.rest))

    def _check_pair(self, tree: ast.expr, operator: str, left: Node, right: Node) -> None:
        first, second = kind(left), kind(right)
        if isinstance(left, Constant) and isinstance(right, Constant | Members):
            raise self._error(tree, "two constants are compared", "compare a field")
        if LIST in {first, second} and (first == LIST or operator not in {"in", "not in"}):
            raise self._error(tree, f"a list cannot be compared with {operator}", "use `in`")
        if operator in {"in", "not in"}:
            if second not in {LIST, TEXT, ANY} or first == NULL:
                raise self._error(tree, f"nothing can be in {second}", 'write field in ["a", "b"]')
            return
        if NULL in {first, second}:
            if operator not in {"==", "!="}:
                raise self._error(tree, f"null cannot be compared with {operator}", "use has(field)")
            return
        if ANY not in {first, second} and first != second:
            raise self._error(tree, f"{first} is never {operator} {second}", "compare values of one type")
        if TRUTH in {first, second} and operator not in {"==", "!="}:
            raise self._error(tree, f"true and false have no order for {operator}", "use == or !=")

    def _call(self, tree: ast.Call, depth: int) -> Node:
        if not isinstance(tree.func, ast.Name) or tree.keywords or tree.func.id not in _COUNTS:
            raise self._error(tree, "only the language's own functions can be called", "without keywords")
        name = tree.func.id
        least, most = _COUNTS[name]
        if not least <= len(tree.args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self._error(tree, f"{name}() takes {wanted} arguments, not {len(tree.args)}", "commas between them")
        arguments = tuple(self.node(argument, depth) for argument in tree.args)
        self._check_arguments(tree, name, arguments)
        if name == "field":
            return self._quoted_field(tree, arguments[0])
        if name == "matches":
            return self._matches(tree, arguments)
        return Call(name, arguments)

    def _check_arguments(self, tree: ast.Call, name: str, arguments: tuple[Node, ...]) -> None:
        for position, (argument_tree, argument) in enumerate(zip(tree.args, arguments, strict=True)):
            affixes = position == 1 and name in {"startswith", "endswith"}
            if affixes and isinstance(argument, Members):
                self._check_affixes(argument_tree, argument)
            elif kind(argument) == LIST:
                raise self._error(argument_tree, f"{name}() takes no list here", "use `in`")
            elif name in _TAKES_TEXT:
                self._require(argument_tree, argument, TEXT)
            elif name in _TAKES_NUMBERS:
                self._require(argument_tree, argument, NUMBER)
            elif name == "has" and not isinstance(argument, Field):
                raise self._error(argument_tree, "has() takes a field", "write has(http.route)")
        if name == "round" and arguments[1:]:
            self._check_digits(tree.args[1], arguments[1])

    def _check_digits(self, tree: ast.expr, digits: Node) -> None:
        if not isinstance(digits, Constant) or not isinstance(digits.value, int) or abs(digits.value) > _MAX_DIGITS:
            raise self._error(
                tree, f"round() takes a whole number of digits up to {_MAX_DIGITS}", "write round(duration, 3)"
            )

    def _check_affixes(self, tree: ast.expr, members: Members) -> None:
        if not all(isinstance(value, str) for value in members.values):
            raise self._error(tree, "the list must hold text only", 'write ["a", "b"]')

    def _quoted_field(self, tree: ast.Call, argument: Node) -> Node:
        if not isinstance(argument, Constant) or not isinstance(argument.value, str) or not argument.value:
            raise self._error(tree.args[0], "field() takes the name as a string", 'write field("user-agent")')
        return self._field(argument.value, self._column(tree), quoted=True)

    def _matches(self, tree: ast.Call, arguments: tuple[Node, ...]) -> Node:
        pattern = arguments[1]
        if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
            raise self._error(tree.args[1], "matches() takes the pattern as a string", 'write matches(body, "^GET ")')
        try:
            return Call("matches", arguments, compile_pattern(pattern.value))
        except PatternError as error:
            raise self._error(tree.args[1], str(error), error.hint or "a simpler pattern") from None
