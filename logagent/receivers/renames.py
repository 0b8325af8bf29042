"""Known files that were renamed from one path that is read to another: each is read on under the path that it is at."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from logagent.receivers.discovery import Entry, UnobservableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.receivers.discovery import View
    from logagent.receivers.identity import FileKey
    from logagent.receivers.roster import Roster
    from logagent.receivers.tailer import TailedFile


def follow_renames(rosters: Sequence[Roster], view: View) -> None:
    """Hand over each file that has left its path to the path that it is at now, or else one that it is beside."""
    strayed: dict[FileKey, tuple[Roster, TailedFile]] = {}
    for roster in rosters:
        with suppress(UnobservableError):
            strayed |= {file.key: (roster, file) for file in roster.strayed(view)}
    if not strayed:
        return
    found: dict[FileKey, tuple[Roster, Entry]] = {}
    for roster in rosters:
        with suppress(UnobservableError):
            for entry in _present(roster.path, view):
                if entry.stat.key in strayed and (entry.path == roster.path or entry.stat.key not in found):
                    found[entry.stat.key] = roster, entry
    for key, (roster, entry) in found.items():
        giver, file = strayed[key]
        # One that has only lost its link stays where it is known, unless it is another path's own.
        if roster is not giver and (entry.path == roster.path or not file.location):
            roster.adopt(file, entry, giver, view)


def _present(path: str, view: View) -> list[Entry]:
    current = view.stat(path)
    return [*view.siblings(path), *([Entry(path, current)] if current else [])]
