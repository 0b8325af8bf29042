"""The groups of an anomaly rule: found, begun, forgotten, and never too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from logagent.alerting.anomaly.group import AnomalyGroup
from logagent.alerting.state import LARGEST_VALUE, OVERFLOW_KEY, Journal, Key, entry_key, label_text

if TYPE_CHECKING:
    from logagent.alerting.anomaly.plan import AnomalyPlan

ENTRY = "anomaly"
"""First part of the ledger keys of anomaly rules; after the fingerprint comes what the entry is: nothing for the instants."""
GROUP, PANE = "g", "p"


class Groups:
    """By key, with the texts of their labels as keys."""

    def __init__(self, plan: AnomalyPlan, journal: Journal) -> None:
        self.by_key: dict[Key, AnomalyGroup] = {}
        self._plan = plan
        self._journal = journal

    def entry(self, *parts: str) -> str:
        """A ledger key of the rule."""
        return entry_key(ENTRY, self._plan.name, self._plan.fingerprint, *parts)

    def kept(self, key: Key) -> Key:
        """The key under which the group of an event is kept."""
        key = tuple(map(label_text, key))
        return key if key in self.by_key or not self.is_full else OVERFLOW_KEY

    @property
    def is_full(self) -> bool:
        """Whether a new group shares the one of the rest."""
        return len(self.by_key) >= self._plan.max_groups

    def begin(self, key: Key) -> AnomalyGroup:
        """The group of a key, new where it is not known. Raises ValueError where it cannot be one of this rule's."""
        if key != OVERFLOW_KEY and len(key) != len(self._plan.label_names):
            raise ValueError(key)
        group = self.by_key.get(key)
        if group is None:

            def entry(*parts: str) -> str:
                return self.entry(*parts, *key)

            group = self.by_key[key] = AnomalyGroup(self._plan, key, entry, self._journal)
        return group

    def forget(self, group: AnomalyGroup) -> None:
        """Have no group of this key, and nothing learned of it, any more."""
        del self.by_key[group.key]
        group.baseline.clear()
        self._journal.forget(group.entry)

    def restore(self, parts: list[str], data: bytes) -> None:
        """Take back a group or something that it learned. Raises ValueError or TypeError where it is none."""
        if parts[0] == GROUP:
            self.begin(tuple(parts[1:])).restore(data)
        else:
            self.begin(tuple(parts[2:])).baseline.restore_part(parts[0], int(parts[1]), data)

    def in_order(self) -> list[AnomalyGroup]:
        """All groups, those whose alerts began first before others."""
        return sorted(self.by_key.values(), key=lambda group: (group.lifecycle.firing_since, group.entry))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is one that can be added up: finite, and no larger than what sums stay exact with."""
    return (value.__class__ is float or value.__class__ is int) and -LARGEST_VALUE <= value <= LARGEST_VALUE
