"""The fields of a decoded line that its parser says nothing of, as flat, bounded, redacted attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.parsing.nested import MAX_TEXT, redacted_json, redacted_text
from logagent.parsing.values import MAX_LIST, bounded_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.model import AttributeValue, Scalar
    from logagent.parsing.redaction import Decoded, Redactor

MAX_VALUE = 16_384
MAX_PATH = 512
_EASY = frozenset({bool, float})
"""Types whose every value may leave as it is."""
_SCALARS = frozenset({bool, int, float, str})


def flatten(  # noqa: PLR0913 - the three bounds are options of the parser definition
    data: Mapping[str, Decoded],
    claimed: frozenset[str],
    redactor: Redactor,
    *,
    max_depth: int = 10,
    max_attributes: int = 128,
    max_value: int = MAX_VALUE,
) -> tuple[dict[str, AttributeValue], int]:
    """Unclaimed fields under their dotted paths, and how many were left out beyond ``max_attributes``.

    A claimed path is left out with all that is below it. Lists of scalars stay lists of at most 64; lists with objects,
    and what is nested deeper than ``max_depth``, become JSON text. Texts end at ``max_value`` characters with ``…``.
    ``null`` is no value.
    """
    walk = _Walk(claimed, redactor, max_depth, max_attributes, max_value)
    walk.object(data, "", 1)
    return walk.found, walk.dropped


class _Walk:
    def __init__(
        self, claimed: frozenset[str], redactor: Redactor, max_depth: int, max_attributes: int, max_value: int
    ) -> None:
        self.found: dict[str, AttributeValue] = {}
        self.dropped = 0
        self._claimed = claimed
        self._redactor = redactor
        self._max_depth = max_depth
        self._max_attributes = max_attributes
        self._max_value = max_value

    def object(self, data: Mapping[str, Decoded], prefix: str, depth: int) -> None:
        claimed, found = self._claimed, self.found
        judged, clean = self._redactor.judged, self._redactor.clean
        for key, value in data.items():
            path = prefix + key if prefix else key
            if value is None or path in claimed:
                continue
            sensitive = judged.get(key)
            if sensitive is None:
                sensitive = self._redactor.key_is_sensitive(key)
            if not sensitive and (value.__class__ in _EASY or (value.__class__ is str and value in clean)):
                if len(found) < self._max_attributes:
                    found[path[:MAX_PATH]] = value
                else:
                    self.dropped += 1
            elif value.__class__ is dict and depth < self._max_depth and not sensitive:
                self.object(value, path + ".", depth + 1)
            elif len(found) >= self._max_attributes:
                self.dropped += 1
            else:
                found[path[:MAX_PATH]] = self._redactor.whole(value) if sensitive else self._value(value)

    def _value(self, value: Decoded) -> AttributeValue:
        if value.__class__ is str:
            return self._text(value)
        if isinstance(value, int | float):
            return bounded_number(value)
        if value.__class__ is list and all(item.__class__ in _SCALARS for item in value):
            return self._scalars(value)
        return self._cut(redacted_json(value, self._redactor))

    def _scalars(self, value: list[Decoded]) -> list[Scalar]:
        return [self._scalar(item) for item in value[:MAX_LIST]]

    def _scalar(self, item: Decoded) -> Scalar:
        return self._text(item) if item.__class__ is str else bounded_number(item)

    def _text(self, value: str) -> str:
        if value in self._redactor.clean:
            return value
        return self._cut(redacted_text(value[:MAX_TEXT] if len(value) > MAX_TEXT else value, self._redactor))

    def _cut(self, text: str) -> str:
        if len(text) > self._max_value:
            text = text[: self._max_value] + "…"
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
