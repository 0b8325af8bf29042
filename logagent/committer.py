"""The commit: everything that changed, in one transaction, and what may be seen only after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from logagent import telemetry
from logagent.exporters.protocol import Exporter
from logagent.model import Changes, Outcome
from logagent.pipeline import Pipeline
from logagent.state.changes import merge
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

log = logging.getLogger("logagent")

Seen = Callable[[list[Outcome]], None]


class Committer:
    """Commits the pipeline's changes. What a commit that failed could not write goes into the next."""

    def __init__(
        self, pipeline: Pipeline, ledger: Ledger, exporters: Mapping[str, Exporter], seen: Seen, *, keep_outcomes: bool
    ) -> None:
        self._pipeline = pipeline
        self._ledger = ledger
        self._exporters = exporters
        self._seen = seen
        self._keep_outcomes = keep_outcomes
        self._outcomes: list[Outcome] = []
        self._failed: Changes | None = None
        self._lock = asyncio.Lock()
        self._mirror: dict[tuple[str, str], bytes] = {}
        """What the ledger holds, for the day when it must be written anew."""
        self.uncommitted_lines = 0
        self.problem = ""
        """Why the last commit failed; empty when it did not."""

    def adopt(self, room: str, entries: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Remembers what the ledger gave."""
        self._mirror.update({(room, key): value for key, value in entries.items()})
        return entries

    def add(self, outcome: Outcome, lines: int) -> None:
        """Takes an outcome to be delivered and shown with the next commit."""
        for exporter in self._exporters.values():
            exporter.add(outcome)
        if self._keep_outcomes:
            self._outcomes.append(outcome)
        self.uncommitted_lines += lines

    async def commit(self, show: Callable[[], bytes] | None = None) -> bytes:
        """Commits, and gives what ``show`` makes of exactly the state that was committed. Raises LedgerError."""
        async with self._lock:
            changes = Changes(dict(self._pipeline.changes()))
            for exporter in self._exporters.values():
                changes.outbox += exporter.take()
            if self._failed is not None:
                changes = merge(self._failed, changes)
            outcomes, self._outcomes, self.uncommitted_lines = self._outcomes, [], 0
            shown = show() if show is not None else b""
            try:
                await self._write(changes)
            except LedgerError as error:
                self._failed = changes
                self._outcomes = outcomes + self._outcomes
                self._pipeline.telemetry.family(telemetry.COMMITS_FAILED).find(()).add(1)
                if error.message != self.problem:
                    log.error("the ledger cannot be written: %s", error.message)  # noqa: TRY400 - one line, once
                self.problem = error.message
                raise
            if self.problem:
                log.info("the ledger can be written again")
            self._failed, self.problem = None, ""
            self._remember(changes.entries.items())
        if outcomes:
            self._seen(outcomes)
        return shown

    async def _write(self, changes: Changes) -> None:
        if not changes.entries and not changes.outbox:
            return
        try:
            seconds = await self._ledger.commit(changes)
        except LedgerError as error:
            if not error.corrupt:
                raise
            log.error("the ledger is corrupt and is set aside: %s", error.message)  # noqa: TRY400 - one line
            await self._ledger.replace_corrupt(error.message)
            self._pipeline.telemetry.family(telemetry.LEDGER_SET_ASIDE).find(()).add(1)
            whole: dict[tuple[str, str], bytes | None] = {**self._mirror, **changes.entries}
            seconds = await self._ledger.commit(Changes(whole, changes.outbox))
        self._pipeline.telemetry.family(telemetry.COMMIT_DURATION).find(()).observe(seconds)

    def _remember(self, entries: Iterable[tuple[tuple[str, str], bytes | None]]) -> None:
        for key, value in entries:
            if value is None:
                self._mirror.pop(key, None)
            else:
                self._mirror[key] = value
