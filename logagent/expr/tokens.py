r"""An expression's text → Python text that ``ast`` can read, and the way back to the author's columns.

Dotted names become placeholders (so that a keyword may be part of a name), numbers with units become plain numbers,
strings are decoded here: a backslash before anything but ``\ " ' n r t`` stays, as regular expressions want it.
"""

from __future__ import annotations

import bisect
import math
import re
from dataclasses import dataclass, field

from logagent.expr.tree import RESULTS, ExpressionError
from logagent.suggestions import did_you_mean

MAX_LENGTH = 4_000
_MAX_NUMBER_LENGTH = 40

UNITS: dict[str, int | float] = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
"""Unit → seconds or bytes."""
_DIVISORS = {"ns": 10**9, "us": 10**6, "µs": 10**6, "ms": 10**3}

FUNCTIONS = (*RESULTS, "field")
_WORDS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "in": "in",
    "true": "True",
    "True": "True",
    "false": "False",
    "False": "False",
    "null": "None",
    "None": "None",
}
_REFUSED_WORDS = {
    "if": "use `and` and `or`",
    "else": "use `and` and `or`",
    "for": "write the conditions out",
    "lambda": "write the condition itself",
    "is": "use ==",
    "await": "write the condition itself",
    "yield": "write the condition itself",
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>[A-Za-z]{0,2}(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<number>(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>[^\W\d]\w*)?
    |(?P<name>[^\W\d]\w*(?:\.\w+)*)
    |(?P<operator>:=|\*\*|//|<<|>>|===|==|=~|!~|!=|<>|<=|>=|&&|\|\||[-+*/%<>=!(),\[\]&|^~?:{}@.;$\#`"'\\])""",
    re.VERBOSE | re.DOTALL,
)
_REFUSED_OPERATORS = {
    "=": "use == to compare",
    "===": "use ==",
    "<>": "use !=",
    "&&": "use `and`",
    "||": "use `or`",
    "!": "use `not`",
    "&": "use `and`",
    "|": "use `or`",
    "=~": 'use matches(field, "regex")',
    "!~": 'use not matches(field, "regex")',
    "~": 'use matches(field, "regex")',
    ":=": "use == to compare",
    "**": "write the product out",
    "//": "use / and round()",
    "?": "use `and` and `or`",
    '"': "end the string with the quote that began it",
    "'": "end the string with the quote that began it",
}


@dataclass(slots=True)
class Translation:
    """Python text, the names behind its placeholders, and where its pieces stand in the author's text."""

    python: str = ""
    names: dict[str, str] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    _origins: list[int] = field(default_factory=list)

    def add(self, python: str, origin: int) -> None:
        """Append a piece that comes from the given offset of the author's text."""
        self._starts.append(len(self.python))
        self._origins.append(origin)
        self.python += python

    def column(self, byte_offset: int) -> int:
        """1-based column in the author's text of an offset as ``ast`` counts it: in bytes of UTF-8."""
        offset = len(self.python.encode()[:byte_offset].decode(errors="ignore"))
        piece = bisect.bisect_right(self._starts, offset) - 1
        return self._origins[max(piece, 0)] + 1


def translate(text: str) -> Translation:
    """Python text of an expression; raises ExpressionError for what cannot be part of one."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH:,} characters", 1, "split it into several rules")
    result = Translation()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            hint = 'straight quotes, "' if text[position] in "“”„«»" else ""
            raise ExpressionError(f"unexpected character {text[position]!r}", position + 1, hint)
        _add_token(result, match, text)
        position = match.end()
    if not result.names and not result.python.strip():
        raise ExpressionError("the expression is empty", 1, 'write a condition such as kind == "query"')
    return result


def _add_token(result: Translation, match: re.Match[str], text: str) -> None:
    origin = match.start()
    if match["space"]:
        python = " "
    elif match["string"]:
        python = repr(_decode(match["string"], origin))
    elif match["number"]:
        python = _number(match["number"], match["unit"], origin)
    elif match["name"]:
        called = text[match.end() :].lstrip().startswith("(")
        python = _name(result, match["name"], origin, called=called)
    else:
        python = _operator(match["operator"], origin)
    result.add(python, origin)


def _operator(operator: str, origin: int) -> str:
    if operator in _REFUSED_OPERATORS:
        shown = "a string without an end" if operator in "\"'" else f"{operator} is no operator here"
        raise ExpressionError(shown, origin + 1, _REFUSED_OPERATORS[operator])
    if operator in {"$", "#", "`", "\\", "@", ";", ":", "{", "}", "^", "<<", ">>"}:
        raise ExpressionError(f"{operator} has no meaning in an expression", origin + 1)
    return operator


def _decode(literal: str, origin: int) -> str:
    quote = min(literal.find(mark) for mark in "\"'" if mark in literal)
    prefix, body = literal[:quote], literal[quote + 1 : -1]
    if prefix == "r":
        return body
    if prefix:
        message = f'{prefix}"…" is no string here'
        raise ExpressionError(message, origin + 1, 'write "…", or r"…" to keep backslashes')
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), body, flags=re.DOTALL)


def _number(digits: str, unit: str | None, origin: int) -> str:
    try:
        too_large = len(digits) > _MAX_NUMBER_LENGTH or not math.isfinite(float(digits))
    except ValueError:
        raise ExpressionError(f"`{digits}` is no number", origin + 1, "digits, with single _ between them") from None
    if too_large:
        raise ExpressionError("the number is too large", origin + 1, "a number below 1e300")
    if unit and unit not in UNITS:
        raise ExpressionError(f"unknown unit {unit}", origin + 1, f"{digits}{_near_unit(unit)}")
    value = float(digits) if set(digits) & set(".eE") else int(digits)
    if unit in _DIVISORS:
        value /= _DIVISORS[unit]
    elif unit:
        value *= UNITS[unit]
    if not math.isfinite(value):
        raise ExpressionError("the number is too large", origin + 1)
    return repr(value)


def _near_unit(unit: str) -> str:
    if unit.lower().startswith("mil"):
        return "ms"
    same = {known.lower(): known for known in UNITS}.get(unit.lower(), unit[0].lower())
    return same if same in UNITS else "s"


def _name(result: Translation, name: str, origin: int, *, called: bool) -> str:
    if name in _WORDS:
        return f" {_WORDS[name]} "
    if name in _REFUSED_WORDS:
        raise ExpressionError(f"{name} is not part of the language", origin + 1, _REFUSED_WORDS[name])
    if called:
        _check_function(name, origin)
        return name
    if any(part.startswith("__") for part in name.split(".")):
        message = f"{name} reads like a Python attribute, not a field"
        raise ExpressionError(message, origin + 1, f'field("{name}") if the key is really named so')
    placeholder = f"_{len(result.names)}"
    result.names[placeholder] = name
    return f" {placeholder} "


def _check_function(name: str, origin: int) -> None:
    if name in FUNCTIONS:
        return
    if "." in name:
        method = name.rpartition(".")[2]
        hint = f"{method}({name.rpartition('.')[0]}, …)" if method in FUNCTIONS else "one of " + ", ".join(FUNCTIONS)
        raise ExpressionError(f"{name}() is a method, and values have none", origin + 1, hint)
    hint = did_you_mean(name, FUNCTIONS) or "one of " + ", ".join(FUNCTIONS)
    raise ExpressionError(f"unknown function {name}()", origin + 1, hint)
