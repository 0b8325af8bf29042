"""Why a rule did what it did: what it saw of the events, which part of its condition refused them, and its changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from logagent.expr import compile_condition, compile_value, parse
from logagent.fields import resolve_failure, resolve_record, resolve_span
from logagent.model import Failure, LogRecord, Span
from logagent.ruletests.events import SECOND, offset_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from logagent.catalog import Catalog
    from logagent.expr.tree import Expression
    from logagent.ruletests.bench import Bench

_MOST_CHANGES = 8
_RESOLVERS: dict[type, Callable[[str], str]] = {
    Span: resolve_span, LogRecord: resolve_record, Failure: resolve_failure,
}  # fmt: skip


def explain(name: str, bench: Bench, catalog: Catalog, start: int) -> Iterator[str]:
    """Lines that say why the rule did or did not do something."""
    rule: Any = next((rule for rule in catalog.rules if rule.name == name), None)
    if rule is not None and hasattr(rule, "source"):
        yield from _condition(rule, bench)
    changes = [alert for alert in bench.told if alert.name == name]
    if not changes:
        yield "it changed its state not once"
        return
    shown = [
        f"{_since(alert.time_unix_nano, start)} {alert.state.value} ({alert.reason}, value {alert.value:.6g})"
        for alert in changes
    ]
    left = len(shown) - _MOST_CHANGES
    yield "its changes: " + "; ".join(shown[:_MOST_CHANGES]) + (f"; and {left} more" if left > 0 else "")


def _since(time: int, start: int) -> str:
    return offset_text((time - start) / SECOND)


def _condition(rule: Any, bench: Bench) -> Iterator[str]:
    events = [event for event in bench.events if _is_of(event, rule.source)]
    where = getattr(rule, "where", "") or getattr(rule, "valid", "")
    if not where:
        yield f"it saw {len(events)} {rule.source} events; it takes every one"
        return
    if not events:
        yield f"it saw no {rule.source} event, of {len(bench.events)} events in all"
        return
    expression = parse(where)
    resolve = _RESOLVERS[type(events[0])]
    held = list(map(compile_condition(expression, resolve), events))
    yield f"`{where}` was true of {sum(held)} of the {len(events)} {rule.source} events that it saw"
    refused = [event for event, true in zip(events, held, strict=True) if not true]
    if refused:
        yield from _refusals(expression, refused, resolve)


def _refusals(expression: Expression, refused: Sequence[Any], resolve: Callable[[str], str]) -> Iterator[str]:
    """Which fields the refused events had, most frequent values first."""
    for name in expression.fields:
        read = compile_value(parse(f'field("{name}")'), resolve)
        values = Counter(repr(read(event)) for event in refused)
        common = ", ".join(
            f"{'missing' if value == 'None' else value} ({count})" for value, count in values.most_common(3)
        )
        yield f"where it was false, `{name}` was {common}"


def _is_of(event: object, source: str) -> bool:
    if isinstance(event, Span):
        return source in {"span", event.kind}
    return source == ("log" if isinstance(event, LogRecord) else "error")
