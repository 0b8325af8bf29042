"""The one condition language of rules, ``tail`` and the page: Python's expression syntax over dotted field names.

A missing field, or a value of the wrong type, makes a comparison false and arithmetic missing; nothing raises.
``null`` stands for a missing field: ``user == null`` is true where there is none. ``a or b`` gives the first that is
there and not empty. ``matches`` finds its pattern anywhere in the first 64 KiB of a text.
"""

from logagent.expr.check import parse
from logagent.expr.compile import Resolve, compile_condition, compile_value, condition_source, source
from logagent.expr.tree import Expression, ExpressionError

__all__ = [
    "Expression",
    "ExpressionError",
    "Resolve",
    "compile_condition",
    "compile_value",
    "condition_source",
    "parse",
    "source",
]
