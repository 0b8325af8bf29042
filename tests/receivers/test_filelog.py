# ruff: noqa: ASYNC230, ASYNC240, PTH115, PTH208  # a test waits for its own files; descriptors are no paths
from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest
from receiver_harness import Ledger, append, expect, following, read_once, receiver, until

from logagent.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


def open_below(directory: Path) -> list[str]:
    """Files below a directory that this process has open."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [path for path in found if path.startswith(f"{directory}/")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


async def test_what_exists_is_read_and_then_what_is_added(log: Path, ledger: Ledger) -> None:
    append(log, "one", "two")
    async with following(ledger, log):
        assert ledger.lines == ["one", "two"]
        append(log, "three")
        await expect(ledger, ["one", "two", "three"])


async def test_a_batch_tells_its_size_and_when_it_was_seen(log: Path, ledger: Ledger) -> None:
    log.write_bytes(b"one\r\n\ntwo\npart")
    await read_once(ledger, log, clock=ManualClock(5_000_000_000))

    batch, last = (batch for batch in ledger.batches if batch.lines)
    assert (batch.lines, batch.size, batch.source) == ([b"one", b"two"], 10, str(log))
    assert (last.lines, last.size) == ([b"part"], 4)
    assert batch.observed_unix_nano == 5_000_000_000


async def test_a_line_is_emitted_only_when_it_is_complete(log: Path, ledger: Ledger) -> None:
    append(log, "one", "tw", end="\n")
    append(log, "half", end="")
    async with following(ledger, log):
        append(log, " and half")
        await expect(ledger, ["one", "tw", "half and half"])


async def test_an_incomplete_line_survives_a_restart(log: Path, ledger: Ledger) -> None:
    append(log, "one", "half\r", end="\r\n")
    append(log, "quar", end="")
    async with following(ledger, log):
        pass
    append(log, "ter")
    await read_once(ledger, log)

    assert ledger.lines == ["one", "half\r", "quarter"]


@pytest.mark.parametrize(
    ("rest", "lines"), [("\n", ["tail"]), ("ed\nnew\n", ["tail", "ed", "new"]), ("\r\nx\n", ["tail", "x"])]
)
async def test_a_last_line_read_once_is_neither_repeated_nor_lost_when_it_goes_on(
    log: Path, ledger: Ledger, rest: str, lines: list[str]
) -> None:
    append(log, "tail", end="")
    await read_once(ledger, log)
    assert ledger.lines == ["tail"]

    append(log, rest, end="")
    await read_once(ledger, log)
    assert ledger.lines == lines


async def test_starting_at_the_end_applies_to_the_very_first_start_only(
    log: Path, ledger: Ledger, tmp_path: Path
) -> None:
    append(log, "old", "half")
    append(log, "begun", end="")
    async with following(ledger, tmp_path / "*.log", start_at="end"):
        append(log, " ended")
        append(tmp_path / "later.log", "later")
        await until(lambda: len(ledger.lines) == 2)
        assert sorted(ledger.lines) == ["begun ended", "later"]
    append(log, "while down")
    append(tmp_path / "new.log", "new while down")
    async with following(ledger, tmp_path / "*.log", start_at="end"):
        await until(lambda: len(ledger.lines) == 4)

    assert sorted(ledger.lines) == ["begun ended", "later", "new while down", "while down"]


async def test_the_end_where_reading_starts_is_in_the_ledger_before_any_line(log: Path, ledger: Ledger) -> None:
    append(log, "old")
    async with following(ledger, log, start_at="end"):
        assert [batch.lines for batch in ledger.batches] == [[], []]
    append(log, "while down")
    async with following(ledger, log, start_at="end"):
        await expect(ledger, ["while down"])


async def test_a_first_start_without_any_file_is_a_start(log: Path, ledger: Ledger) -> None:
    async with following(ledger, log, start_at="end"):
        pass
    append(log, "first")
    async with following(ledger, log, start_at="end"):
        await expect(ledger, ["first"])


async def test_once_reads_from_the_beginning_if_it_knows_nothing(log: Path, ledger: Ledger) -> None:
    append(log, "old")
    await read_once(ledger, log, start_at="end")

    assert ledger.lines == ["old"]


async def test_a_file_that_was_read_is_not_read_again(log: Path, ledger: Ledger) -> None:
    append(log, *(f"line {number}" for number in range(1000)))
    for _ in range(3):
        await read_once(ledger, log)

    assert len(ledger.lines) == 1000


async def test_every_prefix_of_batches_is_a_place_to_resume_from(log: Path) -> None:
    expected = [f"line {number}" for number in range(60)]
    append(log, *expected)
    for accepts in range(30):
        ledger = Ledger()
        ledger.accepts = accepts
        made = receiver(log, chunk_bytes=32)
        task = asyncio.create_task(made.run(ledger.emit, once=True, stop=asyncio.Event()))
        await until(lambda task=task, ledger=ledger: task.done() or ledger.accepts == 0)
        task.cancel()
        await asyncio.wait([task])
        ledger.accepts = -1
        await read_once(ledger, log)
        assert ledger.lines == expected


async def test_empty_files_directories_pipes_and_sockets_are_passed_over_and_reported_once(
    tmp_path: Path, ledger: Ledger
) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "directory.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "dangling.log").symlink_to(tmp_path / "nothing")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.log"))
        append(tmp_path / "real.log", "real")
        async with following(ledger, tmp_path / "*.log", rescan_seconds=0.02) as made:
            append(tmp_path / "real.log", "more")
            await expect(ledger, ["real", "more"])
            assert made.observe().lag_bytes == 0

    assert ledger.losses == {"not_a_file": 3}


async def test_a_file_found_under_several_names_is_read_once(tmp_path: Path, ledger: Ledger) -> None:
    target = tmp_path / "target.log"
    append(target, "one")
    (tmp_path / "a-link.log").symlink_to(target)
    os.link(target, tmp_path / "hard.log")
    async with following(ledger, [str(tmp_path / "*.log"), str(tmp_path / "t*"), str(target)]):
        append(target, "two")
        await expect(ledger, ["one", "two"])


async def test_a_link_that_is_turned_to_another_file_is_followed(tmp_path: Path, ledger: Ledger) -> None:
    link = tmp_path / "current"
    (tmp_path / "data").mkdir()
    expected = []
    append(tmp_path / "data" / "0", "0 a")
    link.symlink_to(tmp_path / "data" / "0")
    async with following(ledger, link, rescan_seconds=0.05):
        expected.append("0 a")
        for number in range(1, 6):
            append(tmp_path / "data" / str(number - 1), f"{number - 1} late")
            append(tmp_path / "data" / str(number), f"{number} a")
            fresh = tmp_path / "fresh"
            fresh.symlink_to(tmp_path / "data" / str(number))
            fresh.replace(link)
            expected += [f"{number - 1} late", f"{number} a"]
            await expect(ledger, expected)


async def test_excluded_files_are_not_read(tmp_path: Path, ledger: Ledger) -> None:
    for name in ("a.log", "b.log", "sub/a.log", "sub/deep/c.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        append(tmp_path / name, name)
    await read_once(ledger, tmp_path / "**" / "*.log", exclude=["b.*", f"{tmp_path}/sub/**/c.log"])

    assert sorted(ledger.lines) == ["a.log", "sub/a.log"]


async def test_two_files_with_the_same_content_are_both_read(tmp_path: Path, ledger: Ledger) -> None:
    for name in ("a.log", "b.log"):
        append(tmp_path / name, *["same line"] * 300)
    await read_once(ledger, tmp_path / "*.log")
    append(tmp_path / "b.log", "only b")
    await read_once(ledger, tmp_path / "*.log")

    assert len(ledger.lines) == 601


async def test_an_unreadable_file_is_reported_once_and_read_when_it_can_be(
    log: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, "secret")
    real_open = os.open
    denied = {str(log)}

    def guarded(path: str, flags: int, *rest: int) -> int:
        if path in denied:
            raise PermissionError(13, "denied", path)
        return real_open(path, flags, *rest)

    monkeypatch.setattr("os.open", guarded)
    async with following(ledger, log, rescan_seconds=0.02):
        await asyncio.sleep(0.1)
        assert ledger.lines == []
        assert ledger.losses == {"unreadable": 1}
        denied.clear()
        await expect(ledger, ["secret"])


async def test_directories_that_appear_later_are_found(tmp_path: Path, ledger: Ledger) -> None:
    async with following(ledger, tmp_path / "*" / "logs" / "*.log", rescan_seconds=60):
        (tmp_path / "app").mkdir()
        await asyncio.sleep(0.2)
        (tmp_path / "app" / "logs").mkdir()
        await asyncio.sleep(0.2)
        append(tmp_path / "app" / "logs" / "x.log", "hello")
        await expect(ledger, ["hello"])


async def test_without_notifications_files_are_looked_at_on_a_timer(
    log: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "OS file watch limit reached.")

    monkeypatch.setattr("logagent.receivers.wakeup.awatch", refuse)
    async with following(ledger, log, rescan_seconds=60, poll_seconds=0.02) as made:
        await until(lambda: made.polling)
        assert made.observe().polling
        append(log, "one")
        await expect(ledger, ["one"])


async def test_files_take_turns(tmp_path: Path, ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        append(tmp_path / f"{name}.log", *[f"{name} {number}" for number in range(100)])
    await read_once(ledger, tmp_path / "*.log", chunk_bytes=64)

    sources = [batch.source for batch in ledger.batches if batch.lines]
    assert all(len(set(sources[at : at + 3])) == 3 for at in range(0, len(sources) - 3, 3))


async def test_new_files_are_opened_while_the_agent_pushes_back(log: Path, tmp_path: Path, ledger: Ledger) -> None:
    append(log, "one")
    ledger.open.clear()
    async with following(ledger, tmp_path / "*.log", rescan_seconds=0.02) as made:
        append(tmp_path / "short-lived.log", "saved")
        await until(lambda: made.observe().open_files == 2)
        (tmp_path / "short-lived.log").unlink()
        assert not made.caught_up
        assert made.observe().lag_bytes == 10
        ledger.open.set()
        await until(lambda: sorted(ledger.lines) == ["one", "saved"])


async def test_it_stops_promptly_while_the_agent_pushes_back(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    ledger.open.clear()
    stop = asyncio.Event()
    task = asyncio.create_task(receiver(log).run(ledger.emit, once=False, stop=stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(task, 1)

    assert ledger.batches == []


async def test_more_files_than_may_be_open_are_all_read_and_read_on(tmp_path: Path, ledger: Ledger) -> None:
    paths = [tmp_path / f"{number}.log" for number in range(40)]
    for path in paths:
        append(path, f"{path.name} first")
    async with following(ledger, tmp_path / "*.log", max_open_files=5) as made:
        for path in paths:
            append(path, f"{path.name} second")
        await until(lambda: len(ledger.lines) == 80)
        assert made.observe().open_files <= 5

    assert len(set(ledger.lines)) == 80


async def test_no_file_is_left_open(tmp_path: Path, ledger: Ledger) -> None:
    for number in range(10):
        append(tmp_path / f"{number}.log", "x")
        async with following(ledger, tmp_path / "*.log") as made:
            assert made.observe().open_files == number + 1

    assert open_below(tmp_path) == []


async def test_a_damaged_position_is_counted_and_forgotten(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    ledger.positions = {"receiver": b"{}", "damaged": b"\0\0\0", "older": b"[]"}
    await read_once(ledger, log)

    assert ledger.lines == ["one"]
    assert ledger.losses == {"bad_position": 2}
    assert not {"damaged", "older"} & set(ledger.positions)


async def test_hostile_bytes_pass_and_what_is_stripped_is_counted(log: Path, ledger: Ledger) -> None:
    log.write_bytes(b"\0\0\0\0after\n\xff\xfe\xc3\n" + b"[" * 100_000 + b"\nend\n")
    await read_once(ledger, log)

    assert [line for batch in ledger.batches for line in batch.lines] == [
        b"after",
        b"\xff\xfe\xc3",
        b"[" * 100_000,
        b"end",
    ]
    assert ledger.losses == {"nul_bytes": 4}


async def test_a_file_name_that_is_no_text_is_read(tmp_path: Path, ledger: Ledger) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.log"
    with open(name, "wb") as file:  # noqa: PTH123  # a path of bytes
        file.write(b"one\n")
    await read_once(ledger, tmp_path / "*.log")
    await read_once(ledger, tmp_path / "*.log")

    assert ledger.lines == ["one"]
    assert all(batch.source.encode() for batch in ledger.batches)
