"""One failure however many lines tell of it.

An application tells of the same failure in several roles: the call that failed, a metric line, the request that it
took down. Lines of one failure share a group (their request, or their process) and an error type, and follow each
other closely. Each role tells once of each failure: a line tells of the oldest recent failure that its role has not
told of, and of a new one where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from logagent.model import Failure, LogRecord
from logagent.spans.scopes import request_of, scoped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.shapes import LineShape, Told

_MANY_GROUPS = 4_096
_MANY_RECENT = 256
_MANY_ROLES = 16
_Recent = list[tuple[int, list[str]]]
"""Failures of a group, oldest first: when a line last told of it, and in which roles lines did."""


class FailureGroups:
    """The failures that lines may still tell of."""

    def __init__(self) -> None:
        self._groups: dict[str, _Recent] = {}
        self._dirty: set[str] = set()

    def note(self, record: LogRecord, group: str, role: str, error_type: str) -> Failure | None:
        """The failure that a line tells of, if no line told of it yet. An empty group is never shared."""
        if group and not self._is_new(f"{group}\0{error_type}", role, record):
            return None
        message = record.exception.message if record.exception else record.body
        return Failure(record.time_unix_nano, error_type, message, record.logger, record)

    def tell(self, record: LogRecord, log: str, line: LineShape | None, told: Told | None) -> Failure | None:
        """The failure that a line of a log tells of, by what its definition says."""
        shape = record.dialect.failure
        data = record.data
        error_type = shape.type_of(data) if data is not None else ""
        if not error_type and record.exception is not None:
            error_type = record.exception.type
        if shape.same == "process":
            group = f"{log}\0{record.dialect.process_of(data)}" if data is not None and error_type else ""
        else:
            request = scoped(record, line, told)[1] if line is not None and told is not None else request_of(record)
            group = f"{record.resource.service_name}\0{request}" if request else ""
        told_by = record.logger if shape.same == "process" else record.body[:128]
        role = (line.failure_role if line is not None else "") or told_by
        return self.note(record, group, role, error_type)

    def _is_new(self, key: str, role: str, record: LogRecord) -> bool:
        time = record.time_unix_nano
        earliest = time - record.dialect.failure.window_nano
        if key not in self._groups and len(self._groups) >= _MANY_GROUPS:
            self._forget()
        recent = [failure for failure in self._groups.get(key, ()) if failure[0] >= earliest][-_MANY_RECENT:]
        self._groups[key] = recent
        self._dirty.add(key)
        for number, (told, roles) in enumerate(recent):
            if role not in roles and len(roles) < _MANY_ROLES:
                recent[number] = (max(told, time), [*roles, role])
                return False
        recent.append((time, [role]))
        return True

    def _forget(self) -> None:
        """Makes room: the groups of which nothing was told for longest."""
        by_age = sorted((max((told for told, _ in recent), default=0), key) for key, recent in self._groups.items())
        for _, key in by_age[: _MANY_GROUPS // 2]:
            del self._groups[key]
            self._dirty.add(key)

    def changes(self) -> dict[str, bytes | None]:
        """Entries that changed since the last call."""
        changed = {key: orjson.dumps(self._groups[key]) if key in self._groups else None for key in self._dirty}
        self._dirty.clear()
        return changed

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Takes the entries that ``changes`` gave."""
        self._groups = {key: [(told, roles) for told, roles in orjson.loads(value)] for key, value in entries.items()}
