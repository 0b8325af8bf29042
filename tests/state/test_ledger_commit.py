from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from logagent.model import Changes, OutboxDraft, Signal
from logagent.state.changes import merge
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger
from logagent.state.outbox import OutboxState

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Draft

    from logagent.clock import ManualClock


async def test_what_was_committed_is_there_after_the_next_opening(
    tmp_path: Path, clock: ManualClock, draft: Draft
) -> None:
    ledger = Ledger.open(tmp_path / "made" / "here", clock)
    await ledger.commit(Changes({("a", "k"): b"1", ("a", "l"): b"2", ("b", "k"): b"3"}, [draft(b"spans", count=7)]))
    await ledger.commit(Changes({("a", "k"): b"4", ("a", "l"): None}))
    await ledger.close()
    ledger = Ledger.open(tmp_path / "made" / "here", clock)
    assert ledger.load("a") == {"k": b"4"}
    assert ledger.load("b") == {"k": b"3"}
    assert ledger.load("c") == {}
    [item] = await ledger.outbox("otlp")
    assert (item.exporter, item.signal, item.count, item.payload) == ("otlp", Signal.TRACES, 7, b"spans")
    assert item.created_unix_nano == clock.now()
    assert ledger.outbox_state() == {"otlp": OutboxState(1, 7, 5, clock.now())}
    assert ledger.set_aside is None
    await ledger.close()


async def test_the_state_is_for_its_owner_only(tmp_path: Path, clock: ManualClock) -> None:
    ledger = Ledger.open(tmp_path / "state", clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    names = {f"ledger.sqlite3{suffix}" for suffix in ("", "-wal", "-shm", "-commit")}
    assert set(modes) == {*names, "ledger.lock"}
    assert set(modes.values()) == {0o600}
    await ledger.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("power-loss", 2), ("process", 1)])
async def test_durability_decides_whether_each_commit_reaches_the_disk(
    tmp_path: Path, clock: ManualClock, durability: str, synchronous: int
) -> None:
    ledger = Ledger.open(tmp_path, clock, durability=durability)  # type: ignore[arg-type]
    with ledger._file.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    await ledger.close()


def test_merged_changes_act_like_one_after_the_other(draft: Draft) -> None:
    first, second = draft(b"1"), draft(b"2")
    older = Changes({("a", "kept"): b"1", ("a", "changed"): b"1", ("a", "deleted"): b"1"}, [first])
    newer = Changes({("a", "changed"): b"2", ("a", "deleted"): None}, [second])
    assert merge(older, newer) == Changes(
        {("a", "kept"): b"1", ("a", "changed"): b"2", ("a", "deleted"): None}, [first, second]
    )
    assert older.outbox == [first]
    assert newer.outbox == [second]


async def test_a_failed_commit_leaves_nothing_and_its_retry_packs_nothing_twice(ledger: Ledger, tmp_path: Path) -> None:
    packs = 0

    def pack() -> bytes:
        nonlocal packs
        packs += 1
        return b"payload"

    changes = Changes({("a", "k"): b"1"}, [OutboxDraft("otlp", Signal.TRACES, 3, pack)])
    with ledger._file.reading() as connection:
        connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="another program has locked the ledger") as caught:
        await ledger.commit(changes)
    assert not caught.value.corrupt
    assert caught.value.exit_code == 3
    assert ledger.load("a") == {}
    assert ledger.outbox_state() == {}
    other.execute("ROLLBACK")
    other.close()
    await ledger.commit(merge(changes, Changes({("a", "l"): b"2"})))
    assert ledger.load("a") == {"k": b"1", "l": b"2"}
    assert [item.payload for item in await ledger.outbox("otlp")] == [b"payload"]
    assert packs == 1


async def test_a_draft_that_cannot_be_packed_is_counted_and_stops_no_other(
    ledger: Ledger, tmp_path: Path, draft: Draft
) -> None:
    def pack() -> bytes:
        raise ValueError("no such field \ud800")

    await ledger.commit(Changes({}, [OutboxDraft("otlp", Signal.LOGS, 5, pack), draft(b"good")]))
    assert [item.payload for item in await ledger.outbox("otlp")] == [b"good"]
    assert ledger.losses == {"unencodable": 5}
    rows = sqlite3.connect(tmp_path / "ledger.sqlite3").execute("SELECT signal, count, reason FROM set_aside")
    assert rows.fetchall() == [("logs", 5, "unencodable: ValueError: no such field ?")]


async def test_memory_that_runs_out_while_packing_is_no_loss(ledger: Ledger) -> None:
    def pack() -> bytes:
        raise MemoryError

    with pytest.raises(LedgerError, match="memory is used up"):
        await ledger.commit(Changes({("a", "k"): b"1"}, [OutboxDraft("otlp", Signal.LOGS, 5, pack)]))
    assert ledger.load("a") == {}
    assert ledger.losses == {}


async def test_names_that_are_no_text_come_back_as_they_were(ledger: Ledger) -> None:
    names = ["/log/\udcff.log", "\ud800", "nul\0byte", "", "ü"]
    await ledger.commit(Changes({("receiver", name): name.encode("utf-8", "surrogatepass") for name in names}))
    loaded = ledger.load("receiver")
    assert {name: value.decode("utf-8", "surrogatepass") for name, value in loaded.items()} == {n: n for n in names}
    await ledger.commit(Changes({("receiver", name): None for name in names}))
    assert ledger.load("receiver") == {}


async def test_a_value_that_sqlite_refuses_rolls_everything_back(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        await ledger.commit(Changes({("a", "k"): b"1", ("a", "l"): object()}))  # type: ignore[dict-item]
    assert ledger.load("a") == {}
    await ledger.commit(Changes({("a", "k"): b"2"}))
    assert ledger.load("a") == {"k": b"2"}


async def test_a_commit_that_is_cancelled_while_it_runs_happens_whole(ledger: Ledger) -> None:
    running, go_on = threading.Event(), threading.Event()

    def pack() -> bytes:
        running.set()
        go_on.wait(5)
        return b"payload"

    changes = Changes({("a", "k"): b"1"}, [OutboxDraft("otlp", Signal.TRACES, 1, pack)])
    task = asyncio.create_task(ledger.commit(changes))
    await asyncio.to_thread(running.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert len(await ledger.outbox("otlp")) == 1
    assert ledger.load("a") == {"k": b"1"}
    assert ledger.outbox_state()["otlp"].items == 1


async def test_the_loop_goes_on_while_a_commit_runs_and_later_changes_to_the_mapping_are_not_in_it(
    ledger: Ledger,
) -> None:
    running, go_on = threading.Event(), threading.Event()

    def pack() -> bytes:
        running.set()
        go_on.wait(5)
        return b""

    changes = Changes({("a", "k"): b"1"}, [OutboxDraft("otlp", Signal.TRACES, 1, pack)])
    task = asyncio.create_task(ledger.commit(changes))
    await asyncio.to_thread(running.wait, 5)
    changes.entries["a", "k"] = b"2"
    go_on.set()
    assert await task >= 0
    assert ledger.load("a") == {"k": b"1"}


async def test_a_closed_ledger_says_so_and_closing_waits_for_what_was_asked_before(
    tmp_path: Path, clock: ManualClock
) -> None:
    ledger = Ledger.open(tmp_path, clock)
    commits = [asyncio.create_task(ledger.commit(Changes({("a", str(i)): b""}))) for i in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(ledger.close(), ledger.close())
    await asyncio.gather(*commits)
    with pytest.raises(LedgerError, match="the ledger is closed"):
        await ledger.commit(Changes())
    with pytest.raises(LedgerError, match="the ledger is closed"):
        ledger.load("a")
    assert not (tmp_path / "ledger.sqlite3-wal").exists()
    ledger = Ledger.open(tmp_path, clock)
    assert len(ledger.load("a")) == 20
    await ledger.close()


async def test_ten_thousand_entries_are_one_quick_commit(ledger: Ledger) -> None:
    seconds = []
    for turn in range(3):
        value = bytes([turn]) * 60
        entries: dict[tuple[str, str], bytes | None] = {("metrics", f"series {i}"): value for i in range(10_000)}
        started = asyncio.get_running_loop().time()
        await ledger.commit(Changes(entries))
        seconds.append(asyncio.get_running_loop().time() - started)
    assert set(ledger.load("metrics").values()) == {bytes([2]) * 60}
    assert min(seconds) < 1.0
