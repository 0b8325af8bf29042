"""The commit: everything that changed, in one transaction, and what may be seen only after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from logagent import telemetry
from logagent.model import Changes, DeliveryOutcome, Outcome
from logagent.state.changes import merge
from logagent.state.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from logagent.catalog import Catalog
    from logagent.exporters.drain import ExportResult
    from logagent.exporters.protocol import Entries, Exporter
    from logagent.metrics.series import Series
    from logagent.pipeline import Pipeline
    from logagent.settings import Settings
    from logagent.state.ledger import Ledger

log = logging.getLogger("logagent")

Seen = Callable[[list[Outcome]], None]


class Committer:
    """Commits the pipeline's changes. What a commit that failed could not write goes into the next.

    ``seen`` gets what was committed: whole outcomes with ``keep_outcomes``, else those with alerts, and of them only these.
    """

    def __init__(
        self, pipeline: Pipeline, ledger: Ledger, exporters: Mapping[str, Exporter], seen: Seen, *, keep_outcomes: bool
    ) -> None:
        self._pipeline = pipeline
        self.ledger = ledger
        self._exporters = exporters
        self._seen = seen
        self._keep_outcomes = keep_outcomes
        self._outcomes: list[Outcome] = []
        self._failed: Changes | None = None
        self._lock = asyncio.Lock()
        self._raised: set[str] = set()
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
        for name, exporter in self._exporters.items():
            try:
                exporter.add(outcome)
            except Exception as error:  # noqa: BLE001 - a bug in one exporter must neither stop the agent nor keep others waiting
                self._tell_raised(name, error)
                lost = len(outcome.spans) + len(outcome.records)
                self._pipeline.telemetry.add(telemetry.DROPPED, {"unencodable": lost})
        if self._keep_outcomes:
            self._outcomes.append(outcome)
        elif outcome.alerts:
            self._outcomes.append(Outcome(alerts=outcome.alerts))
        self.uncommitted_lines += lines

    def _tell_raised(self, exporter: str, error: Exception) -> None:
        if exporter not in self._raised:
            self._raised.add(exporter)
            log.error("internal error: %s lacks some spans or records; told once", exporter, exc_info=error)

    async def commit(self, show: Callable[[], bytes] | None = None, *, if_changed: bool = False) -> bytes:
        """Commits, and gives what ``show`` makes of exactly the state that was committed. Raises LedgerError.

        With ``if_changed`` it gives nothing where there was nothing to commit.

        Once begun it goes on to its end, even where its caller (a scrape whose client went away) is cancelled: changes
        have left the pipeline, and must be known to be written or not.
        """
        return await asyncio.shield(asyncio.ensure_future(self._commit(show, if_changed=if_changed)))

    async def reload(self, catalog: Catalog, settings: Settings) -> None:
        """Puts other rules in force between two commits. Where this raises, the old ones go on."""
        async with self._lock:
            self.add(self._pipeline.take_told(), 0)
            self._failed = changes = self._collect()
            state = {key: value for key, value in {**self._mirror, **changes.entries}.items() if value is not None}

            def load(room: str) -> dict[str, bytes]:
                return {key: value for (other, key), value in state.items() if other == room}

            self._pipeline.reload(catalog, settings, load)
            self.add(self._pipeline.take_told(), 0)

    @contextlib.asynccontextmanager
    async def counting(self, results: Sequence[ExportResult]) -> AsyncIterator[Entries]:
        """Gives the entries that count what is becoming of an item, for the transaction that says so in the ledger.

        No commit is made meanwhile: it would write an older count over them, or show one that is not yet written. Left
        with an error, nothing is counted.
        """
        async with self._lock:
            counts = self._counts_of(results)
            for series, count in counts:
                series.add(count)
            try:
                yield {("telemetry", series.key): series.encode() for series, _ in counts}
            except BaseException:
                for series, count in counts:
                    series.add(-count)
                raise

    def _counts_of(self, results: Sequence[ExportResult]) -> list[tuple[Series, int]]:
        family = self._pipeline.telemetry.family
        counts = []
        for result in results:
            labels = (result.exporter, result.signal.value, result.outcome.value)
            counts.append((family(telemetry.EXPORTED).find(labels), result.count))
            if result.outcome is DeliveryOutcome.REJECTED:
                counts.append((family(telemetry.DROPPED).find(("export_rejected",)), result.count))
        return counts

    async def _commit(self, show: Callable[[], bytes] | None, *, if_changed: bool) -> bytes:
        async with self._lock:
            changes = self._collect()
            outcomes, self._outcomes, self.uncommitted_lines = self._outcomes, [], 0
            shown = b"" if show is None or (if_changed and not _is_any(changes)) else show()
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

    def _collect(self) -> Changes:
        self._pipeline.telemetry.add(telemetry.DROPPED, +self.ledger.losses)
        self.ledger.losses.clear()
        changes = Changes(dict(self._pipeline.changes()))
        for exporter in self._exporters.values():
            changes.outbox += exporter.take()
        return changes if self._failed is None else merge(self._failed, changes)

    async def _write(self, changes: Changes) -> None:
        if not (_is_any(changes) or self.ledger.corrupt):
            return
        try:
            seconds = await self.ledger.commit(changes)
        except LedgerError as error:
            if not error.corrupt:
                raise
            # A new ledger needs everything, whichever attempt it is that reaches it.
            changes.entries = {**self._mirror, **changes.entries}
            await self.ledger.replace_corrupt(error.message)
            if self.ledger.set_aside is None:
                log.error("the ledger is gone and is begun anew from memory: %s", error.message)  # noqa: TRY400 - one line
            else:
                log.error("the ledger was corrupt and is set aside as %s: %s", self.ledger.set_aside, error.message)  # noqa: TRY400 - one line
            self._pipeline.telemetry.family(telemetry.LEDGER_SET_ASIDE).find(()).add(1)
            seconds = await self.ledger.commit(changes)
        self._pipeline.telemetry.family(telemetry.COMMIT_DURATION).find(()).observe(seconds)

    def _remember(self, entries: Iterable[tuple[tuple[str, str], bytes | None]]) -> None:
        for key, value in entries:
            if value is None:
                self._mirror.pop(key, None)
            else:
                # What orjson gives holds on to the 4 KiB that it was written into; a copy takes its own size.
                self._mirror[key] = bytes(memoryview(value))


def _is_any(changes: Changes) -> bool:
    return bool(changes.entries or changes.outbox)
