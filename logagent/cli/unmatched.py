"""Patterns of the configuration that find no file: not wrong, but seldom meant."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from logagent.receivers.discovery import Patterns
from logagent.settings.components import FilelogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.errors import Problem
    from logagent.settings import Settings
    from logagent.settings.lines import Place

_LATER = "check the pattern; files that come later are read all the same"


def unmatched(settings: Settings) -> list[Problem]:
    """A warning for each pattern that finds nothing now: of log files, rule files and parser files."""
    return [*_receivers(settings), *_definitions(settings)]


def _receivers(settings: Settings) -> Iterator[Problem]:
    for name, receiver in settings.receivers.items():
        if not isinstance(receiver, FilelogSettings):
            continue
        for index, pattern in enumerate(receiver.include):
            place: Place = ("receivers", name, "include", index)
            if not Patterns([pattern]).paths():
                yield settings.problem(place, f"no file matches {_shown(settings, place, pattern)}", _LATER)
            elif not Patterns([pattern], receiver.exclude).paths():
                message = f"exclude leaves out every file that {_shown(settings, place, pattern)} matches"
                yield settings.problem(place, message, f"a narrower exclude in [receivers.{name}]")


def _definitions(settings: Settings) -> Iterator[Problem]:
    for table, paths in (("rules", settings.rules.paths), ("parsers", settings.parsers.paths)):
        for index, pattern in enumerate(paths):
            if glob.has_magic(pattern) and not glob.glob(pattern, recursive=True) and not _awaits(pattern):  # noqa: PTH207 - the pattern is absolute
                place: Place = (table, "paths", index)
                hint = f"the path of your {table}, or an empty directory for those to come"
                yield settings.problem(place, f"no file matches {_shown(settings, place, pattern)}", hint)


def _shown(settings: Settings, place: Place, pattern: str) -> str:
    """The pattern, absolute; as it was written where a reference stands in it, whose value may be a secret."""
    written = settings.written(place)
    return written if isinstance(written, str) and "$" in written else pattern


def _awaits(pattern: str) -> bool:
    """Whether the directory is there and empty, as one for drop-in files is at first."""
    directory = Path(pattern).parent
    try:
        return not any(directory.iterdir())
    except OSError:
        return False
