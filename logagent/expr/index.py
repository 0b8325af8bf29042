"""Many conditions on one event: which of them are worth trying, told by a few look-ups.

For each condition one thing is chosen that must hold of a single field for it to hold. An event's value of such a field
comes to a slot, a small number: the same slot for all values that leave the same conditions possible. The slots of all
fields together name the conditions to try, which are put together once and kept. What is tried is still the whole
condition: an index leaves out what cannot hold and decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from logagent.expr.conjuncts import Aspect, Conjuncts, Way, conjuncts
from logagent.expr.slots import Lookup, lookup_of
from logagent.expr.tree import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logagent.expr.compile import Resolve
    from logagent.expr.tree import Expression

FEWEST = 4
"""Conditions for which one look-up is cheaper than trying them."""
_MOST_KEPT = 100_000
"""Conditions in the plans that are kept, counted once for each plan."""
_EVERY = -1
"""The slot of a value that could not be read: each condition finds that out, and tells, for itself."""
_EXACT = {Way.AMONG, Way.PREFIX}
_ORDER = list(Way)

Groups = Mapping[int, frozenset[Value]]
"""Positions of conditions → the constants of one aspect."""


class Plans(dict[tuple[int, ...], tuple[Any, ...]]):
    """Slots → what to try, in the order of the conditions; put together when it is first asked for."""

    def __init__(self, lookups: Sequence[Lookup], tries: Mapping[int, object]) -> None:
        super().__init__()
        self._lookups = lookups
        self._tries = tries
        self._kept = 0

    def __missing__(self, slots: tuple[int, ...]) -> tuple[Any, ...]:
        """Give the plan of slots that come together for the first time, or again after all were forgotten."""
        chosen = {
            position
            for lookup, slot in zip(self._lookups, slots, strict=True)
            for position in (lookup.every() if slot == _EVERY else lookup.positions(slot))
        }
        plan = tuple(self._tries[position] for position in sorted(chosen))
        self._kept += len(plan) + 1
        if self._kept > _MOST_KEPT:
            self.clear()
            self._kept = len(plan) + 1
        self[slots] = plan
        return plan


class Index:
    """Which of some conditions to try on an event. ``None`` stands for a condition that always holds."""

    def __init__(self, conditions: Sequence[Expression | None]) -> None:
        found = {
            position: conjuncts(condition.tree)
            for position, condition in enumerate(conditions)
            if condition is not None
        }
        chosen = _choose(found)
        self._lookups = [lookup_of(aspect, groups) for aspect, groups in chosen.items()]
        self.told = sorted(position for groups in chosen.values() for position in groups)
        """Positions of the conditions that the index tells of."""
        self.others = sorted(set(range(len(conditions))).difference(self.told))
        """Positions of those to try on every event."""
        self.fields = [lookup.field for lookup in self._lookups]
        """What is read to tell."""

    def plans(self, tries: Mapping[int, object]) -> Plans:
        """What the source of ``lookups`` looks into: each condition's position and what tries it."""
        return Plans(self._lookups, tries)

    def lookups(self, plans: str, read: Resolve, names: dict[str, object]) -> Iterator[str]:
        """Source that binds ``plan`` to what to try on ``x``, out of ``plans``, the name of what ``plans`` gave.

        ``read`` gives the source of a field. What the source needs by name is put into ``names``.
        """
        keys = [f"k{number}" for number in range(len(self._lookups))]
        for key, lookup in zip(keys, self._lookups, strict=True):
            names |= lookup.names(f"{plans}_{key}")
            yield "try:"
            yield f"    v = {read(lookup.field)}"
            yield "    try:"
            yield f"        {key} = {lookup.source(f'{plans}_{key}')}"
            yield "    except TypeError:"
            yield f"        {key} = 0  # a list or an object equals no constant"
            yield "except Exception:"
            yield f"    {key} = {_EVERY}"
        yield f"plan = {plans}[{''.join(f'{key}, ' for key in keys)}]"


def _choose(found: Mapping[int, Conjuncts]) -> dict[Aspect, Groups]:
    """For each condition the aspect whose constants it shares with the fewest others, where enough conditions have it."""
    held = Counter(aspect for told in found.values() for aspect in told)
    kept = {aspect for aspect, count in held.items() if count >= FEWEST}
    crowds = Counter((aspect, value) for told in found.values() for aspect in told for value in _marks(aspect, told))

    def rank(aspect: Aspect, told: Conjuncts) -> tuple[int, int, int, str]:
        crowd = max((crowds[aspect, value] for value in _marks(aspect, told)), default=0)
        return crowd, _ORDER.index(aspect.way), -held[aspect], aspect.field

    while True:
        chosen: dict[Aspect, dict[int, frozenset[Value]]] = {}
        for position, told in found.items():
            offered = kept & told.keys()
            if offered:
                best = min(offered, key=lambda aspect: rank(aspect, told))
                chosen.setdefault(best, {})[position] = told[best]
        too_few = sorted(
            (len(groups), aspect.field, aspect.way.value) for aspect, groups in chosen.items() if len(groups) < FEWEST
        )
        if not too_few:
            return dict(chosen)
        # not all at once: the conditions of one that is left out may go to another, and it has enough then
        kept -= {Aspect(field, Way(way)) for _, field, way in too_few[: (len(too_few) + 1) // 2]}


def _marks(aspect: Aspect, told: Conjuncts) -> frozenset[Value]:
    """What tells conditions of one aspect apart; of bounds nothing does, since one number passes many."""
    return told[aspect] if aspect.way in _EXACT else frozenset((None,))
