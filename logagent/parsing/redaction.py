"""Keeps secrets inside the parser: by the name of their field, and by their own shape inside any text."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from logagent.parsing.pairs import Pairs
from logagent.parsing.secret_shapes import REDACTED, SHAPES, Shape, may_hold_secret
from logagent.sensitive_keys import LONGEST_KEY, SensitiveKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

Decoded = Any
"""A value out of a decoded line: text, number, truth, null, list or object."""

_REMEMBERED_KEYS = 8192
_REMEMBERED_TEXTS = 16_384
_LONGEST_REMEMBERED = 64
_OPENS_JSON = ("{", "[")


class Redactor:
    """Redacts keys and texts, and counts what it redacted per rule.

    ``extra_keys`` are field names, matched by their words; ``extra_patterns`` are regular expressions whose whole match
    is replaced (rule ``pattern_1``, ``pattern_2``, ...). Raises ``re.error`` for a pattern that is none.
    """

    def __init__(self, extra_keys: Sequence[str] = (), extra_patterns: Sequence[str] = ()) -> None:
        self.redactions: Counter[str] = Counter()
        """Rule name -> how often; who reports it takes it and puts an empty one in its place."""
        self.judged: dict[str, bool] = {}
        """Keys judged before, to look into where even a call costs; ``key_is_sensitive`` fills it."""
        self.clean: set[str] = set()
        """Short texts in which nothing was found, for values repeat; never JSON, whose keys count too."""
        self._judge = SensitiveKeys(extra_keys)
        self._pairs = Pairs(self.key_is_sensitive, self._judge.stems)
        self._own = tuple(
            Shape(f"pattern_{number}", re.compile(pattern)) for number, pattern in enumerate(extra_patterns, 1)
        )

    def key_is_sensitive(self, key: str) -> bool:
        """Whether a field of this name holds a secret, judged by the words of the name."""
        verdict = self.judged.get(key)
        return self._judge_new(key) if verdict is None else verdict

    def text(self, value: str) -> str:
        """The text with every secret in it replaced by ``[REDACTED]``; ordinary texts come back as they are."""
        if len(value) > _LONGEST_REMEMBERED:
            return self._redacted(value)
        if value in self.clean:
            return value
        clean = self._redacted(value)
        if clean is value and value[:1] not in _OPENS_JSON:
            if len(self.clean) >= _REMEMBERED_TEXTS:
                self.clean.clear()
            self.clean.add(value)
        return clean

    def _redacted(self, value: str) -> str:
        if self._own:
            value = self._replace(value, self._own)
        if may_hold_secret(value):
            value = self._replace(value, SHAPES)
        if "=" in value:
            value, count = self._pairs.redact(value, "=")
            if count:
                self.redactions["pair"] += count
        if ":" in value:
            value, count = self._pairs.redact(value, ":")
            if count:
                self.redactions["pair"] += count
        return value

    def value(self, key: str, value: Decoded) -> Decoded:
        """A field's value, redacted by the field's name or by its own shape; lists item by item."""
        if value is None:
            return None
        if self.key_is_sensitive(key):
            return self.whole(value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.text(item) if isinstance(item, str) else item for item in value]
        return value

    def whole(self, value: Decoded) -> str:
        """What stands in place of a sensitive field's value, whatever that is."""
        if value != REDACTED:
            self.redactions["key"] += 1
        return REDACTED

    def _judge_new(self, key: str) -> bool:
        verdict = self._judge(key)
        if len(key) <= LONGEST_KEY:
            if len(self.judged) >= _REMEMBERED_KEYS:
                self.judged.clear()
            self.judged[key] = verdict
        return verdict

    def _replace(self, value: str, shapes: Sequence[Shape]) -> str:
        for shape in shapes:
            value = shape.pattern.sub(partial(self._substitute, shape), value)
        return value

    def _substitute(self, shape: Shape, match: re.Match[str]) -> str:
        if not shape.accept(match):
            return match[0]
        self.redactions[shape.rule] += 1
        return (match[1] + REDACTED) if shape.keeps_front else REDACTED
