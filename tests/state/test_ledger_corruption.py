from __future__ import annotations

import os
import random
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from logagent.model import Changes
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger
from logagent.state.outbox import STRIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Draft

    from logagent.clock import ManualClock


def _overwrite(offset: int, content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(content)

    return damage


def _directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "somebody's work").touch()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return damage


def _companion(suffix: str, damage: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda path: damage(path.with_name(path.name + suffix))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(random.Random(1).randbytes(50_000)),
    "text": lambda path: path.write_text("[positions]\n"),
    "one byte": lambda path: path.write_bytes(b"S"),
    "empty": lambda path: path.write_bytes(b""),
    "nul-filled": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "truncated to a page": lambda path: os.truncate(path, 4096),
    "truncated within a page": lambda path: os.truncate(path, path.stat().st_size // 2 + 7),
    "last page gone": lambda path: os.truncate(path, path.stat().st_size - 4096),
    "header only": lambda path: os.truncate(path, 100),
    "nul pages in the middle": _overwrite(8 * 4096, bytes(16 * 4096)),
    "garbage in the schema page": _overwrite(100, random.Random(2).randbytes(3000)),
    "directory": _directory,
    "named pipe": _pipe,
    "symbolic link": _link,
    "dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "another program's database": _sql("PRAGMA application_id = 0"),
    "a table is missing": _sql("DROP TABLE set_aside"),
    "a column is missing": _sql("ALTER TABLE outbox DROP COLUMN count"),
    "log of garbage": _companion("-wal", lambda log: log.write_bytes(b"garbage" * 1000)),
    "log of nul": _companion("-wal", lambda log: log.write_bytes(bytes(8192))),
    "log is a directory": _companion("-wal", _directory),
    "index is a directory": _companion("-shm", _directory),
    "journal is a directory": _companion("-journal", _directory),
    "gone, but its log is there": lambda path: path.rename(path.with_name(path.name + "-wal")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_corrupt_ledger_is_set_aside_and_a_new_one_works(
    filled: Path, clock: ManualClock, draft: Draft, damage: Callable[[Path], object]
) -> None:
    damage(filled)
    ledger = Ledger.open(filled.parent, clock)
    assert ledger.set_aside is not None
    assert ledger.set_aside.name in names(filled.parent)
    assert ledger.set_aside.name.startswith("ledger.corrupt-20261118T")
    assert ledger.set_aside_reason
    assert ledger.load("metrics") == {}
    assert ledger.outbox_state() == {}
    await ledger.commit(Changes({("a", "k"): b"1"}, [draft(b"spans")]))
    await ledger.close()
    ledger = Ledger.open(filled.parent, clock)
    assert ledger.set_aside is None
    assert ledger.load("a") == {"k": b"1"}
    await ledger.close()


async def test_only_the_corrupt_is_set_aside_with_everything_that_belongs_to_it(
    filled: Path, clock: ManualClock
) -> None:
    filled.with_name(filled.name + "-wal").write_bytes(b"garbage")
    filled.with_name("notes.txt").touch()
    ledger = Ledger.open(filled.parent, clock)
    assert ledger.set_aside is not None
    assert ledger.set_aside.read_bytes().startswith(b"SQLite format 3")
    assert ledger.set_aside.with_name(ledger.set_aside.name + "-wal").read_bytes() == b"garbage"
    assert filled.with_name("notes.txt").exists()
    await ledger.close()


async def test_corrupt_ledgers_of_the_same_second_get_names_of_their_own_and_the_oldest_go(
    tmp_path: Path, clock: ManualClock
) -> None:
    for number in range(8):
        (tmp_path / "ledger.sqlite3").write_bytes(b"garbage %d" % number)
        ledger = Ledger.open(tmp_path, clock)
        assert ledger.set_aside is not None
        assert ledger.set_aside.read_bytes() == b"garbage %d" % number
        await ledger.close()
    assert sum(name.startswith("ledger.corrupt-") for name in names(tmp_path)) == 5


async def test_a_log_that_ends_early_gives_the_state_of_one_earlier_commit(
    tmp_path: Path, clock: ManualClock, draft: Draft
) -> None:
    (tmp_path / "running").mkdir()
    ledger = Ledger.open(tmp_path / "running", clock)
    for generation in range(20):
        value = b"%d" % generation
        await ledger.commit(Changes({("a", str(key)): value for key in range(50)}, [draft(value)]))
    size = (tmp_path / "running" / "ledger.sqlite3-wal").stat().st_size
    for length in (size - 1, size // 2, 5000, 100, 33, 32, 31, 4):
        copy = tmp_path / f"cut at {length}"
        shutil.copytree(tmp_path / "running", copy)
        (copy / "ledger.sqlite3-shm").unlink()
        os.truncate(copy / "ledger.sqlite3-wal", length)
        cut = Ledger.open(copy, clock)
        values = set(cut.load("a").values())
        items = await cut.outbox("otlp", limit=100)
        assert cut.set_aside is None
        assert len(values) <= 1
        assert [item.payload for item in items] == [b"%d" % n for n in range(int(values.pop()) + 1 if values else 0)]
        await cut.close()
    await ledger.close()


async def test_corruption_that_shows_while_in_use_is_told_and_replaced(filled: Path, clock: ManualClock) -> None:
    ledger = Ledger.open(filled.parent, clock)
    with ledger._file.reading() as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA shrink_memory")
    _overwrite(4096, b"\xff" * 200_000)(filled)
    with pytest.raises(LedgerError, match="the ledger is corrupt") as caught:
        await ledger.commit(Changes({("metrics", f"series {i}"): b"1" for i in range(2000)}))
    assert caught.value.corrupt
    await ledger.replace_corrupt(caught.value.message)
    assert ledger.set_aside is not None
    assert ledger.set_aside.stat().st_size >= 4096
    assert "corrupt" in ledger.set_aside_reason
    assert ledger.load("metrics") == {}
    assert ledger.outbox_state()["otlp"].items == 0
    assert ledger.losses == {"ledger_replaced": 20}
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    ledger = Ledger.open(filled.parent, clock)
    assert ledger.load("a") == {"k": b"1"}
    await ledger.close()


@pytest.mark.parametrize("name", ["ledger.sqlite3", "ledger.sqlite3-wal"])
async def test_a_ledger_that_is_deleted_while_in_use_is_noticed_at_the_next_commit(
    filled: Path, clock: ManualClock, name: str
) -> None:
    ledger = Ledger.open(filled.parent, clock)
    filled.with_name(name).unlink()
    for _ in range(2):
        with pytest.raises(LedgerError, match="removed or replaced") as caught:
            await ledger.commit(Changes({("a", "k"): b"1"}))
        assert caught.value.corrupt
    await ledger.replace_corrupt()
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    ledger = Ledger.open(filled.parent, clock)
    assert ledger.load("a") == {"k": b"1"}
    await ledger.close()


async def test_a_settlement_for_a_replaced_ledger_meets_no_item_of_the_new_one(
    filled: Path, clock: ManualClock, draft: Draft
) -> None:
    ledger = Ledger.open(filled.parent, clock)
    old = await ledger.outbox("otlp")
    await ledger.replace_corrupt()
    await ledger.commit(Changes({}, [draft(b"new")]))
    await ledger.settle([item.id for item in old])
    [item] = await ledger.outbox("otlp")
    assert item.payload == b"new"
    assert item.id == 21 * STRIDE
    await ledger.close()


async def test_an_unknown_signal_in_the_outbox_is_corruption(filled: Path, clock: ManualClock) -> None:
    _sql("UPDATE outbox SET signal = 'profiles'")(filled)
    ledger = Ledger.open(filled.parent, clock)
    with pytest.raises(LedgerError, match="profiles") as caught:
        await ledger.outbox("otlp")
    assert caught.value.corrupt
    await ledger.close()
