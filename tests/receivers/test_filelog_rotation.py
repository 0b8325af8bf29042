# ruff: noqa: ASYNC240  # a test waits for its own files
from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
from receiver_harness import Ledger, append, expect, following, read_once, until

from logagent.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def rotate(log: Path, keep: int = 1000) -> None:
    """Rename as logrotate does: the highest count first."""
    counts = sorted((int(path.suffix[1:]) for path in log.parent.glob(log.name + ".*[0-9]")), reverse=True)
    for count in counts:
        old = log.with_name(f"{log.name}.{count}")
        if count >= keep:
            old.unlink()
        else:
            old.rename(log.with_name(f"{log.name}.{count + 1}"))
    log.rename(log.with_name(log.name + ".1"))


def copytruncate(log: Path, copy: Path) -> None:
    shutil.copyfile(log, copy)
    os.truncate(log, 0)


@pytest.mark.parametrize("pattern", ["app.log", "*.log", "app.log*"])
async def test_what_is_written_to_a_renamed_file_comes_before_its_successor(
    log: Path, ledger: Ledger, tmp_path: Path, pattern: str
) -> None:
    append(log, "one")
    clock = ManualClock(time.time_ns())
    async with following(ledger, tmp_path / pattern, quiet_seconds=5, order_seconds=60, clock=clock) as made:
        with log.open("a", buffering=1) as writer:
            writer.write("two\n")
            rotate(log)
            append(log, "four")
            await until(lambda: made.observe().lag_bytes == 5 and ledger.lines == ["one", "two"])
            writer.write("three\n")
        await expect(ledger, ["one", "two", "three"])
        assert not made.caught_up
        clock.advance(10)
        append(log, "five")
        await expect(ledger, ["one", "two", "three", "four", "five"])


async def test_a_file_that_is_written_to_after_its_rotation_does_not_hold_back_its_successor_for_ever(
    log: Path, ledger: Ledger
) -> None:
    append(log, "old")
    async with following(ledger, log, quiet_seconds=0.4, order_seconds=0.5):
        with log.open("a") as writer:
            rotate(log)
            append(log, "new")
            while "new" not in ledger.lines:
                writer.write("still\n")
                writer.flush()
                await asyncio.sleep(0.02)
        last = len(ledger.lines)
        append(log.with_name("app.log.1"), "late")
        await until(lambda: "late" in ledger.lines[last:])

    assert ledger.lines.count("new") == 1


async def test_late_lines_in_a_rotated_file_that_was_closed_are_still_read(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    async with following(ledger, log) as made:
        rotate(log)
        append(log, "two")
        await expect(ledger, ["one", "two"])
        await until(lambda: made.observe().open_files == 1)
        append(log.with_name("app.log.1"), "late")
        await expect(ledger, ["one", "two", "late"])


async def test_the_last_line_of_a_rotated_file_needs_no_line_feed(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    append(log, "cut short", end="")
    async with following(ledger, log):
        assert ledger.lines == ["one"]
        rotate(log)
        append(log, "two")
        await expect(ledger, ["one", "cut short", "two"])


async def test_the_last_line_of_a_deleted_file_needs_no_line_feed(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    append(log, "cut short", end="")
    async with following(ledger, log) as made:
        log.unlink()
        await expect(ledger, ["one", "cut short"])
        await until(lambda: list(ledger.positions) == ["receiver"])
        assert made.observe().open_files == 0

    assert ledger.losses == {}


async def test_a_deleted_file_is_read_to_its_end(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    ledger.open.clear()
    async with following(ledger, log) as made:
        await until(lambda: made.observe().open_files == 1)
        append(log, "two")
        log.unlink()
        ledger.open.set()
        await expect(ledger, ["one", "two"])
        append(log, "another")
        await expect(ledger, ["one", "two", "another"])


async def test_a_deleted_file_is_held_for_a_bounded_time_and_what_is_lost_is_counted(log: Path, ledger: Ledger) -> None:
    append(log, "one", "two")
    ledger.open.clear()
    async with following(ledger, log, hold_seconds=0.1, rescan_seconds=0.02, chunk_bytes=4) as made:
        await until(lambda: made.observe().open_files == 1)
        log.unlink()
        await until(lambda: made.observe().open_files == 0)
        ledger.open.set()
        await until(lambda: "hold_expired_bytes" in ledger.losses)

    assert ledger.losses["hold_expired_bytes"] + sum(batch.size for batch in ledger.batches) == 8


async def test_a_file_moved_elsewhere_is_read_to_its_end(log: Path, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    append(log, "one")
    async with following(ledger, log, quiet_seconds=1.0, rescan_seconds=60):
        with log.open("a") as writer:
            log.rename(tmp_path / "archive" / "app")
            append(log, "three")
            await asyncio.sleep(0.5)
            writer.write("two\n")
        await expect(ledger, ["one", "two", "three"])


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
@pytest.mark.parametrize("rotations", [1, 2, 5])
async def test_rotations_during_downtime_lose_nothing_and_keep_the_order(
    log: Path, ledger: Ledger, tmp_path: Path, rotations: int, pattern: str
) -> None:
    append(log.with_name("app.log.1"), "from before the first start")
    os.utime(log.with_name("app.log.1"), (1, 1))
    append(log, "read")
    await read_once(ledger, log)
    append(log, "unread")
    expected = ["read", "unread"]
    for number in range(rotations):
        rotate(log)
        append(log, f"generation {number}")
        expected.append(f"generation {number}")
    await read_once(ledger, log)
    assert ledger.lines == expected

    append(log, "last")
    await read_once(
        ledger, tmp_path / pattern, exclude=["app.log.[6-9]", "app.log.2", "app.log.3"] if "*" in pattern else []
    )
    assert [line for line in ledger.lines if "before" not in line] == [*expected, "last"]


async def test_generations_that_only_a_pattern_matches_are_read_oldest_first(
    log: Path, ledger: Ledger, tmp_path: Path
) -> None:
    for number in range(5):
        append(log, str(number))
        if number < 4:
            rotate(log)
    await read_once(ledger, tmp_path / "app.log*")

    assert ledger.lines == ["0", "1", "2", "3", "4"]


async def test_dated_names_and_counts_that_grow_with_time_are_put_in_order(log: Path, ledger: Ledger) -> None:
    append(log, "0")
    await read_once(ledger, log)
    expected = ["0"]
    for number in range(1, 12):
        log.rename(log.with_name(f"app-2026-11-{number:02}.log") if number % 2 else log.with_name(f"app.log.{number}"))
        append(log, str(number))
        expected.append(str(number))
    await read_once(ledger, log)

    assert ledger.lines == expected


async def test_rotation_stays_in_order_when_only_part_was_taken_before_a_restart(log: Path) -> None:
    for accepts in range(12):
        for path in log.parent.iterdir():
            path.unlink()
        ledger = Ledger()
        append(log, "a1", "a2")
        await read_once(ledger, log)
        append(log, "a3", "a4")
        rotate(log)
        append(log, "b1", "b2")
        rotate(log)
        append(log, "c1", "c2")
        ledger.accepts = accepts
        async with following(Ledger(), log):
            pass
        task = asyncio.create_task(read_once(ledger, log, chunk_bytes=3))
        await until(lambda task=task, ledger=ledger: task.done() or ledger.accepts == 0)
        task.cancel()
        await asyncio.wait([task])
        rotate(log)
        append(log, "d1")
        ledger.accepts = -1
        await read_once(ledger, log, chunk_bytes=3)
        assert ledger.lines == ["a1", "a2", "a3", "a4", "b1", "b2", "c1", "c2", "d1"], accepts


async def test_a_compressed_generation_that_was_not_read_is_counted(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    await read_once(ledger, log)
    for number in range(2):
        append(log, f"unread {number}")
        os.utime(log, (time.time() + number + 1, time.time() + number + 1))
        with gzip.open(log.with_name(f"app.log.{2 - number}.gz"), "wb") as compressed:
            compressed.write(log.read_bytes())
        shutil.copystat(log, log.with_name(f"app.log.{2 - number}.gz"))
        log.unlink()
    append(log, "new")
    await read_once(ledger, log)
    await read_once(ledger, log)

    assert ledger.lines == ["one", "new"]
    assert ledger.losses == {"rotated_compressed": 2}


async def test_compressing_what_was_read_is_no_loss(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    async with following(ledger, log, rescan_seconds=0.02):
        rotate(log)
        append(log, "two")
        await expect(ledger, ["one", "two"])
        plain = log.with_name("app.log.1")
        with gzip.open(log.with_name("app.log.1.gz"), "wb") as compressed:
            compressed.write(plain.read_bytes())
        shutil.copystat(plain, log.with_name("app.log.1.gz"))
        plain.unlink()
        rotate(log)
        append(log, "three")
        await expect(ledger, ["one", "two", "three"])
    await read_once(ledger, log)

    assert ledger.losses == {}


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_a_truncated_file_is_read_anew_and_its_rest_from_the_copy(
    log: Path, ledger: Ledger, tmp_path: Path, pattern: str
) -> None:
    append(log, "one", "two")
    await read_once(ledger, tmp_path / pattern)
    append(log, "three")
    copytruncate(log, log.with_name("app.log.1"))
    append(log, "four")
    await read_once(ledger, tmp_path / pattern)
    await read_once(ledger, tmp_path / pattern)

    assert ledger.lines == ["one", "two", "three", "four"]
    assert ledger.losses == {}


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_truncation_under_a_writer_is_followed(log: Path, ledger: Ledger, tmp_path: Path, pattern: str) -> None:
    expected: list[str] = []
    log.touch()
    async with following(ledger, tmp_path / pattern, rescan_seconds=0.05):
        for round_number in range(4):
            for number in range(30):
                expected.append(f"{round_number}.{number}")
                append(log, expected[-1])
            await expect(ledger, expected)
            rotated = log.with_name("app.log.1")
            if rotated.exists():
                rotated.rename(log.with_name(f"app.log.{5 - round_number}"))
            copytruncate(log, rotated)
            await asyncio.sleep(0.02)
        append(log, "end")
        await expect(ledger, [*expected, "end"])


async def test_a_hole_that_truncation_leaves_under_a_writer_is_counted(log: Path, ledger: Ledger) -> None:
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\ntwo\n")
        async with following(ledger, log):
            os.truncate(log, 0)
            writer.write(b"three\n")
            await expect(ledger, ["one", "two", "three"])

    assert ledger.losses == {"nul_bytes": 8}


async def test_truncation_and_growth_past_the_old_end_is_noticed(log: Path, ledger: Ledger) -> None:
    append(log, "one", "two")
    await read_once(ledger, log)
    log.write_text("three\nfour\nfive and more\n")
    await read_once(ledger, log)
    assert ledger.lines == ["one", "two", "three", "four", "five and more"]

    async with following(ledger, log):
        log.write_text("six is a lot longer than all that was there before, surely\nseven\n")
        await expect(ledger, [*ledger.lines[:5], "six is a lot longer than all that was there before, surely", "seven"])


async def test_bytes_known_to_be_cut_off_are_counted(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    append(log, "begun", end="")
    async with following(ledger, log):
        log.write_text("two\n")
        await expect(ledger, ["one", "two"])

    assert ledger.losses == {"truncated_bytes": 5}


async def test_a_reused_inode_with_other_content_is_a_new_file(log: Path, ledger: Ledger) -> None:
    append(log, "one", "two")
    await read_once(ledger, log)
    inode = log.stat().st_ino
    log.write_text("")
    append(log, "three", "four", "five")
    assert log.stat().st_ino == inode
    await read_once(ledger, log)

    assert ledger.lines == ["one", "two", "three", "four", "five"]


async def test_a_file_that_vanished_during_downtime_is_forgotten(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    await read_once(ledger, log)
    log.unlink()
    await read_once(ledger, log)

    assert list(ledger.positions) == ["receiver"]


async def test_two_hundred_fast_rotations_lose_nothing_and_keep_the_order(log: Path, ledger: Ledger) -> None:
    expected = [f"{generation}.{line}" for generation in range(200) for line in range(5)]

    def write() -> None:
        for generation in range(200):
            with log.open("a") as file:
                file.writelines(f"{generation}.{line}\n" for line in range(5))
            if generation < 199:
                rotate(log)

    async with following(ledger, log, quiet_seconds=0.1, rescan_seconds=0.5):
        writer = threading.Thread(target=write)
        writer.start()
        await asyncio.to_thread(writer.join)
        await expect(ledger, expected)

    await read_once(ledger, log)
    assert ledger.lines == expected
    assert ledger.losses == {}


async def test_the_copy_of_a_file_of_which_nothing_was_read_is_read_first(log: Path, ledger: Ledger) -> None:
    log.touch()
    await read_once(ledger, log)
    append(log, "one")
    copytruncate(log, log.with_name("app.log.1"))
    append(log, "two")
    await read_once(ledger, log)

    assert ledger.lines == ["one", "two"]


async def test_a_copy_that_was_seen_before_the_truncation_is_found_after_it(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    async with following(ledger, log, rescan_seconds=0.02, chunk_bytes=4) as made:
        ledger.open.clear()
        append(log, "two", "three")
        await until(lambda: made.observe().lag_bytes == 6)
        shutil.copyfile(log, log.with_name("app.log.1"))
        await asyncio.sleep(0.1)
        os.truncate(log, 0)
        append(log, "four")
        await asyncio.sleep(0.1)
        ledger.open.set()
        await expect(ledger, ["one", "two", "three", "four"])

    assert ledger.losses == {}


async def test_a_copy_made_by_hand_is_not_read(log: Path, ledger: Ledger, tmp_path: Path) -> None:
    append(log, "one", "two")
    async with following(ledger, tmp_path / "app.log*", rescan_seconds=0.02) as made:
        shutil.copyfile(log, log.with_name("app.log.1"))
        append(log, "three")
        await expect(ledger, ["one", "two", "three"])
        await asyncio.sleep(0.1)
        await until(lambda: made.caught_up)
    await read_once(ledger, tmp_path / "app.log*")

    assert ledger.lines == ["one", "two", "three"]


async def test_what_was_put_beside_the_log_before_its_rotation_is_no_generation(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    async with following(ledger, log, rescan_seconds=0.02):
        append(log.with_name("app.log.notes"), "not a log")
        await asyncio.sleep(0.2)
        rotate(log)
        append(log, "two")
        await expect(ledger, ["one", "two"])


async def test_a_known_path_is_never_read_from_its_end_even_if_the_first_start_was_cut_short(
    log: Path, ledger: Ledger
) -> None:
    append(log, "old")
    async with following(ledger, log, start_at="end"):
        pass
    del ledger.positions["receiver"]
    rotate(log)
    append(log, "new")
    async with following(ledger, log, start_at="end"):
        await expect(ledger, ["new"])


async def test_what_was_cut_off_before_it_was_read_is_not_taken_for_deleted_later(log: Path, ledger: Ledger) -> None:
    append(log, "one")
    ledger.accepts = 1
    task = asyncio.create_task(read_once(ledger, log))
    await until(lambda: ledger.accepts == 0)
    task.cancel()
    await asyncio.wait([task])
    ledger.accepts = -1
    copytruncate(log, log.with_name("app.log.1"))
    await read_once(ledger, log)
    log.unlink()
    await read_once(ledger, log)

    assert ledger.lines == ["one"]
    assert ledger.losses == {}
