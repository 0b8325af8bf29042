from __future__ import annotations

import asyncio
import errno
import json
import os
import threading
import zlib
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otlp_samples import make_record, make_span, outcome_of

from logagent.exporters import appender
from logagent.exporters.file import FileExporter
from logagent.model import DeliveryOutcome, OutboxItem, Outcome, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from logagent.exporters.protocol import Exporter

DELIVERED, RETRY = DeliveryOutcome.DELIVERED, DeliveryOutcome.RETRY


def item_of(number: int, line: bytes | None = None) -> OutboxItem:
    content = b'{"resourceLogs":[%d]}\n' % number if line is None else line
    return OutboxItem(number, "file", Signal.LOGS, 1, zlib.compress(content), 0)


class Ledger:
    """What survives a kill: the entries of settled items."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, bytes] = {}
        self.exporter = self.started()

    def started(self) -> FileExporter:
        self.exporter = FileExporter("file", path=self.path)
        self.exporter.restore(self.entries)
        return self.exporter

    async def deliver(self, item: OutboxItem, *, settle: bool = True) -> DeliveryOutcome:
        delivery = await self.exporter.deliver(item)
        if settle and delivery.outcome is DELIVERED:
            self.store(self.exporter.settled(item))
        return delivery.outcome

    def store(self, entries: Mapping[tuple[str, str], bytes]) -> None:
        for (room, key), value in entries.items():
            assert room == "exporter/file"
            self.entries[key] = value

    def numbers(self) -> list[int]:
        text = self.path.read_bytes()
        assert text.endswith(b"\n")
        return [json.loads(line)["resourceLogs"][0] for line in text.splitlines()]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "out.ndjson")


def test_it_is_an_exporter(tmp_path: Path) -> None:
    exporter: Exporter = FileExporter("file", path=tmp_path / "out")
    assert exporter.take() == []


async def test_records_and_spans_become_lines_of_their_own(ledger: Ledger) -> None:
    ledger.exporter.add(Outcome(records=[make_record(1), make_record(2, logger="other")], spans=[make_span()]))
    drafts = ledger.exporter.take()
    assert [(draft.signal, draft.count) for draft in drafts] == [(Signal.LOGS, 2), (Signal.TRACES, 1)]
    for number, draft in enumerate(drafts):
        item = OutboxItem(number, draft.exporter, draft.signal, draft.count, draft.pack(), 0)
        assert await ledger.deliver(item) is DELIVERED
    logs, traces = (orjson.loads(line) for line in ledger.path.read_bytes().splitlines())
    assert [scope["scope"]["name"] for scope in logs["resourceLogs"][0]["scopeLogs"]] == ["app.api"]
    assert len(logs["resourceLogs"]) == 2
    assert traces["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] == "0000000000000001"
    await ledger.exporter.close()


@pytest.mark.parametrize("signal", [Signal.LOGS, Signal.TRACES])
def test_only_the_signals_asked_for_are_kept(tmp_path: Path, signal: Signal) -> None:
    exporter = FileExporter("file", path=tmp_path / "out", signals=[signal])
    exporter.add(Outcome(records=[make_record()], spans=[make_span()]))
    assert [draft.signal for draft in exporter.take()] == [signal]


async def test_an_item_that_was_written_and_not_settled_before_a_kill_is_there_once(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    await ledger.deliver(item_of(2), settle=False)
    ledger.started()
    for number in (2, 3):
        await ledger.deliver(item_of(number))
    assert ledger.numbers() == [1, 2, 3]


async def test_the_first_item_of_all_is_there_once_though_the_ledger_knows_nothing(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1), settle=False)
    ledger.started()
    await ledger.deliver(item_of(1))
    assert ledger.numbers() == [1]


async def test_two_items_of_the_same_content_are_two_lines_across_a_kill(ledger: Ledger) -> None:
    same = item_of(1).payload
    await ledger.deliver(item_of(1))
    ledger.started()
    await ledger.deliver(OutboxItem(2, "file", Signal.LOGS, 1, same, 0))
    await ledger.deliver(OutboxItem(3, "file", Signal.LOGS, 1, same, 0))
    assert ledger.numbers() == [1, 1, 1]


# The disk takes the time that it takes.
@settings(deadline=None)
@given(torn=st.integers(1, 21), settled=st.booleans())
def test_a_line_cut_off_by_a_kill_is_completed(
    tmp_path_factory: pytest.TempPathFactory, torn: int, *, settled: bool
) -> None:
    async def scenario() -> None:
        ledger = Ledger(tmp_path_factory.mktemp("torn") / "out.ndjson")
        if settled:
            await ledger.deliver(item_of(1))
        with ledger.path.open("ab") as file:
            file.write(zlib.decompress(item_of(2).payload)[:torn])
        ledger.started()
        await ledger.deliver(item_of(2))
        assert ledger.numbers() == ([1, 2] if settled else [2])

    asyncio.run(scenario())


async def test_an_item_delivered_again_in_the_same_process_is_there_once(ledger: Ledger) -> None:
    for number in (1, 2, 2, 2, 3):
        await ledger.deliver(item_of(number))
    assert ledger.numbers() == [1, 2, 3]


async def test_an_id_used_again_for_another_line_loses_nothing(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    await ledger.deliver(OutboxItem(1, "file", Signal.LOGS, 1, item_of(2).payload, 0))
    assert ledger.numbers() == [1, 2]


async def test_a_rotated_file_is_let_go_and_a_new_one_begun(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    ledger.path.rename(ledger.path.with_suffix(".1"))
    await ledger.deliver(item_of(2))
    ledger.started()
    await ledger.deliver(item_of(3))
    assert ledger.numbers() == [2, 3]
    assert ledger.path.with_suffix(".1").read_bytes() == b'{"resourceLogs":[1]}\n'


async def test_a_file_rotated_while_the_agent_was_down_is_appended_to_at_its_end(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    ledger.path.rename(ledger.path.with_suffix(".1"))
    ledger.path.write_bytes(b'{"resourceLogs":[70]}\n' * 10)
    ledger.started()
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [70] * 10 + [2]


async def test_a_file_truncated_and_grown_beyond_the_position_since_keeps_its_lines(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    ledger.path.write_bytes(b'{"resourceLogs":[70]}\n' * 10)
    ledger.started()
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [70] * 10 + [2]


async def test_a_file_truncated_under_the_running_agent_is_appended_to(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    os.truncate(ledger.path, 0)
    await ledger.deliver(item_of(2))
    ledger.started()
    await ledger.deliver(item_of(3))
    assert ledger.numbers() == [2, 3]


async def test_what_another_writer_left_unfinished_does_not_swallow_the_line(ledger: Ledger) -> None:
    ledger.path.write_bytes(b"# a note")
    await ledger.deliver(item_of(1))
    assert ledger.path.read_bytes() == b'# a note\n{"resourceLogs":[1]}\n'


async def test_what_another_writer_appended_meanwhile_stays(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    with ledger.path.open("ab") as file:
        file.write(b'{"resourceLogs":[70]}\n')
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [1, 70, 2]


async def test_another_path_in_the_configuration_is_another_file(ledger: Ledger, tmp_path: Path) -> None:
    await ledger.deliver(item_of(1))
    ledger.path = tmp_path / "deep" / "er" / "out.ndjson"
    ledger.started()
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [2]


@pytest.mark.parametrize("stored", [b"", b"garbage", b"[]", b"{}", b'{"path":1}', b"\xff"])
async def test_a_position_that_cannot_be_read_is_as_good_as_none(ledger: Ledger, stored: bytes) -> None:
    await ledger.deliver(item_of(1), settle=False)
    ledger.entries = {"position": stored}
    ledger.started()
    await ledger.deliver(item_of(1))
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [1, 2]


async def test_a_full_disk_is_retried_and_leaves_no_part_of_a_line(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.deliver(item_of(1))
    write = os.write
    budget = iter([5])

    def full(file: int, data: bytes) -> int:
        room = next(budget, 0)
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[:room])

    monkeypatch.setattr(appender.os, "write", full)
    delivery = await ledger.exporter.deliver(item_of(2))
    assert (delivery.outcome, delivery.reason) == (RETRY, f"{ledger.path}: No space left on device")
    assert ledger.numbers() == [1]
    monkeypatch.setattr(appender.os, "write", write)
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [1, 2]


async def test_a_part_that_could_not_be_taken_back_is_cut_off_by_the_next_attempt(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.deliver(item_of(1))
    write = os.write
    budget = iter([5])

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(appender.os, "write", lambda file, data: write(file, data[: next(budget, None) or failing()]))
        broken.setattr(appender.os, "ftruncate", failing)
        assert await ledger.deliver(item_of(2)) is RETRY
    assert not ledger.path.read_bytes().endswith(b"\n")
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [1, 2]


async def test_a_line_whose_flush_failed_is_there_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    await ledger.deliver(item_of(1))

    def failing(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(appender.os, "fsync", failing)
        assert await ledger.deliver(item_of(2)) is RETRY
    await ledger.deliver(item_of(2))
    assert ledger.numbers() == [1, 2]


async def test_a_write_that_takes_only_a_part_goes_on_with_the_rest(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(appender.os, "write", lambda file, data: write(file, data[:3]))
    await ledger.deliver(item_of(1))
    assert ledger.numbers() == [1]


async def test_a_directory_a_pipe_and_a_file_for_a_parent_are_retried_with_a_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "plain").write_text("")
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path / "plain" / "out", "Not a directory"),
    ):
        delivery = await FileExporter("file", path=path).deliver(item_of(1))
        assert delivery.outcome is RETRY
        assert str(path) in delivery.reason
        assert reason in delivery.reason or "File exists" in delivery.reason


async def test_an_item_that_cannot_be_unpacked_is_rejected(ledger: Ledger) -> None:
    delivery = await ledger.exporter.deliver(OutboxItem(1, "file", Signal.LOGS, 1, b"garbage", 0))
    assert delivery.outcome is DeliveryOutcome.REJECTED
    assert not ledger.path.exists()


async def test_an_attempt_abandoned_by_its_caller_still_counts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(file: int) -> None:
        entered.set()
        assert leave.wait(10)
        fsync(file)

    await ledger.deliver(item_of(1))
    monkeypatch.setattr(appender.os, "fsync", slow)
    attempt = asyncio.create_task(ledger.exporter.deliver(item_of(2)))
    await asyncio.to_thread(entered.wait, 10)
    attempt.cancel()
    leave.set()
    await ledger.deliver(item_of(2))
    await ledger.deliver(item_of(3))
    assert ledger.numbers() == [1, 2, 3]


async def test_the_file_is_not_for_everybody_to_read(ledger: Ledger) -> None:
    await ledger.deliver(item_of(1))
    assert ledger.path.stat().st_mode & 0o007 == 0


async def test_an_outcome_of_many_spans_becomes_lines_of_bounded_size(tmp_path: Path) -> None:
    exporter = FileExporter("file", path=tmp_path / "out")
    exporter.add(outcome_of(4_500))
    assert [draft.count for draft in exporter.take()] == [2_000, 2_000, 500]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["deliver", "kill", "kill before settling", "kill while writing", "rotate"]), max_size=25)
)
def test_whatever_happens_each_line_is_there_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    async def scenario() -> None:
        directory = tmp_path_factory.mktemp("model")
        ledger = Ledger(directory / "out.ndjson")
        number = 1
        rotated: list[Path] = []
        for step in steps:
            match step:
                case "deliver":
                    await ledger.deliver(item_of(number))
                    number += 1
                case "kill":
                    ledger.started()
                case "kill before settling":
                    await ledger.deliver(item_of(number), settle=False)
                    ledger.started()
                    await ledger.deliver(item_of(number))
                    number += 1
                case "kill while writing":
                    with ledger.path.open("ab") as file:
                        file.write(zlib.decompress(item_of(number).payload)[: number % 20 + 1])
                    ledger.started()
                    await ledger.deliver(item_of(number))
                    number += 1
                case "rotate" if ledger.path.exists():
                    rotated.append(ledger.path.rename(directory / f"rotated.{len(rotated)}"))
        await ledger.deliver(item_of(number))
        content = b"".join(path.read_bytes() for path in [*rotated, ledger.path])
        found = [json.loads(line)["resourceLogs"][0] for line in content.splitlines()]
        assert found == list(range(1, number + 1))

    asyncio.run(scenario())
