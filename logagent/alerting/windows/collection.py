"""The groups of a window rule with their panes: found, begun, forgotten, and never too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.reasons import Loss
from logagent.alerting.state import OVERFLOW_KEY, Journal, Key, entry_key, label_text
from logagent.alerting.windows.farthest import Farthest
from logagent.alerting.windows.groups import WindowGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logagent.alerting.windows.pane import Pane
    from logagent.alerting.windows.plan import WindowPlan

ENTRY = "window"
"""First part of the ledger keys of window rules; after the fingerprint comes what the entry is: nothing for the instants."""
GROUP, PANE = "g", "p"
MOST_AHEAD = 20_000
"""Panes of a rule that may wait for their instant: more than one batch can hold. Beyond it the farthest go."""


class Groups:
    """By key, with the texts of their labels as keys."""

    def __init__(self, plan: WindowPlan, journal: Journal, lost: Callable[[Loss], None]) -> None:
        self.by_key: dict[Key, WindowGroup] = {}
        self.ahead = 0
        """Panes that wait for their instant, of all groups."""
        self._farthest = Farthest(MOST_AHEAD)
        self._plan = plan
        self._group_head, self._pane_head = self.entry(GROUP)[:-1], self.entry(PANE)[:-1]
        """Of the ledger keys of groups and panes: the list is still open."""
        self._journal = journal
        self._lost = lost

    def entry(self, *parts: str) -> str:
        """A ledger key of the rule."""
        return entry_key(ENTRY, self._plan.name, self._plan.fingerprint, *parts)

    def find(self, key: Key) -> WindowGroup | None:
        """The group of an event's key; None where one would begin."""
        return self.by_key.get(key) or self.by_key.get(self._kept(key))

    def begin(self, key: Key, since: int) -> WindowGroup:
        """A group that is not known yet."""
        group = self.restored(self._kept(key), since)
        self._journal.touch(group)
        return group

    def _kept(self, key: Key) -> Key:
        """The key under which the group of an event is kept."""
        key = tuple(map(label_text, key))
        return key if key in self.by_key or len(self.by_key) < self._plan.max_groups else OVERFLOW_KEY

    def restored(self, key: Key, since: int) -> WindowGroup:
        """The group of a key that the ledger has. Raises ValueError where it cannot be one of this rule's."""
        if key != OVERFLOW_KEY and len(key) != len(self._plan.label_names):
            raise ValueError(key)
        group = self.by_key.get(key)
        if group is None:
            group = self.by_key[key] = WindowGroup(self._plan, self.entry(GROUP, *key), key, since)
        return group

    def forget(self, group: WindowGroup) -> None:
        """Have no group of this key any more."""
        del self.by_key[group.key]
        self._journal.forget(group.entry)

    def pane(self, group: WindowGroup, index: int) -> Pane:
        """A new pane of a group, which is not put yet."""
        # the key of (PANE, str(index), *group.key): a group's panes are many, and its key need be encoded only once
        entry = f'{self._pane_head},"{index}"{group.entry[len(self._group_head) :]}'
        return self._plan.pane(self._plan, entry, index)

    def pane_ahead(self, key: Key, index: int) -> tuple[WindowGroup, Pane] | None:
        """The group and the pane of an event that is not late; None where no more panes can wait."""
        group = self.find(key)
        pane = None if group is None else group.panes.find(index)
        if group is not None and pane is not None:
            return group, pane
        if self.ahead >= MOST_AHEAD and not self._make_room(index):
            return None
        group = group or self.begin(key, index)
        pane = self.pane(group, index)
        group.panes.put(pane)
        self._farthest.add(index, group.key)
        self.ahead += 1
        if index < group.since:
            group.since = index
            self._journal.touch(group)
        return group, pane

    def _make_room(self, index: int) -> bool:
        """Give up the pane that is farthest ahead; False where that would be the new one."""
        last, key = self._farthest.find(self._all_ahead, self._is_ahead)
        group = self.by_key[key]
        pane = group.panes.find(last)
        if last <= index or pane is None:
            return False
        for _ in range(pane.count):
            self._lost(Loss.EVENT_AHEAD)
        self.drop(group, pane)
        self.ahead -= 1
        if not len(group.panes) and key not in self._plan.members:
            self.forget(group)
        return True

    def _all_ahead(self) -> Iterator[tuple[int, Key]]:
        return ((pane.index, key) for key, group in self.by_key.items() for pane in group.panes.ahead())

    def _is_ahead(self, index: int, key: Key) -> bool:
        group = self.by_key.get(key)
        farthest = group.panes.farthest() if group else None
        return farthest is not None and farthest.index == index

    def drop(self, group: WindowGroup, pane: Pane) -> None:
        """Take a pane out of its group."""
        group.panes.remove(pane)
        if group.current is pane:
            group.current = None
        self._journal.forget(pane.entry)

    def enter(self, group: WindowGroup, pane: Pane) -> None:
        """Have a pane that is inside the window measured."""
        left_out = group.total.enter(pane)
        for _ in range(left_out):
            self._lost(Loss.DISTINCT_LIMIT)
        if left_out:
            self._journal.touch(pane)
        if self._plan.is_absence:
            for older in [one for one in group.panes.inside() if one.index < pane.index]:
                group.total.leave(older)
                self.drop(group, older)
