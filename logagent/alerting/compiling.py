"""Rules → one generated function for each kind of batch: conditions tried, values and group keys read, reactions called.

Texts from a line leave the agent as labels and annotations, so they are read redacted: a record's and a failure's
own parts and its dialect's attributes, never the decoded line. Conditions read everything; what they read stays here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logagent.alerting.checks import subject
from logagent.alerting.state import Key, clean, label_text
from logagent.expr import condition_source, parse, source
from logagent.expr.index import Index
from logagent.fields import ATTRIBUTES, KNOWN_FIELDS, NAMES, resolve_failure, resolve_record, resolve_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from logagent.expr import Expression
    from logagent.model import Span

LONGEST_EXAMPLE = 1024
"""Characters of a field that is kept for an alert's texts."""


React = Callable[[Any, int, Any, Key], None]
"""Takes the event, its time, the rule's value of it (None where it has none) and the group's key."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a rule looks at, and what it does with an event that its condition holds for."""

    name: str
    source: str
    where: str
    value: str
    by: tuple[str, ...]
    """Expressions of the group's labels."""
    react: React


_RESOLVERS = {"span": resolve_span, "log": resolve_record, "error": resolve_failure}


def _outgoing_record(name: str) -> str:
    return resolve_record(name) if name in KNOWN_FIELDS["log"] else f"x.dialect.attributes(x).get({name!r})"


def _outgoing_failure(name: str) -> str:
    if name in KNOWN_FIELDS["error"]:
        return resolve_failure(name)
    return f"x.record.dialect.attributes(x.record).get({name!r})"


_TIMES = {"span": "x.end_unix_nano", "log": "x.time_unix_nano", "error": "x.time_unix_nano"}
_OUTGOING = {"span": resolve_span, "log": _outgoing_record, "error": _outgoing_failure}


def compile_watches(
    watches: Sequence[Watch], about: str, failed: Callable[[str], None]
) -> Callable[[Sequence[Any]], None] | None:
    """One function of a batch that gives each event to the watches of its source that it is for; None where there are none.

    Reactions come event by event, in the order of the watches. ``about`` is the subject of the batch. ``failed`` gets
    the name of a rule whose condition, value or key raised; such an event is not the rule's.
    """
    own = [watch for watch in watches if subject(watch.source) == about]
    if not own:
        return None
    names: dict[str, object] = {"failed": failed, "label_text": label_text}
    text = "\n".join(_Writer(own, about, names).function())
    exec(text, names)  # noqa: S102 - the source is our own, made from checked expressions
    look: Callable[[Sequence[Any]], None] = names["look"]  # type: ignore[assignment]  # exec has just defined it
    return look


class _Writer:
    """Writes the function of one subject.

    Its shape::

        def act_0(x): …                     # value and key of a rule's event, and its reaction
        def try_0(x, found): …              # a condition that an index leaves out for most events
        def look(items):
            for x in items:
                field_0 = …                 # a field that several of the following read
                if <condition>: found += …  # a condition that is tried on every event
                <look-ups>                  # bind plan: the conditions that this event may meet
                for attempt in plan: attempt(x, found)
                for position in sorted(found): acts[position](x)

    A condition is tried once for all rules that have it.
    """

    def __init__(self, watches: Sequence[Watch], about: str, names: dict[str, object]) -> None:
        self._watches = watches
        self._about = about
        self._names = names
        self._resolve = _RESOLVERS[about]
        self._groups: list[_Group] = []
        shared: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for position, watch in enumerate(watches):
            shared[watch.source, watch.where].append(position)
        for (kind, where), positions in shared.items():
            self._groups.append(_Group(len(self._groups), kind, parse(where) if where else None, positions))
        self._plans = 0
        self._after: list[str] = []
        """Lines that follow the function."""

    def function(self) -> Iterator[str]:
        """Yield all lines."""
        for position, watch in enumerate(self._watches):
            yield from self._act(position, watch)
        kinds = sorted({group.kind for group in self._groups} - {self._about})
        body = ["for x in items:"]
        if kinds:
            body.append("    kind = x.kind")
            for number, kind in enumerate(kinds):
                body.append(f"    {'elif' if number else 'if'} kind == {kind!r}:")
                body += self._block({kind, self._about}, "        ")
            body.append("    else:")
        body += self._block({self._about}, "        " if kinds else "    ")
        body += ["    if found:", "        if len(found) > 1: found.sort()"]
        body += ["        for position in found: acts[position](x)", "        found.clear()"]
        yield from ("def look(items):", "    found = []")
        yield from _indented(body, "    ")
        yield from self._after
        yield f"acts = ({''.join(f'act_{position}, ' for position in range(len(self._watches)))})"

    def _block(self, kinds: set[str], indent: str) -> Iterator[str]:
        """What events of one kind are tried on."""
        groups = [group for group in self._groups if group.kind in kinds]
        if not groups:
            return iter([f"{indent}pass"])
        return _indented(self._tries(groups), indent)

    def _tries(self, groups: list[_Group]) -> Iterator[str]:
        index = Index([group.condition for group in groups])
        always = [groups[position] for position in index.others]
        shared = self._shared(always)
        yield from (f"{local} = {read}" for read, local in shared.items())

        def resolve(name: str) -> str:
            read = self._resolve(name)
            return shared.get(read, read)

        for group in always:
            yield from self._try(group, resolve)
        if not index.told:
            return
        plans = f"plans_{self._plans}"
        self._plans += 1
        yield from index.lookups(plans, self._resolve, self._names)
        yield "for attempt in plan: attempt(x, found)"
        for group in (groups[position] for position in index.told):
            if not group.is_written:
                group.is_written = True
                lines = _indented(self._try(group, self._resolve), "    ")
                self._after += [f"def try_{group.number}(x, found):", *lines]
        attempts = ", ".join(f"{position}: try_{groups[position].number}" for position in index.told)
        self._names[f"of_{plans}"] = index.plans
        self._after.append(f"{plans} = of_{plans}({{{attempts}}})")

    def _shared(self, groups: list[_Group]) -> dict[str, str]:
        """The attributes that more than one of these conditions reads → the variables that have them."""
        counts: Counter[str] = Counter()
        for group in groups:
            if group.condition is not None:
                counts.update({self._resolve(name) for name in group.condition.fields})
        several = [read for read, count in counts.items() if count > 1 and read.startswith(f"{ATTRIBUTES}.get(")]
        return {read: f"field_{number}" for number, read in enumerate(sorted(several))}

    def _try(self, group: _Group, resolve: Callable[[str], str]) -> Iterator[str]:
        positions = "".join(f"{position}, " for position in group.positions)
        if group.condition is None:
            yield f"found += ({positions})"
            return
        yield "try:"
        yield f"    if {condition_source(group.condition, resolve, self._names)}: found += ({positions})"
        yield "except Exception:"
        yield from (f"    failed({self._watches[position].name!r})" for position in group.positions)

    def _act(self, position: int, watch: Watch) -> Iterator[str]:
        self._names[f"react_{position}"] = watch.react
        value = source(parse(watch.value), self._resolve, self._names) if watch.value else "None"
        keys = [f"key_{number}" for number in range(len(watch.by))]
        yield from (f"def act_{position}(x):", "    try:", f"        value = {value}")
        for key, text in zip(keys, watch.by, strict=True):
            yield f"        {key} = {source(parse(text), _OUTGOING[self._about], self._names)}"
            yield f"        if {key}.__class__ is not str: {key} = label_text({key})"
        yield from ("    except Exception:", f"        failed({watch.name!r})", "        return")
        yield f"    react_{position}(x, {_TIMES[self._about]}, value, ({''.join(f'{key}, ' for key in keys)}))"


@dataclass(slots=True)
class _Group:
    """The watches of one source with the same condition."""

    number: int
    kind: str
    condition: Expression | None
    positions: list[int]
    is_written: bool = False


def _indented(lines: Iterable[str], indent: str) -> Iterator[str]:
    return (indent + line for line in lines)


def compile_capture(
    fields: Sequence[str], source_name: str, identify: Callable[[list[Span]], object] | None
) -> Callable[[Any], tuple[bytes, dict[str, object]]]:
    """A function that gives an event's trace id and those of its fields that a rule's texts name."""
    about = subject(source_name)
    resolve = _OUTGOING[about]
    items = ", ".join(f"{name!r}: {resolve(name)}" for name in fields)
    names: dict[str, object] = dict(NAMES)
    exec(f"def read(x):\n    return {{{items}}}\n", names)  # noqa: S102 - the source is our own, made from checked names
    read: Callable[[Any], Mapping[str, object]] = names["read"]  # type: ignore[assignment]  # exec has just defined it

    def capture(event: Any) -> tuple[bytes, dict[str, object]]:
        if about == "span" and identify is not None and not event.trace_id:
            identify([event])
        told = event.record if about == "error" else event
        try:
            values = read(event)
        except Exception:  # noqa: BLE001 - whatever a line holds, the alert about it must go out
            values = {}
        return told.trace_id, {name: _kept(value) for name, value in values.items() if value is not None}

    return capture


def _kept(value: object) -> object:
    """A value that a ledger entry can hold: numbers that JSON has, and text of bounded length."""
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 2**53):
        return value
    return clean(value, LONGEST_EXAMPLE) if isinstance(value, str) else label_text(value)
