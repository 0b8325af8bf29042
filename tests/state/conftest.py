from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from logagent.clock import ManualClock
from logagent.model import Changes, OutboxDraft, Signal
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOVEMBER = 1_795_000_000_000_000_000


class Draft(Protocol):
    def __call__(self, payload: bytes, exporter: str = "otlp", count: int = 1) -> OutboxDraft: ...


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOVEMBER)


@pytest.fixture
def draft() -> Draft:
    def make(payload: bytes, exporter: str = "otlp", count: int = 1) -> OutboxDraft:
        return OutboxDraft(exporter, Signal.TRACES, count, lambda: payload)

    return make


@pytest.fixture
async def ledger(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    ledger = Ledger.open(tmp_path, clock)
    yield ledger
    await ledger.close()


@pytest.fixture
async def filled(tmp_path: Path, clock: ManualClock, draft: Draft) -> Path:
    """Path of a closed ledger with entries and outbox items on many pages."""
    ledger = Ledger.open(tmp_path, clock)
    entries: dict[tuple[str, str], bytes | None] = {("metrics", f"series {i}"): bytes(100) for i in range(2000)}
    await ledger.commit(Changes(entries, [draft(bytes(5000)) for _ in range(20)]))
    await ledger.close()
    return tmp_path / "ledger.sqlite3"
