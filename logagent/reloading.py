"""Reloading: rule and parser files that changed, read and checked while the old rules go on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from logagent.catalog import load_catalog
from logagent.definition_files import own_files
from logagent.errors import ConfigurationError
from logagent.settings.located import locate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from logagent.catalog import Catalog
    from logagent.errors import Problem
    from logagent.settings import Settings

log = logging.getLogger("logagent")

LOOK_SECONDS = 2.0
"""Between two looks at the files; a file is read once it is the same at two looks, so that none is read half-written."""

Signature = tuple[tuple[str, int, int, int], ...]
"""Path, inode, time of modification and size of each file."""


class Reloader:
    """Knows which files are in force, and reads them anew when they change or somebody asks for it."""

    def __init__(
        self, settings: Settings, apply: Callable[[Catalog], Awaitable[None]], count: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._apply = apply
        self._count = count
        self._asked = asyncio.Event()
        self._settings_seen = _stamp(settings.file)
        self._known = self._signature()
        self._last = self._known

    def ask(self) -> None:
        """Have everything read anew, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Look for changes until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_SECONDS)
            except TimeoutError:
                await self.look()
                continue
            self._asked.clear()
            self._tell_of_settings()
            self._known = self._last = await asyncio.to_thread(self._signature)
            await self.reload()

    def _tell_of_settings(self) -> None:
        """The configuration file itself is read at the start only."""
        if self._settings_seen != (seen := _stamp(self._settings.file)):
            self._settings_seen = seen
            log.warning(
                "%s has changed: only rules and parsers are read anew; restart for the rest", self._settings.file
            )

    async def look(self) -> None:
        """Reload where the files are not those that are in force, and the same as at the last look."""
        seen = await asyncio.to_thread(self._signature)
        settled, self._last = seen == self._last, seen
        if settled and seen != self._known:
            self._known = seen
            await self.reload()

    async def reload(self) -> bool:
        """Read and check all files; put them in force, or say everything that is wrong and leave the old ones."""
        problems: list[Problem] = []
        try:
            catalog = await asyncio.to_thread(load_catalog, self._settings)
            await self._apply(catalog)
        except ConfigurationError as error:
            problems = error.problems
        except Exception:
            log.exception("the rules were not reloaded: internal error; the old ones go on")
        else:
            log.info(
                "rules reloaded: %d metrics, %d alerts, budgets and SLOs", len(catalog.metrics), len(catalog.rules)
            )
            self._count("success")
            return True
        for problem in locate(problems):
            where = ": ".join(filter(None, (problem.where, problem.key)))
            lead = "" if problem.hint.startswith("did you mean") else "try: "
            log.error("%s: %s; %s%s", where, problem.message, lead, problem.hint)
        if problems:
            count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
            log.error("the rules were not reloaded: %s; the old ones go on", count)
        self._count("failure")
        return False

    def _signature(self) -> Signature:
        paths = own_files([*self._settings.rules.paths, *self._settings.parsers.paths])
        return tuple((str(path), *stamp) for path in paths if (stamp := _stamp(path)))


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What changes with a file: inode, time of modification and size; None where it cannot be seen."""
    if path is None:
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
