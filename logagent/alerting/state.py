"""What the alerting room's stateful parts share: labels, rendered alerts, keyed entries of the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.alerting.reasons import Reason
    from logagent.alerting.templates import Template
    from logagent.model import Alert, AlertState

Key = tuple[str, ...]
"""The label values that a group's events share."""

LONGEST_LABEL = 200
"""Characters of a group label's value: longer ones are cut, so that a line cannot fill the ledger."""
LARGEST_VALUE = 1e15
"""Beyond it a float's sum loses the cents; no duration, token count or price comes near."""
OVERFLOW = {"overflow": "true"}
"""Labels of the group that takes all events beyond a rule's ``max_groups``."""
OVERFLOW_KEY: Key = ("\0overflow",)
"""A value no group has: text from a line has its NUL replaced."""


def label_text(value: object) -> str:
    """A field's value as a label: never raises, at most ``LONGEST_LABEL`` characters, encodable, missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer of more digits than Python converts
        return "number"
    return clean(text, LONGEST_LABEL)


def clean(text: str, longest: int) -> str:
    """Text that every encoder takes: cut, without lone surrogates and NULs."""
    return text[:longest].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def usable(value: object) -> float | None:
    """A finite number from 0 to ``LARGEST_VALUE``, else None: what a sum or a worst value can take."""
    if (value.__class__ is float or value.__class__ is int) and 0 <= value <= LARGEST_VALUE:
        return float(value)
    return None


def fingerprint(*parts: object) -> str:
    """A short name for what a rule measures: where it differs, kept state means something else."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]


def entry_key(*parts: str) -> str:
    """A ledger key of parts: unambiguous, sorted as its parts are."""
    return orjson.dumps(parts).decode()


@dataclass(frozen=True, slots=True)
class Texts:
    """A rule's annotations, before its values are known."""

    summary: Template
    description: Template
    runbook_url: str

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the texts name."""
        return tuple(dict.fromkeys(self.summary.names + self.description.names))

    def render(self, values: Mapping[str, object], trace_id: bytes) -> dict[str, str]:
        """Annotations as in Prometheus; empty ones are left out."""
        texts = {
            "summary": self.summary.render(values),
            "description": self.description.render(values),
            "runbook_url": self.runbook_url,
            "trace_id": trace_id.hex(),
        }
        return {name: text for name, text in texts.items() if text}


@dataclass(frozen=True, slots=True)
class Change:
    """When and why an alert changed its state."""

    state: AlertState
    reason: Reason
    time_unix_nano: int


class Group(Protocol):
    """Keyed state: an entry of the ledger."""

    entry: str
    dirty: bool

    def pack(self) -> bytes:
        """The entry's value."""
        ...


class Journal:
    """Alerts and changed entries on their way out, in the order in which they came about."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self._changed: dict[str, Group | None] = {}

    def touch(self, group: Group) -> None:
        """Have the group's entry written with the next changes."""
        group.dirty = True
        self._changed[group.entry] = group

    def forget(self, entry: str) -> None:
        """Have the entry deleted with the next changes."""
        self._changed[entry] = None

    def take_alerts(self) -> list[Alert]:
        """The alerts since the last call."""
        alerts, self.alerts = self.alerts, []
        return alerts

    def take_changes(self) -> dict[str, bytes | None]:
        """The entries since the last call, packed now; None for those to delete."""
        changed, self._changed = self._changed, {}
        entries: dict[str, bytes | None] = {}
        for entry, group in changed.items():
            entries[entry] = None if group is None else group.pack()
            if group is not None:
                group.dirty = False
        return entries
