"""All groups of an SLO, and how the ledger keeps them: one entry for each hour and group that has events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.leftovers import superseded_end
from logagent.alerting.slo.counts import NO_MINUTE, hour_of, unpack_hour
from logagent.alerting.slo.group import COMPOSITE_KEY, Burning, HourEntry, SloGroup, unpack_group
from logagent.alerting.slo.plan import ENTRY, GROUP_ENTRY, SloPlan
from logagent.alerting.slo.spans import MINUTE
from logagent.alerting.state import OVERFLOW_KEY, Key, entry_key, label_text
from logagent.alerting.windows import Instants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logagent.alerting.state import Journal
    from logagent.model import Alert


class SloBooks:
    """The groups of one SLO, and the composite of all events where the rule has one."""

    def __init__(self, plan: SloPlan, journal: Journal) -> None:
        self.plan = plan
        self.groups: dict[Key, SloGroup] = {}
        self._journal = journal
        self.instants = Instants(MINUTE, plan.lateness_nano, entry_key(ENTRY, plan.name, plan.fingerprint))
        self.oldest = self._oldest()
        """Minutes up to this are in no window any more."""
        self.total = SloGroup(plan, COMPOSITE_KEY, self.decided) if plan.composite == "total" else None
        self._uncollected: list[tuple[str, int, int]] = []

    @property
    def decided(self) -> int:
        """The minute up to which all is decided."""
        return NO_MINUTE if self.instants.decided is None else self.instants.decided

    def everyone(self) -> Iterator[SloGroup]:
        """Every group, and the composite."""
        yield from self.groups.values()
        if self.total is not None:
            yield self.total

    def admit(self, key: Key) -> SloGroup:
        """The group of a key that is not known yet."""
        key = tuple(map(label_text, key))
        if key not in self.groups and len(self.groups) >= self.plan.max_groups:
            key = OVERFLOW_KEY
        return self._group(key)

    def _group(self, key: Key) -> SloGroup:
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = SloGroup(self.plan, key, self.decided, self.total)
        return group

    def count(self, group: SloGroup, minute: int, bad: int) -> None:
        """Count a valid event."""
        group.close_minute()
        group.add(minute, 1, bad)
        hour = hour_of(minute)
        if group.hour.hour != hour:
            group.hour = HourEntry(self.plan, group, hour)
        if not group.hour.dirty:
            self._journal.touch(group.hour)

    def close_minutes(self) -> None:
        """Have the counts of every group complete."""
        for group in self.groups.values():
            group.close_minute()

    def decide(self, minute: int) -> None:
        """Every group has come to a minute: let go of what is in no window any more."""
        self.instants.decided = minute
        self.oldest = self._oldest()
        self._journal.touch(self.instants)
        for key, group in list(self.groups.items()):
            for hour in group.counts.drop_hours(self.oldest):
                self._journal.forget(entry_key(ENTRY, self.plan.name, self.plan.fingerprint, str(hour), *key))
            if group.counts.is_empty and not group.burning:
                self._forget(key, group)
        if self.total is not None:
            self.total.counts.drop_hours(self.oldest)

    def _forget(self, key: Key, group: SloGroup) -> None:
        if group.new_valid:
            self._uncollected.append((group.text, group.new_valid, group.new_bad))
        self._journal.forget(group.entry)
        del self.groups[key]

    def _oldest(self) -> int:
        return min(self.decided - self.plan.windows[-1], self.plan.span.edge(self.decided))

    def take_events(self) -> list[tuple[str, int, int]]:
        """Each group with its valid and bad events since the last call."""
        self.close_minutes()
        found, self._uncollected = self._uncollected, []
        for group in self.groups.values():
            if group.new_valid:
                found.append((group.text, group.new_valid, group.new_bad))
                group.new_valid = group.new_bad = 0
        return found

    def restore(self, room: str, parts: list[str], data: bytes) -> list[Alert]:
        """Take back an hour's counts, the minute up to which all is decided, or what fires in a group.

        Alerts that the rule has no more resolve; the others are judged with the next minute. Raises ValueError, TypeError, KeyError or IndexError where the entry
        is none of this rule's.
        """
        if room == GROUP_ENTRY:
            return self._restore_group(tuple(parts), data)
        if not parts:
            self.instants.restore(data)
            self.oldest = self._oldest()
            for group in self.everyone():
                group.counts.move(self.decided)
                group.counts.stir()
            return []
        key, minutes = self._checked(tuple(parts[1:])), unpack_hour(int(parts[0]), data)
        group = self._group(key)
        for minute, valid, bad in minutes:
            group.counts.add(minute, valid, bad)
            if self.total is not None:
                self.total.counts.add(minute, valid, bad)
        return []

    def _checked(self, key: Key) -> Key:
        if key != OVERFLOW_KEY and len(key) != len(self.plan.label_names):
            raise ValueError(key)
        return key

    def _restore_group(self, key: Key, data: bytes) -> list[Alert]:
        kept = unpack_group(data)
        group = self.total if key == COMPOSITE_KEY else self._group(self._checked(key))
        if group is None:
            self._journal.forget(entry_key(GROUP_ENTRY, self.plan.name, self.plan.fingerprint, *key))
            return superseded_ends(self.plan.name, kept.burning.values())
        known = {alert.key for alert in self.plan.alerts}
        gone = [kept.burning.pop(key) for key in list(kept.burning) if key not in known]
        group.restore(kept)
        group.counts.stir()
        if gone:
            self._journal.touch(group)
        return superseded_ends(self.plan.name, gone)


def superseded_ends(name: str, burning: Iterable[Burning]) -> list[Alert]:
    """The ends of alerts whose rule was changed or removed; event time knows no better moment than their own."""
    return [superseded_end(name, one.labels, (one.starts_unix_nano,) * 2, 0.0, one.trace_id) for one in burning]
