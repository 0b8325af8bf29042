"""Rules → one generated function for each kind of batch: conditions tried, values and group keys read, reactions called.

Texts from a line leave the agent as labels and annotations, so they are read redacted: a record's and a failure's
own parts and its dialect's attributes, never the decoded line. Conditions read everything; what they read stays here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logagent.alerting.checks import subject
from logagent.alerting.state import Key, clean, label_text
from logagent.expr import condition_source, parse, source
from logagent.fields import KNOWN_FIELDS, NAMES, resolve_failure, resolve_record, resolve_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """One function of a batch that tries each event on the watches of its source in turn; None where there are none.

    ``about`` is the subject of the batch. ``failed`` gets the name of a rule whose condition, value or key raised; such
    an event is not the rule's.
    """
    own = [watch for watch in watches if subject(watch.source) == about]
    if not own:
        return None
    names: dict[str, object] = {"failed": failed, "label_text": label_text}
    blocks = [(watch, _watch_source(watch, f"react_{index}", names)) for index, watch in enumerate(own)]
    names |= {f"react_{index}": watch.react for index, watch in enumerate(own)}
    lines = ["def look(items):", "    for x in items:"]
    kinds = sorted({watch.source for watch in own} - {about})
    if kinds:
        lines.append("        kind = x.kind")
        for position, kind in enumerate(kinds):
            lines.append(f"        {'elif' if position else 'if'} kind == {kind!r}:")
            lines += _block([source for watch, source in blocks if watch.source in {kind, about}], "    " * 3)
        lines.append("        else:")
    every = [source for watch, source in blocks if watch.source == about]
    lines += _block(every, "    " * (3 if kinds else 2))
    exec("\n".join(lines), names)  # noqa: S102 - the source is our own, made from checked expressions
    look: Callable[[Sequence[Any]], None] = names["look"]  # type: ignore[assignment]  # exec has just defined it
    return look


def _block(sources: list[list[str]], indent: str) -> list[str]:
    return [f"{indent}{line}" for source in sources for line in source] or [f"{indent}pass"]


def _watch_source(watch: Watch, react: str, names: dict[str, object]) -> list[str]:
    about = subject(watch.source)
    condition = condition_source(parse(watch.where), _RESOLVERS[about], names) if watch.where else "True"
    value = source(parse(watch.value), _RESOLVERS[about], names) if watch.value else "None"
    keys = [f"key_{position}" for position in range(len(watch.by))]
    lines = ["try:", f"    hit = {condition}", "    if hit:", f"        value = {value}"]
    for key, text in zip(keys, watch.by, strict=True):
        lines += [
            f"        {key} = {source(parse(text), _OUTGOING[about], names)}",
            f"        if {key}.__class__ is not str:",
            f"            {key} = label_text({key})",
        ]
    return [
        *lines,
        "except Exception:",
        "    hit = False",
        f"    failed({watch.name!r})",
        "if hit:",
        f"    {react}(x, {_TIMES[about]}, value, ({''.join(f'{key}, ' for key in keys)}))",
    ]


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
