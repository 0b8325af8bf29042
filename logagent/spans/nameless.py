"""Ids for spans whose lines have none, as functions of the lines."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from logagent.shapes import Role

if TYPE_CHECKING:
    from logagent.model import LogRecord
    from logagent.shapes import LineShape, Told
    from logagent.spans.builder import Builder

_DIGITS = 16


def with_id(builder: Builder, record: LogRecord, line: LineShape, told: Told) -> Told | None:
    """What an end line without an id tells, with one; None where it is not the whole of a span.

    A request is one always; any other span where the line says how long it took, unless it may be one of those that its
    request has open.
    """
    _, request, parent, start, duration, attributes = told
    kind = line.span.kind
    if not line.is_root:
        siblings = builder.service.by_request.get(request or "", ())
        may_be_open = line.role is Role.FAIL and any(span.kind == kind for span in siblings)
        if duration is None or may_be_open:
            return None
    process = line.process(record.data) if line.process is not None and record.data else ""
    content = repr((process, request, parent, start, duration, sorted(attributes.items())))
    digest = sha256(content.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
    return free_id(builder, kind, f"{record.time_unix_nano}/{digest}"), request, parent, start, duration, attributes


def free_id(builder: Builder, kind: str, name: str) -> str:
    """The name, or the name with the first number that no span of this kind has: equal lines tell of different spans."""
    service, ended = builder.service, builder.ended
    known = service.open[kind]

    def is_taken(number: int) -> bool:
        entity = f"{name}/{number}"
        return entity in known or ended.knows(service.name, kind, entity)

    if name not in known and not ended.knows(service.name, kind, name):
        return name
    # Numbers are taken without gaps: looking at each would make many equal lines slow.
    low, high = 1, 2
    while is_taken(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_taken(middle) else (low, middle)
    return f"{name}/{high}"
