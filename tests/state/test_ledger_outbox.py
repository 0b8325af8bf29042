from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logagent.clock import ManualClock
from logagent.model import Changes, OutboxDraft, Signal
from logagent.state import outbox as outbox_table
from logagent.state.ledger import Ledger
from logagent.state.outbox import STRIDE, OutboxState

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Draft


async def payloads(ledger: Ledger, exporter: str = "otlp") -> list[bytes]:
    return [item.payload for item in await ledger.outbox(exporter, limit=10_000)]


async def test_items_come_oldest_first_by_exporter_in_pages(ledger: Ledger, draft: Draft) -> None:
    await ledger.commit(Changes({}, [draft(b"%d" % i, "otlp" if i % 2 else "file") for i in range(10)]))
    assert await payloads(ledger, "file") == [b"0", b"2", b"4", b"6", b"8"]
    first = await ledger.outbox("otlp", limit=2)
    second = await ledger.outbox("otlp", after=first[-1].id, limit=2)
    assert [item.payload for item in first + second] == [b"1", b"3", b"5", b"7"]
    assert await ledger.outbox("unknown") == []


async def test_settling_deletes_items_and_writes_entries_together(
    ledger: Ledger, clock: ManualClock, draft: Draft
) -> None:
    await ledger.commit(Changes({("x", "old"): b""}, [draft(b"12", count=2)]))
    clock.advance(5)
    await ledger.commit(Changes({}, [draft(b"345", count=3)]))
    first, second = await ledger.outbox("otlp")
    assert ledger.outbox_state()["otlp"] == OutboxState(2, 5, 5, first.created_unix_nano)
    await ledger.settle([first.id, first.id, 999], {("x", "cursor"): b"1", ("x", "old"): None})
    assert ledger.load("x") == {"cursor": b"1"}
    assert await ledger.outbox("otlp") == [second]
    assert ledger.outbox_state()["otlp"] == OutboxState(1, 3, 3, second.created_unix_nano)
    await ledger.settle([second.id])
    assert ledger.outbox_state()["otlp"] == OutboxState()


async def test_ids_are_never_used_again(tmp_path: Path, clock: ManualClock, draft: Draft) -> None:
    seen: set[int] = set()
    for _ in range(3):
        ledger = Ledger.open(tmp_path, clock)
        await ledger.commit(Changes({}, [draft(b"1"), draft(b"2")]))
        ids = {item.id for item in await ledger.outbox("otlp")}
        assert not ids & seen
        seen |= ids
        await ledger.settle(tuple(ids))
        await ledger.close()


async def test_the_parts_of_a_split_item_keep_its_place_however_often_it_is_split(ledger: Ledger, draft: Draft) -> None:
    await ledger.commit(Changes({}, [draft(b"before"), draft(bytes(range(64)), count=64), draft(b"after")]))
    while big := next((item for item in await ledger.outbox("otlp", limit=100) if item.count > 1), None):
        half = big.count // 2
        assert await ledger.split(big.id, [(half, big.payload[:half]), (big.count - half, big.payload[half:])])
    assert await payloads(ledger) == [b"before", *(bytes([i]) for i in range(64)), b"after"]
    assert ledger.outbox_state()["otlp"] == OutboxState(66, 66, 75, (await ledger.outbox("otlp"))[0].created_unix_nano)


async def test_a_split_for_which_no_id_is_left_changes_nothing(ledger: Ledger, draft: Draft) -> None:
    await ledger.commit(Changes({}, [draft(b"big", count=2 * STRIDE), draft(b"after")]))
    splits = 0
    while await ledger.split((item := (await ledger.outbox("otlp", limit=1))[0]).id, [(1, b"a"), (1, b"b")]):
        splits += 1
    assert splits == 20
    assert item.payload == b"a"
    assert await payloads(ledger) == [b"a", *[b"b"] * 20, b"after"]


async def test_splitting_rejecting_and_settling_what_is_gone_does_nothing(ledger: Ledger, tmp_path: Path) -> None:
    assert await ledger.split(5, [(1, b"a"), (1, b"b")])
    await ledger.reject(5, "gone")
    await ledger.settle([5])
    assert ledger.outbox_state() == {}
    assert rejected(tmp_path) == []


async def test_a_rejected_item_is_put_aside_with_its_reason(ledger: Ledger, tmp_path: Path, draft: Draft) -> None:
    await ledger.commit(Changes({}, [draft(b"spans", count=3), draft(b"next")]))
    [item, _] = await ledger.outbox("otlp")
    await ledger.reject(item.id, "400 Bad Request \ud800" + "x" * 5000)
    assert await payloads(ledger) == [b"next"]
    assert ledger.outbox_state()["otlp"].items == 1
    [(exporter, count, reason, payload)] = rejected(tmp_path)
    assert (exporter, count, payload) == ("otlp", 3, b"spans")
    assert reason.startswith("400 Bad Request ?x")
    assert len(reason) == 1000


@pytest.mark.parametrize("limits", [(4, 1000, 4), (1000, 35, 3), (1000, 5, 0)])
async def test_what_is_put_aside_is_limited_and_the_oldest_go(
    ledger: Ledger, tmp_path: Path, draft: Draft, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int, int]
) -> None:
    rows, size, kept = limits
    monkeypatch.setattr(outbox_table, "REJECTED_ROWS", rows)
    monkeypatch.setattr(outbox_table, "REJECTED_BYTES", size)
    await ledger.commit(Changes({}, [draft(b"%010d" % i) for i in range(7)]))
    for item in await ledger.outbox("otlp"):
        await ledger.reject(item.id, "no")
    assert [row[3] for row in rejected(tmp_path)] == [b"%010d" % i for i in range(7 - kept, 7)]


async def test_the_file_gives_back_the_space_of_a_large_delivery(ledger: Ledger, tmp_path: Path, draft: Draft) -> None:
    payload = random.Random(1).randbytes(100_000)
    await ledger.commit(Changes({}, [draft(payload) for _ in range(400)]))
    highest = pages(ledger)
    while items := await ledger.outbox("otlp"):
        await ledger.settle([item.id for item in items])
    assert highest * 4096 > 40_000_000
    assert pages(ledger) * 4096 < 6_000_000
    await ledger.commit(Changes({("a", str(i)): bytes(100) for i in range(50_000)}))
    await ledger.commit(Changes({("a", "k"): b""}))
    assert (tmp_path / "ledger.sqlite3-wal").stat().st_size <= 16 * 1024 * 1024
    await ledger.close()
    assert (tmp_path / "ledger.sqlite3").stat().st_size < 15_000_000


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["append", "settle", "reject", "split", "reopen"]),
        st.integers(0, 50),
        st.sampled_from(["otlp", "file"]),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_order_and_state_are_those_of_a_list(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int, str]]
) -> None:
    directory, clock = tmp_path_factory.mktemp("model"), ManualClock(1)
    ledger = Ledger.open(directory, clock, durability="process")
    model: dict[str, list[tuple[int, bytes, int]]] = {"otlp": [], "file": []}
    for step, (operation, number, exporter) in enumerate(operations):
        clock.advance(1)
        waiting = model[exporter]
        place = number % len(waiting) if waiting else 0
        items = await ledger.outbox(exporter, limit=1000)
        if operation == "append":
            payload = b"%d/" % step * (number + 1)
            await ledger.commit(Changes({}, [OutboxDraft(exporter, Signal.LOGS, number + 1, payload.__bytes__)]))
            waiting.append((number + 1, payload, clock.now()))
        elif operation == "reopen":
            await ledger.close()
            ledger = Ledger.open(directory, clock, durability="process")
        elif waiting and operation == "settle":
            await ledger.settle([items[place].id])
            del waiting[place]
        elif waiting and operation == "reject":
            await ledger.reject(items[place].id, "no")
            del waiting[place]
        elif waiting:
            _, payload, created = waiting[place]
            parts = [(1, payload[:1]), (2, payload[1:2]), (3, payload[2:])]
            await ledger.split(items[place].id, parts)
            waiting[place : place + 1] = [(count, part, created) for count, part in parts]
    for exporter, waiting in model.items():
        items = await ledger.outbox(exporter, limit=1000)
        assert [(item.count, item.payload, item.created_unix_nano) for item in items] == waiting
        expected = OutboxState(
            len(waiting),
            sum(count for count, _, _ in waiting),
            sum(len(payload) for _, payload, _ in waiting),
            waiting[0][2] if waiting else 0,
        )
        assert ledger.outbox_state().get(exporter, OutboxState()) == expected
    await ledger.close()


def rejected(directory: Path) -> list[tuple[str, int, str, bytes]]:
    connection = sqlite3.connect(directory / "ledger.sqlite3")
    try:
        return connection.execute("SELECT exporter, count, reason, payload FROM set_aside ORDER BY id").fetchall()
    finally:
        connection.close()


def pages(ledger: Ledger) -> int:
    with ledger._file.reading() as connection:
        count: int = connection.execute("PRAGMA page_count").fetchone()[0]
    return count
