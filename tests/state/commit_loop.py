"""Commit generation after generation, until killed. Prints each that was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from logagent.clock import SystemClock
from logagent.model import Changes, OutboxDraft, Signal
from logagent.state.ledger import Ledger

KEYS = 60


async def main() -> None:
    ledger = Ledger.open(Path(sys.argv[1]), SystemClock())
    generation = int(ledger.load("room 0").get("0", b"0").rstrip(b"\0"))
    while True:
        generation += 1
        value = b"%d" % generation
        entries: dict[tuple[str, str], bytes | None] = {
            (f"room {key % 3}", str(key)): value + bytes(generation % 700) for key in range(KEYS)
        }
        entries["changing", str(generation - 1)] = None
        entries["changing", value.decode()] = value
        drafts = [OutboxDraft("otlp", Signal.TRACES, 1, (value + bytes(20_000 * part)).__bytes__) for part in range(3)]
        await ledger.commit(Changes(entries, drafts))
        sys.stdout.write(f"{generation}\n")
        sys.stdout.flush()
        items = await ledger.outbox("otlp", limit=100)
        if len(items) > 30:
            # Delivered up to a generation: that generation is an entry of the same transaction.
            last = items[20].payload.rstrip(b"\0")
            ids = [item.id for item in items if int(item.payload.rstrip(b"\0")) <= int(last)]
            await ledger.settle(ids, {("delivered", "last"): last})


asyncio.run(main())
