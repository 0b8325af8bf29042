"""The file exporter: spans and log records as lines of OTLP/JSON (OpenTelemetry's "OTLP File Exporter")."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logagent.exporters.appender import Appender, AppendError
from logagent.exporters.batches import Batches, Group
from logagent.exporters.otlp_json import logs_line, record_json, span_json, traces_line
from logagent.exporters.otlp_values import SCOPE_NAME
from logagent.model import Delivery, DeliveryOutcome, Signal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from logagent.model import OutboxDraft, OutboxItem, Outcome

POSITION_KEY: Final = "position"
COMPRESSION_LEVEL: Final = 1


class FileExporter:
    """Appends each outbox item as one line, exactly once whatever kills the agent.

    An item's settlement must store ``settled(item)`` in its own transaction: from that the next start knows which
    part of the file was written and never settled, and cuts it off.
    """

    def __init__(
        self, name: str, *, path: Path | str, signals: Collection[Signal] = (Signal.LOGS, Signal.TRACES)
    ) -> None:
        self.name = name
        self._appender = Appender(Path(path))
        self._spans = Batches(name, Signal.TRACES, _packed_traces) if Signal.TRACES in signals else None
        self._records = Batches(name, Signal.LOGS, _packed_logs) if Signal.LOGS in signals else None

    def add(self, outcome: Outcome) -> None:
        """Encode the outcome's log records and its spans, which have their ids."""
        if self._spans is not None:
            for span in outcome.spans:
                self._spans.add(span.resource, SCOPE_NAME, span_json(span))
        if self._records is not None:
            for record in outcome.records:
                self._records.add(record.resource, record.logger, record_json(record))

    def take(self) -> list[OutboxDraft]:
        """Give the lines that the spans and records since the last call make."""
        return [draft for batches in (self._records, self._spans) if batches is not None for draft in batches.take()]

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Take back how far the file was written when the last item was settled."""
        self._appender.restore(entries.get(POSITION_KEY, b""))

    async def deliver(self, item: OutboxItem) -> Delivery:
        """Append the item's line and wait until the disk has it."""
        return await asyncio.to_thread(self._append, item)

    def settled(self, item: OutboxItem) -> Mapping[tuple[str, str], bytes]:
        """Give the ledger entries to write in the transaction that settles the item just delivered."""
        return {(f"exporter/{item.exporter}", POSITION_KEY): self._appender.position()}

    async def close(self) -> None:
        """Hold nothing open: the file is opened for each item, so that a rotated one is let go."""

    def _append(self, item: OutboxItem) -> Delivery:
        try:
            line = zlib.decompress(item.payload)
        except zlib.error as error:
            return Delivery(DeliveryOutcome.REJECTED, f"the stored item cannot be read: {error}")
        try:
            self._appender.append(item.id, line)
        except AppendError as error:
            return Delivery(DeliveryOutcome.RETRY, str(error))
        return Delivery(DeliveryOutcome.DELIVERED)


def _packed_traces(groups: list[Group]) -> bytes:
    return zlib.compress(traces_line(groups), COMPRESSION_LEVEL)


def _packed_logs(groups: list[Group]) -> bytes:
    return zlib.compress(logs_line(groups), COMPRESSION_LEVEL)
