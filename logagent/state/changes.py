"""What one commit writes: joining two, and packing what is to be delivered once only."""

from __future__ import annotations

from logagent.model import Changes, OutboxDraft


def merge(older: Changes, newer: Changes) -> Changes:
    """Give the changes that have the effect of ``older`` followed by ``newer``; neither is altered."""
    return Changes({**older.entries, **newer.entries}, [*older.outbox, *newer.outbox])


def packed(draft: OutboxDraft) -> bytes:
    """Give the draft's payload, and keep it: a commit that is tried again packs nothing twice."""
    payload = draft.pack()
    draft.pack = lambda: payload
    return payload
