"""A ledger that went back: its write-ahead log was lost, or an older copy put in its place."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from logagent.model import Changes
from logagent.state.ledger import Ledger
from logagent.state.mark import Mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Draft

    from logagent.clock import ManualClock

COMMITS = 20
WAL = "ledger.sqlite3-wal"
MARK = "ledger.sqlite3-commit"


@pytest.fixture
async def killed(tmp_path: Path, clock: ManualClock, draft: Draft) -> Path:
    """A state directory as a kill leaves it after some commits, too few for a checkpoint."""
    ledger = Ledger.open(tmp_path / "running", clock)
    for generation in range(1, COMMITS + 1):
        await ledger.commit(Changes({("a", "generation"): b"%d" % generation}, [draft(b"spans")]))
    shutil.copytree(tmp_path / "running", tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    await ledger.close()
    return tmp_path / "killed"


def garbage_behind_the_header(log: Path) -> None:
    with log.open("r+b") as file:
        file.seek(32)
        file.write(random.Random(1).randbytes(log.stat().st_size - 32))


LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": lambda log: log.unlink(),
    "emptied": lambda log: os.truncate(log, 0),
    "garbage": garbage_behind_the_header,
    "of another time": lambda log: log.write_bytes(log.read_bytes()[:8] + os.urandom(log.stat().st_size - 8)),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
async def test_a_log_that_is_lost_is_known_by_the_commits_it_had_and_the_first_of_them_stays(
    killed: Path, clock: ManualClock, lose: Callable[[Path], object]
) -> None:
    lose(killed / WAL)
    ledger = Ledger.open(killed, clock)
    assert (ledger.rolled_back, ledger.set_aside) == (COMMITS - 1, None)
    assert ledger.load("a") == {"generation": b"1"}
    assert len(await ledger.outbox("otlp")) == 1
    await ledger.commit(Changes({("a", "generation"): b"2"}))
    await ledger.close()
    ledger = Ledger.open(killed, clock)
    assert ledger.rolled_back == 0
    await ledger.close()


async def test_a_log_that_ends_early_is_known_by_what_it_lacks(killed: Path, clock: ManualClock) -> None:
    os.truncate(killed / WAL, (killed / WAL).stat().st_size - 1)
    ledger = Ledger.open(killed, clock)
    assert ledger.rolled_back == 1
    assert ledger.load("a") == {"generation": b"%d" % (COMMITS - 1)}
    await ledger.close()


async def test_an_older_copy_of_the_database_is_known_as_one(tmp_path: Path, clock: ManualClock) -> None:
    for generation in range(3):
        ledger = Ledger.open(tmp_path, clock)
        assert ledger.rolled_back == 0
        await ledger.commit(Changes({("a", "k"): b"%d" % generation}))
        await ledger.close()
        shutil.copy(tmp_path / "ledger.sqlite3", tmp_path / f"copy {generation}")
    shutil.copy(tmp_path / "copy 0", tmp_path / "ledger.sqlite3")
    ledger = Ledger.open(tmp_path, clock)
    assert ledger.rolled_back == 2
    await ledger.close()


async def test_every_transaction_counts_as_a_commit(tmp_path: Path, clock: ManualClock, draft: Draft) -> None:
    ledger = Ledger.open(tmp_path, clock)
    await ledger.commit(Changes({}, [draft(b"ab", count=2), draft(b"c")]))
    first, second = await ledger.outbox("otlp")
    await ledger.split(first.id, [(1, b"a"), (1, b"b")])
    await ledger.reject(first.id, "bad")
    await ledger.settle([second.id])
    assert Mark(tmp_path / "ledger.sqlite3").read() == 4
    await ledger.close()


MARKS: dict[str, Callable[[Path], object]] = {
    "missing": lambda mark: mark.unlink(),
    "empty": lambda mark: mark.write_bytes(b""),
    "behind": lambda mark: shutil.copy(_other_mark(mark, 3), mark),
    "torn": lambda mark: mark.write_bytes(_other_mark(mark, 10**9).read_bytes()[:18] + mark.read_bytes()[18:]),
    "cut": lambda mark: os.truncate(mark, mark.stat().st_size - 1),
    "longer": lambda mark: mark.write_bytes(_other_mark(mark, 10**9).read_bytes() + b"x"),
    "nul": lambda mark: mark.write_bytes(bytes(30)),
    "text": lambda mark: mark.write_text("٣" * 20),
    "garbage": lambda mark: mark.write_bytes(os.urandom(10_000)),
}


def _other_mark(beside: Path, number: int) -> Path:
    path = beside.with_name(f"other {number}")
    mark = Mark(path)
    mark.write(number)
    mark.close()
    return path.with_name(path.name + "-commit")


@pytest.mark.parametrize("damage", MARKS.values(), ids=MARKS.keys())
async def test_a_mark_that_is_old_torn_or_no_mark_raises_no_alarm(
    killed: Path, clock: ManualClock, damage: Callable[[Path], object]
) -> None:
    damage(killed / MARK)
    ledger = Ledger.open(killed, clock)
    assert (ledger.rolled_back, ledger.set_aside) == (0, None)
    assert ledger.load("a") == {"generation": b"%d" % COMMITS}
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    assert Mark(killed / "ledger.sqlite3").read() in {COMMITS + 1, 0}


NO_MARKS: dict[str, Callable[[Path], object]] = {
    "directory": lambda mark: mark.mkdir(),
    "link to a mark": lambda mark: mark.symlink_to(_other_mark(mark, 10**9)),
    "link to nothing": lambda mark: mark.symlink_to(mark.with_name("nothing")),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("put", NO_MARKS.values(), ids=NO_MARKS.keys())
async def test_what_is_no_file_in_the_marks_place_keeps_no_ledger_from_being_begun_and_goes_aside(
    killed: Path, clock: ManualClock, put: Callable[[Path], object]
) -> None:
    (killed / MARK).unlink()
    put(killed / MARK)
    before = (killed / MARK).lstat()
    ledger = Ledger.open(killed, clock)
    assert ledger.set_aside_reason == f"{MARK} is not a plain file"
    assert ledger.set_aside is not None
    assert os.path.samestat(before, ledger.set_aside.with_name(ledger.set_aside.name + "-commit").lstat())
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    assert Mark(killed / "ledger.sqlite3").read() == 1
    assert not (killed / "nothing").exists()


async def test_the_mark_goes_aside_with_its_corrupt_ledger(killed: Path, clock: ManualClock) -> None:
    (killed / "ledger.sqlite3").write_bytes(b"garbage")
    ledger = Ledger.open(killed, clock)
    assert ledger.set_aside is not None
    assert ledger.rolled_back == 0
    assert not (killed / MARK).exists()
    assert ledger.set_aside.with_name(ledger.set_aside.name + "-commit").exists()
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    ledger = Ledger.open(killed, clock)
    assert (ledger.rolled_back, ledger.load("a")) == (0, {"k": b"1"})
    await ledger.close()


async def test_a_ledger_of_which_only_the_mark_is_there_is_told_as_gone(killed: Path, clock: ManualClock) -> None:
    for name in ("ledger.sqlite3", WAL):
        (killed / name).unlink()
    ledger = Ledger.open(killed, clock)
    assert ledger.set_aside_reason == f"the ledger is gone, but its {MARK} is there"
    await ledger.close()


async def test_a_commit_that_fails_does_not_move_the_mark(tmp_path: Path, clock: ManualClock) -> None:
    ledger = Ledger.open(tmp_path, clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    other = sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ledger._file.reading() as connection:
        connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(Exception, match="another program"):
        await ledger.commit(Changes({("a", "k"): b"2"}))
    other.execute("ROLLBACK")
    other.close()
    mark = Mark(tmp_path / "ledger.sqlite3")
    assert mark.read() == 1
    await ledger.commit(Changes({("a", "k"): b"2"}))
    assert mark.read() == 2
    await ledger.close()


async def test_a_mark_that_cannot_be_written_keeps_no_commit_from_being_made(
    tmp_path: Path, clock: ManualClock
) -> None:
    ledger = Ledger.open(tmp_path, clock)
    (tmp_path / MARK).mkdir()
    await ledger.commit(Changes({("a", "k"): b"1"}))
    (tmp_path / MARK).rmdir()
    await ledger.commit(Changes({("a", "k"): b"2"}))
    assert Mark(tmp_path / "ledger.sqlite3").read() == 2
    await ledger.close()


async def test_where_a_commit_need_not_survive_the_power_there_is_no_mark_to_raise_an_alarm(
    tmp_path: Path, clock: ManualClock
) -> None:
    ledger = Ledger.open(tmp_path, clock, durability="process")
    await ledger.commit(Changes({("a", "k"): b"1"}))
    assert not (tmp_path / MARK).exists()
    await ledger.close()


async def test_a_mixture_of_old_and_new_pages_is_never_an_error_and_is_told(
    tmp_path: Path, clock: ManualClock, draft: Draft
) -> None:
    ledger = Ledger.open(tmp_path / "state", clock)
    states = []
    for generation in range(2):
        entries: dict[tuple[str, str], bytes | None] = {("a", f"{generation} {key}"): bytes(200) for key in range(1000)}
        await ledger.commit(Changes(entries, [draft(bytes(300)) for _ in range(500)]))
        with ledger._file.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        states.append((tmp_path / "state" / "ledger.sqlite3").read_bytes())
    mark = (tmp_path / "state" / MARK).read_bytes()
    await ledger.close()
    old, new = states
    told = []
    for pages in range(0, len(new) // 4096, 7):
        half = tmp_path / f"{pages} pages"
        half.mkdir()
        (half / "ledger.sqlite3").write_bytes(new[: pages * 4096] + old[pages * 4096 :])
        (half / MARK).write_bytes(mark)
        ledger = Ledger.open(half, clock)
        told.append(bool(ledger.rolled_back or ledger.set_aside))
        await ledger.close()
    # Where the page that has the number was written, nothing tells that others were not, but that they do not fit.
    assert told[0]
    assert sum(told) > len(told) * 0.9, told
