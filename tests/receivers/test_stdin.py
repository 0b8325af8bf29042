# ruff: noqa: PTH208  # descriptors are no paths
from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from receiver_harness import Ledger, until

from logagent.clock import ManualClock
from logagent.receivers.stdin import StdinReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path


@pytest.fixture
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source, os.fdopen(writing, "wb", buffering=0) as sink:
        yield source, sink


async def test_lines_of_a_pipe_are_emitted_as_they_come_until_its_end(pipe: tuple[FileIO, FileIO]) -> None:
    source, sink = pipe
    ledger = Ledger()
    made = StdinReceiver("in", clock=ManualClock(7), stream=source)
    task = asyncio.create_task(made.run(ledger.emit, once=False, stop=asyncio.Event()))
    sink.write(b"one\ntwo\nthr")
    await until(lambda: ledger.lines == ["one", "two"])
    assert not made.caught_up
    sink.write(b"ee\r\n\nlast")
    sink.close()
    await asyncio.wait_for(task, 5)

    assert ledger.lines == ["one", "two", "three", "last"]
    assert made.caught_up
    assert {(batch.stream, batch.position, batch.observed_unix_nano) for batch in ledger.batches} == {("stdin", b"", 7)}
    assert sum(batch.size for batch in ledger.batches) == len(b"one\ntwo\nthree\r\n\nlast")


async def test_a_redirected_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"x" * 50 + b"\n" + b"\0short\n")
    ledger = Ledger()
    with (tmp_path / "input").open("rb") as stream:
        made = StdinReceiver("in", clock=ManualClock(), stream=stream, max_line_bytes=10)
        await asyncio.wait_for(made.run(ledger.emit, once=True, stop=asyncio.Event()), 5)

    assert ledger.lines == ["x" * 10, "short"]
    assert ledger.batches[0].cut == {0: 40}
    assert ledger.losses == {"nul_bytes": 1}


async def test_it_stops_promptly_while_nothing_comes(pipe: tuple[FileIO, FileIO]) -> None:
    ledger, stop = Ledger(), asyncio.Event()
    task = asyncio.create_task(
        StdinReceiver("in", clock=ManualClock(), stream=pipe[0]).run(ledger.emit, once=False, stop=stop)
    )
    await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(task, 1)


async def test_it_can_be_cancelled_while_the_agent_pushes_back(pipe: tuple[FileIO, FileIO]) -> None:
    ledger = Ledger()
    ledger.open.clear()
    before = len(os.listdir("/proc/self/fd"))
    made = StdinReceiver("in", clock=ManualClock(), stream=pipe[0])
    task = asyncio.create_task(made.run(ledger.emit, once=False, stop=asyncio.Event()))
    pipe[1].write(b"one\n")
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_an_input_that_is_closed_has_ended() -> None:
    class Closed:
        def fileno(self) -> int:
            return 1_000_000

    ledger = Ledger()
    await asyncio.wait_for(
        StdinReceiver("in", clock=ManualClock(), stream=Closed()).run(ledger.emit, once=True, stop=asyncio.Event()), 5
    )
    assert ledger.batches == []
