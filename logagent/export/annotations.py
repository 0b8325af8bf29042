"""Labels and texts of alerts as Prometheus's templates."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logagent.alerting.templates import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

_SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FORMATS = {
    "percent": "humanizePercentage",
    "duration": "humanizeDuration",
    "usd": 'printf "$%.2f"',
}
_NUMBER = 'printf "%.6g"'
LEFT_OUT = "…"


def literal(text: str) -> str:
    """A text in which Prometheus finds no template."""
    return text.replace("{{", '{{ "{{" }}')


@dataclass(frozen=True, slots=True)
class Lookup:
    """A number that Prometheus looks up when it writes the text: a series, by the alert's labels."""

    metric: str
    by: Mapping[str, str]
    """Label of the series → the alert's label whose value it has."""
    own: Mapping[str, str] = field(default_factory=dict)
    then: str = ""
    """Words after the number."""

    def expression(self) -> str:
        """What a template gives to ``with``."""
        fixed = [f"{name}={json.dumps(value)}" for name, value in self.own.items()]
        selector = ",".join([*fixed, *(f"{name}=%q" for name in self.by)])
        labels = "".join(f" $labels.{name}" for name in self.by.values())
        return f"printf {json.dumps(f'{self.metric}{{{selector}}}')}{labels} | query"


class Annotations:
    """Translates the texts of one rule.

    ``constants`` are names whose values are known beforehand; ``lookups`` those that Prometheus can look up;
    ``value_names`` those of the expression's value. ``missing`` gathers the names that Prometheus cannot know.
    """

    def __init__(
        self,
        constants: Mapping[str, object],
        lookups: Mapping[str, Lookup],
        value_names: tuple[str, ...] = ("value",),
    ) -> None:
        self.missing: list[str] = []
        self._constants = constants
        self._lookups = lookups
        self._value_names = value_names

    def translate(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Those of the texts that are not empty."""
        return {name: self._translated(text) for name, text in texts.items() if text}

    def _translated(self, text: str) -> str:
        return _SLOT.sub(lambda found: self._slot(found[0], found[1]), text)

    def _slot(self, whole: str, inside: str) -> str:
        name, *formatters = (piece.strip() for piece in inside.split("|"))
        shown = next((_FORMATS[one] for one in formatters if one in _FORMATS), _NUMBER)
        if name in self._constants:
            return literal(Template(whole).render({name: self._constants[name]}))
        if name.startswith("labels."):
            return f"{{{{ $labels.{name.removeprefix('labels.')} }}}}"
        if name in self._value_names:
            return f"{{{{ $value | {shown} }}}}"
        if name in self._lookups:
            lookup = self._lookups[name]
            shown = "humanizePercentage" if lookup.then else shown
            number = f"{{{{ . | first | value | {shown} }}}}{lookup.then}"
            return f"{{{{ with {lookup.expression()} }}}}{number}{{{{ else }}}}{LEFT_OUT}{{{{ end }}}}"
        self.missing.append(name)
        return LEFT_OUT
