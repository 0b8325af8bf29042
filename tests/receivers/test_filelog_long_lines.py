from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from receiver_harness import Ledger, append, following, read_once, until

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1024 * 1024


async def test_a_line_of_50_megabytes_is_cut_in_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "before")
    with log.open("ab") as file:
        for _ in range(50):
            file.write(b"x" * MEBIBYTE)
    append(log, "", "after")
    ledger = Ledger()
    await read_once(ledger, tmp_path / "nothing")

    tracemalloc.start()
    try:
        await read_once(ledger, log)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [len(line) for batch in ledger.batches for line in batch.lines] == [6, MEBIBYTE, 5]
    assert [dict(batch.cut) for batch in ledger.batches if batch.cut] == [{0: 49 * MEBIBYTE}]
    assert sum(batch.size for batch in ledger.batches) == log.stat().st_size
    assert peak < 5 * MEBIBYTE


async def test_a_line_that_never_ends_is_held_in_bounded_memory_and_behind(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "before")
    ledger = Ledger()
    async with following(ledger, log, max_line_bytes=1000, chunk_bytes=100) as made:
        append(log, "y" * 50_000, end="")
        await until(lambda: made.observe().lag_bytes == 50_000)
        append(log, "", "after")
        await until(lambda: len(ledger.lines) == 3)

    assert ledger.lines == ["before", "y" * 1000, "after"]
