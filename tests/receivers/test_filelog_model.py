"""The receiver against a model: any mixture of writing, rotating, truncating, deleting and dying, each line once."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receiver_harness import Ledger, following, read_once, receiver, until

PATHS = st.sampled_from(["a.log", "b.log"])
ACTIONS = st.one_of(
    st.tuples(st.just("write"), PATHS, st.integers(1, 12)),
    st.tuples(st.just("partial"), PATHS, st.just(0)),
    st.tuples(st.just("rotate"), PATHS, st.just(0)),
    st.tuples(st.just("copytruncate"), PATHS, st.just(0)),
    st.tuples(st.just("delete"), PATHS, st.just(0)),
    st.tuples(st.just("read"), st.just(""), st.just(0)),
    st.tuples(st.just("die"), st.just(""), st.integers(0, 12)),
)


class Model:
    """Writes numbered lines, and remembers which must be read from which path, in which order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.expected: dict[str, list[str]] = defaultdict(list)
        self._number = 0
        self._partial: dict[str, str] = {}

    def write(self, name: str, count: int) -> None:
        for _ in range(count):
            self._append(name, self._line(name))

    def partial(self, name: str) -> None:
        if name not in self._partial:
            self._partial[name] = self._line(name)[:-1]
            self._append(name, self._partial[name])

    def end_line(self, name: str) -> None:
        """Complete a begun line: where a reading once has taken it already, nothing more comes."""
        if self._partial.pop(name, None):
            self._append(name, "\n")

    def rotate(self, name: str) -> None:
        path = self.directory / name
        self.end_line(name)
        if path.exists():
            rotated = sorted(self.directory.glob(f"{name}.*"), key=lambda found: int(found.suffix[1:]), reverse=True)
            for old in rotated:
                old.rename(old.with_suffix(f".{int(old.suffix[1:]) + 1}"))
            path.rename(f"{path}.1")
            path.touch()

    def copytruncate(self, name: str) -> None:
        path = self.directory / name
        self.end_line(name)
        if path.exists() and path.stat().st_size:
            for old in sorted(self.directory.glob(f"{name}.*"), key=lambda found: int(found.suffix[1:]), reverse=True):
                old.rename(old.with_suffix(f".{int(old.suffix[1:]) + 1}"))
            shutil.copyfile(path, f"{path}.1")
            os.truncate(path, 0)

    def delete(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)
        self._partial.pop(name, None)

    def _line(self, name: str) -> str:
        self._number += 1
        line = f"{name} {self._number} {'x' * (self._number * 37 % 90)}"
        self.expected[name].append(line)
        return line + "\n"

    def _append(self, name: str, text: str) -> None:
        with (self.directory / name).open("a") as file:
            file.write(text)


def by_path(ledger: Ledger) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in ledger.lines:
        found[line.split(" ", 1)[0]].append(line)
    return found


async def die_while_reading(ledger: Ledger, pattern: Path, accepts: int, chunk_bytes: int) -> None:
    """Read until so many batches have been taken, then be killed at that await."""
    ledger.accepts = accepts
    made = receiver(pattern, chunk_bytes=chunk_bytes)
    made.restore(dict(ledger.positions))
    task = asyncio.create_task(made.run(ledger.emit, once=True, stop=asyncio.Event()))
    await until(lambda: task.done() or ledger.accepts == 0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    ledger.accepts = -1


async def play(actions: list[tuple[str, str, int]], pattern: str, chunk_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        model = Model(directory)
        ledger = Ledger()
        await read_once(ledger, directory / pattern)
        for action, path, count in actions:
            if action == "read":
                await read_once(ledger, directory / pattern, chunk_bytes=chunk_bytes)
            elif action == "die":
                await die_while_reading(ledger, directory / pattern, count, chunk_bytes)
            elif action == "write":
                model.end_line(path)
                model.write(path, count)
            elif action == "delete":
                await read_once(ledger, directory / pattern, chunk_bytes=chunk_bytes)
                model.delete(path)
            else:
                getattr(model, action)(path)
        await read_once(ledger, directory / pattern, chunk_bytes=chunk_bytes)
        assert by_path(ledger) == {path: lines for path, lines in model.expected.items() if lines}
        assert ledger.losses == {}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=25), st.sampled_from(["*.log", "*.log*"]), st.sampled_from([16, 64, 4096]))
def test_every_line_is_read_once_and_in_order_whatever_happens_between_two_runs(
    actions: list[tuple[str, str, int]], pattern: str, chunk_bytes: int
) -> None:
    asyncio.run(play(actions, pattern, chunk_bytes))


async def play_live(actions: list[tuple[str, str, int]], pattern: str, rotation: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        model = Model(directory)
        ledger = Ledger()
        remaining = list(actions)
        while remaining:
            async with following(ledger, directory / pattern, rescan_seconds=0.05, chunk_bytes=64):
                while remaining:
                    action, path, count = remaining.pop(0)
                    if action == "die":
                        break
                    if action == "write":
                        model.end_line(path)
                        model.write(path, count)
                    elif action == "partial":
                        model.partial(path)
                    elif action in ("rotate", "copytruncate"):
                        getattr(model, rotation)(path)
                    await asyncio.sleep(0.001 * count)
        async with following(ledger, directory / pattern, rescan_seconds=0.05):
            for path in list(model.expected):
                model.end_line(path)
            total = sum(len(lines) for lines in model.expected.values())
            await until(lambda: len(ledger.lines) >= total, lambda: (by_path(ledger), model.expected))
        assert by_path(ledger) == {path: lines for path, lines in model.expected.items() if lines}
        assert ledger.losses == {}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(ACTIONS, max_size=25), st.sampled_from(["*.log", "*.log*"]), st.sampled_from(["rotate", "copytruncate"])
)
def test_every_line_is_read_once_and_in_order_while_files_change_under_the_daemon(
    actions: list[tuple[str, str, int]], pattern: str, rotation: str
) -> None:
    asyncio.run(play_live(actions, pattern, rotation))
