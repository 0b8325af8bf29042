"""What a rule is while it runs, and what it is given to run with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logagent.alerting.compiling import Watch
    from logagent.alerting.reasons import Loss
    from logagent.alerting.rules import NamedRule
    from logagent.alerting.state import Journal
    from logagent.model import Alert, Span

NEVER = 2**63
"""Event time of what is never due."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine gives to every rule."""

    labels: Mapping[str, str]
    """Of every alert: ``service``, ``namespace``."""
    identify: Callable[[list[Span]], object] | None
    """Gives spans their trace ids; asked only for the spans that an alert tells of."""
    journal: Journal
    """Takes alerts and changed entries."""
    lost: Callable[[Loss], None]
    """Takes the reason why something did not count."""


class RunningRule(Protocol):
    """A rule with its state. All of it follows from event times and the order of the data, never from a clock."""

    @property
    def name(self) -> str:
        """The rule's."""
        ...

    @property
    def severities(self) -> Sequence[str]:
        """Of the alerts that it can give."""
        ...

    @property
    def watches(self) -> Sequence[Watch]:
        """What it looks at, and its reaction."""
        ...

    @property
    def rooms(self) -> Mapping[str, str]:
        """First part of its ledger keys → the fingerprint of what such an entry means.

        A ledger key is ``entry_key(room, name, fingerprint, *parts)``; entries of another fingerprint are another rule's.
        """
        ...

    @property
    def due(self) -> int:
        """Event time before which ``advance`` has nothing to do; a lower bound, ``NEVER`` where nothing waits."""
        ...

    def advance(self, time_unix_nano: int) -> list[Alert]:
        """What comes to pass because no event before this time is expected any more."""
        ...

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:
        """Take back an entry. Raises ValueError, TypeError, KeyError or IndexError where it is none of this rule's."""
        ...

    def firing(self) -> list[Alert]:
        """Its pending and firing alerts, in the order in which they began."""
        ...


@dataclass(frozen=True, slots=True)
class RuleKind:
    """A kind of rule: a table of rule files, and how it runs."""

    table: str
    """``alert`` of ``[[alert]]``."""
    word: str
    """Value of the table's key ``kind``; empty where it has no such key."""
    model: type[NamedRule]
    build: Callable[[Any, Surroundings], RunningRule]
    leftovers: Mapping[str, Callable[[str, bytes], list[Alert]]]
    """Room of the ledger → the ends of the alerts in an entry (its key, its value) that no rule owns any more."""
