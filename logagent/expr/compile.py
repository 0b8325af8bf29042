"""A checked expression → Python source, and source → one function.

Types are guarded in the source itself, so that no comparison can raise: a value's class is looked at before it meets a
constant. Where two values meet whose types nobody knows, ``operations`` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from logagent.expr import operations
from logagent.expr.tree import (
    NUMBER,
    TRUTH,
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Field,
    Logic,
    Members,
    Negation,
    Node,
    kind,
)
from logagent.fields import NAMES as FIELD_NAMES
from logagent.fields import NUMBERS
from logagent.patterns import MAX_INPUT_LENGTH

Resolve = Callable[[str], str]

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def source(expression: Expression, resolve: Resolve, constants: dict[str, object]) -> str:
    """Python source of one expression, to stand in generated code.

    ``resolve`` gives the source that reads a dotted field (``None`` when missing). What the source needs by name is put
    into ``constants``, the globals of the generated code. The source binds local variables named ``t0``, ``t1``, ….
    """
    constants.update(FIELD_NAMES)
    return _Writer(resolve, constants).value(expression.tree)


def condition_source(expression: Expression, resolve: Resolve, constants: dict[str, object]) -> str:
    """As ``source``, but its value is always ``True`` or ``False``."""
    text = source(expression, resolve, constants)
    return text if kind(expression.tree) == TRUTH else f"(True if {text} else False)"


def compile_condition(expression: Expression, resolve: Resolve) -> Callable[[Any], bool]:
    """Compile to a function of what ``resolve`` calls ``x``; it never raises for what the data holds."""
    constants: dict[str, object] = {}
    compiled: Callable[[Any], bool] = _function(condition_source(expression, resolve, constants), constants)
    return compiled


def compile_value(expression: Expression, resolve: Resolve) -> Callable[[Any], Any]:
    """Compile to a function of what ``resolve`` calls ``x`` that gives the expression's value, ``None`` where it has none."""
    constants: dict[str, object] = {}
    return _function(source(expression, resolve, constants), constants)


def _function(text: str, constants: dict[str, object]) -> Callable[[Any], Any]:
    exec(f"def expression(x):\n    return {text}\n", constants)  # noqa: S102 - the source is our own, made from a checked tree
    compiled: Callable[[Any], Any] = constants.pop("expression")  # type: ignore[assignment]  # exec has just defined it
    return compiled


class _Writer:
    """Writes the source of one expression; counts its temporaries."""

    def __init__(self, resolve: Resolve, constants: dict[str, object]) -> None:
        self._resolve = resolve
        self._constants = constants
        self._temporaries = 0

    def value(self, node: Node) -> str:  # noqa: PLR0911 - one return per kind of node
        """Source of the node's value."""
        match node:
            case Constant(value=value):
                return repr(value)
            case Field(name=name):
                return self._resolve(name)
            case Logic(operator=operator, operands=operands):
                return "(" + f" {operator} ".join(self.value(operand) for operand in operands) + ")"
            case Negation(operand=operand):
                return f"(not {self.value(operand)})"
            case Comparison():
                return self._comparison(node)
            case Arithmetic(operator=operator, left=left, right=right):
                return f"{self._operation(operator)}({self.value(left)}, {self.value(right)})"
            case Call():
                return self._call(node)
            case Members(values=values):
                return repr(values)

    def _operation(self, operator: str) -> str:
        function = operations.NAMES[operator]
        name = f"operation_{list(operations.NAMES).index(operator)}"
        self._constants[name] = function
        return name

    def _constant(self, value: object) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = value
        return name

    def _bind(self, text: str) -> tuple[str, str]:
        """Source for the first and for every later use of a value."""
        if text.isidentifier():
            return text, text
        name = f"t{self._temporaries}"
        self._temporaries += 1
        return f"({name} := {text})", name

    def _comparison(self, node: Comparison) -> str:
        if len(node.rest) == 1:
            operator, right = node.rest[0]
            return self._pair(node.left, self.value(node.left), operator, right, self.value(right))
        parts = []
        left, left_text = node.left, self.value(node.left)
        for operator, right in node.rest:
            text = self.value(right)
            first, again = (text, text) if isinstance(right, Constant | Members) else self._bind(text)
            parts.append(self._pair(left, left_text, operator, right, first))
            left, left_text = right, again
        return "(" + " and ".join(parts) + ")"

    def _pair(self, left: Node, left_text: str, operator: str, right: Node, right_text: str) -> str:
        if operator in {"in", "not in"}:
            return self._membership(left_text, operator, right, right_text)
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left, left_text, right, right_text = right, right_text, left, left_text
            operator = _MIRRORED[operator]
        if isinstance(right, Constant):
            return self._with_constant(left, left_text, operator, right)
        return f"{self._operation(operator)}({left_text}, {right_text})"

    def _with_constant(self, left: Node, text: str, operator: str, right: Constant) -> str:
        value = right.value
        if value is None:
            return f"({text} is {'' if operator == '==' else 'not '}None)"
        if isinstance(value, bool):
            return f"({text} is {value if operator == '==' else not value})"
        if operator == "==" and value not in (0, 1):
            return f"({text} == {value!r})"
        if text in NUMBERS and not isinstance(value, str):
            return f"({text} {operator} {value!r})"
        guard, again = self._guard(left, text, right)
        return f"({guard} and {again} {operator} {value!r})"

    def _guard(self, node: Node, text: str, constant: Constant) -> tuple[str, str]:
        first, again = self._bind(text)
        if isinstance(constant.value, str):
            return f"{first}.__class__ is str", again
        if kind(node) == NUMBER:
            return f"{first} is not None", again
        likely, other = ("int", "float") if isinstance(constant.value, int) else ("float", "int")
        return f"({first}.__class__ is {likely} or {again}.__class__ is {other})", again

    def _membership(self, item: str, operator: str, container: Node, container_text: str) -> str:
        if isinstance(container, Members):
            return self._among(item, operator, container)
        if isinstance(container, Constant):
            first, again = self._bind(item)
            return f"({first}.__class__ is str and {again} {operator} {container.value!r})"
        name = self._operation("contains" if operator == "in" else operator)
        return f"{name}({container_text}, {item})"

    def _among(self, item: str, operator: str, members: Members) -> str:
        """Members by type, because ``1``, ``1.0`` and ``true`` are the same to a set."""
        texts = frozenset(value for value in members.values if isinstance(value, str))
        truths = frozenset(value for value in members.values if isinstance(value, bool))
        numbers = frozenset(value for value in members.values if not isinstance(value, str | bool))
        first, again = self._bind(item)
        parts = []
        for values, classes in ((texts, ("str",)), (numbers, ("int", "float")), (truths, ("bool",))):
            if values:
                guard = " or ".join(f"{again}.__class__ is {name}" for name in classes)
                parts.append(f"({guard}) and {again} {operator} {self._constant(values)}")
        if not parts:
            return f"({first} is not None)" if operator == "not in" else "False"
        text = " or ".join(parts)
        return "(" + text.replace(again, first, 1) + ")"

    def _call(self, node: Call) -> str:
        first_text = self.value(node.arguments[0])
        if node.pattern is not None:
            first, again = self._bind(first_text)
            search = self._constant(node.pattern.search)
            return f"({first}.__class__ is str and {search}({again}, 0, {MAX_INPUT_LENGTH}) is not None)"
        if node.function == "has":
            return f"({first_text} is not None)"
        if node.function == "lower":
            first, again = self._bind(first_text)
            return f"({again}.lower() if {first}.__class__ is str else None)"
        if node.function in {"startswith", "endswith"} and isinstance(node.arguments[1], Constant | Members):
            first, again = self._bind(first_text)
            affix = self.value(node.arguments[1])
            return f"({first}.__class__ is str and {again}.{node.function}({affix}))"
        if node.function == "contains" and isinstance(node.arguments[1], Constant):
            first, again = self._bind(first_text)
            part, operation = repr(node.arguments[1].value), self._operation("contains")
            if isinstance(node.arguments[1].value, str):
                return f"({part} in {again} if {first}.__class__ is str else {operation}({again}, {part}))"
        arguments = ", ".join([first_text, *(self.value(argument) for argument in node.arguments[1:])])
        return f"{self._operation(node.function)}({arguments})"
