from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from logagent.model import Changes
from logagent.state.changes import merge
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Draft

    from logagent.clock import ManualClock


async def test_a_commit_over_the_size_limit_leaves_nothing_and_works_when_there_is_room(
    ledger: Ledger, draft: Draft
) -> None:
    with ledger._file.reading() as connection:
        connection.execute("PRAGMA max_page_count = 20").fetchone()
    changes = Changes({("a", "k"): b"1"}, [draft(bytes(200_000))])
    with pytest.raises(LedgerError, match="the disk is full") as caught:
        await ledger.commit(changes)
    assert not caught.value.corrupt
    assert "free some space" in caught.value.hint
    assert ledger.load("a") == {}
    assert ledger.outbox_state() == {}
    with ledger._file.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000").fetchone()
    await ledger.commit(changes)
    assert ledger.load("a") == {"k": b"1"}
    assert ledger.outbox_state()["otlp"].bytes == 200_000


async def test_a_disk_that_fills_up_loses_nothing_and_mixes_nothing(
    small_disk: Path, clock: ManualClock, draft: Draft
) -> None:
    ledger = Ledger.open(small_disk, clock)
    await ledger.commit(Changes({("a", "generation"): b"0"}))
    waiting, committed = Changes(), 0
    filler = small_disk / "filler"
    for generation in range(1, 40):
        if generation == 10:
            filler.write_bytes(bytes(_free(small_disk)))
        if generation == 30:
            filler.unlink()
        value = b"%d" % generation
        entries: dict[tuple[str, str], bytes | None] = {("a", "generation"): value, ("b", value.decode()): bytes(3000)}
        waiting = merge(waiting, Changes(entries, [draft(value + bytes(10_000))]))
        failure = await _failure(ledger, waiting)
        if failure:
            assert not failure.corrupt
            assert 10 <= generation < 30
            assert ledger.load("a") == {"generation": b"%d" % committed}
            assert len(ledger.load("b")) == ledger.outbox_state()["otlp"].items == committed
        else:
            waiting, committed = Changes(), generation
    assert committed == 39
    await ledger.close()
    ledger = Ledger.open(small_disk, clock)
    assert ledger.set_aside is None
    assert ledger.load("a") == {"generation": b"39"}
    assert len(ledger.load("b")) == ledger.outbox_state()["otlp"].items == 39
    await ledger.close()


async def test_an_existing_ledger_on_a_full_disk_is_refused_or_opened_but_never_set_aside(
    small_disk: Path, clock: ManualClock
) -> None:
    ledger = Ledger.open(small_disk, clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    (small_disk / "filler").write_bytes(bytes(_free(small_disk)))
    with contextlib.suppress(LedgerError):
        await Ledger.open(small_disk, clock).close()
    (small_disk / "filler").unlink()
    ledger = Ledger.open(small_disk, clock)
    assert ledger.set_aside is None
    assert ledger.load("a") == {"k": b"1"}
    await ledger.close()


async def test_a_file_system_that_became_read_only_is_an_error_in_words(small_disk: Path, clock: ManualClock) -> None:
    ledger = Ledger.open(small_disk, clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    remount = await asyncio.create_subprocess_exec("mount", "-o", "remount,ro", small_disk)
    assert await remount.wait() == 0
    with pytest.raises(LedgerError, match="Read-only file system") as caught:
        Ledger.open(small_disk, clock)
    assert caught.value.exit_code == 3
    assert not caught.value.corrupt


async def _failure(ledger: Ledger, changes: Changes) -> LedgerError | None:
    try:
        await ledger.commit(changes)
    except LedgerError as error:
        return error
    return None


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize
