from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logagent.model import Changes
from logagent.state import database
from logagent.state.errors import LedgerError
from logagent.state.ledger import Ledger
from logagent.state.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.clock import ManualClock

HOLD = """
import sys
from pathlib import Path
from logagent.clock import SystemClock
from logagent.state.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]), SystemClock())
print("held", flush=True)
sys.stdin.read()
"""


async def test_a_second_agent_is_told_who_holds_the_directory_and_gets_it_when_that_one_is_killed(
    tmp_path: Path, clock: ManualClock
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        with pytest.raises(LedgerError, match=rf"process {holder.pid}\b") as caught:
            Ledger.open(tmp_path, clock)
        assert caught.value.exit_code == 3
        assert "[state] dir" in caught.value.hint
    finally:
        holder.kill()
        await holder.communicate()
    ledger = Ledger.open(tmp_path, clock)
    assert ledger.set_aside is None
    await ledger.close()


async def test_a_failed_opening_lets_go_of_the_directory(tmp_path: Path, clock: ManualClock) -> None:
    newer = len(MIGRATIONS) + 1
    await Ledger.open(tmp_path, clock).close()
    _execute(tmp_path / "ledger.sqlite3", f"PRAGMA user_version = {newer}")
    with pytest.raises(LedgerError, match=f"format {newer}") as caught:
        Ledger.open(tmp_path, clock)
    assert not caught.value.corrupt
    assert "newer logagent" in caught.value.hint
    _execute(tmp_path / "ledger.sqlite3", f"PRAGMA user_version = {len(MIGRATIONS)}")
    ledger = Ledger.open(tmp_path, clock)
    assert ledger.set_aside is None
    await ledger.close()


async def test_an_older_ledger_is_brought_up_to_date(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(tmp_path, clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    later = ("CREATE TABLE later(x)", "INSERT INTO later VALUES (1)")
    monkeypatch.setattr("logagent.state.migrations.MIGRATIONS", (*MIGRATIONS, later))
    for _ in range(2):
        ledger = Ledger.open(tmp_path, clock)
        assert ledger.load("a") == {"k": b"1"}
        await ledger.close()
    assert _execute(tmp_path / "ledger.sqlite3", "SELECT x FROM later") == [(1,)]


async def test_a_ledger_that_was_begun_but_not_finished_is_begun_again(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "ledger.sqlite3.new").write_bytes(b"half")
    (tmp_path / "ledger.sqlite3.new-journal").write_bytes(b"half")
    ledger = Ledger.open(tmp_path, clock)
    assert ledger.set_aside is None
    await ledger.close()
    assert names(tmp_path) == {"ledger.sqlite3", "ledger.lock"}


async def test_a_directory_with_any_name_will_do(tmp_path: Path, clock: ManualClock) -> None:
    directory = tmp_path / "a b?c#d%20\udcff'"
    ledger = Ledger.open(directory, clock)
    await ledger.commit(Changes({("a", "k"): b"1"}))
    await ledger.close()
    assert (directory / "ledger.sqlite3").is_file()


@pytest.mark.parametrize("name", ["ledger.lock", "ledger.sqlite3.new"])
def test_a_directory_where_a_working_file_should_be_is_an_error_in_words(
    tmp_path: Path, clock: ManualClock, name: str
) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(LedgerError, match=r"cannot (open|create)") as caught:
        Ledger.open(tmp_path, clock)
    assert not caught.value.corrupt


def test_a_state_directory_that_is_a_file_is_an_error_in_words(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(LedgerError, match="cannot make the state directory"):
        Ledger.open(tmp_path / "state", clock)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Act as a user without privileges, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("existing", ["existing", ""])
async def test_a_directory_that_cannot_be_written_ends_with_code_3_and_what_to_try(
    tmp_path: Path, clock: ManualClock, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, existing: str
) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    if existing:
        await Ledger.open(directory, clock).close()
        (directory / "ledger.lock").chmod(0o666)
        (directory / "ledger.sqlite3").chmod(0o444)
    directory.chmod(0o555)
    # A relative path: above the test's directory another user may have no access at all.
    monkeypatch.chdir(directory)
    request.getfixturevalue("nobody")
    with pytest.raises(LedgerError, match="Permission denied") as caught:
        Ledger.open(Path(), clock)
    assert caught.value.exit_code == 3
    assert not caught.value.corrupt
    assert "writable for this user" in caught.value.hint


def test_a_full_disk_at_the_start_is_no_corruption(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE entry(x)")
        connection.execute("CREATE TABLE outbox(x)")

    monkeypatch.setattr(database, "migrate", full)
    with pytest.raises(LedgerError, match="the disk is full") as caught:
        Ledger.open(tmp_path, clock)
    assert not caught.value.corrupt
    assert not (tmp_path / "ledger.sqlite3").exists()


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def _execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
