"""``tail -n``: the last lines that pass, however far back they are."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.cli import tail_files, tail_open
from logagent.cli.tail_last import LastLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Tail = Callable[..., subprocess.CompletedProcess[bytes]]

DEADLINE_SECONDS = 60.0


def line(number: int, level: str = "info", second: int = 0) -> bytes:
    at = f"2026-11-22T09:{second // 60:02d}:{second % 60:02d}Z"
    return json.dumps({"time": at, "level": level, "message": f"number {number}"}).encode() + b"\n"


def numbers(out: bytes) -> list[int]:
    return [int(shown.split(b"number ", 1)[1].split(b" ")[0]) for shown in out.splitlines() if b"number " in shown]


@pytest.fixture
def long_log(tmp_path: Path) -> Path:
    """Errors among many lines, the last one far from the end."""
    path = tmp_path / "long.log"
    path.write_bytes(b"".join(line(i, "error" if i in {10, 700, 1500} else "info") for i in range(4000)))
    return path


@pytest.mark.parametrize(("count", "found"), [("0", []), ("1", [1500]), ("2", [700, 1500]), ("9", [10, 700, 1500])])
def test_the_last_lines_are_those_that_pass_the_filter_however_far_back(
    tail: Tail, long_log: Path, monkeypatch: pytest.MonkeyPatch, count: str, found: list[int]
) -> None:
    monkeypatch.setattr(tail_files, "CHUNK_BYTES", 4096)
    assert numbers(tail("--no-follow", "-n", count, "-l", "error", long_log).stdout) == found
    raw = tail("--no-follow", "--raw", "-n", count, "-l", "error", long_log).stdout
    assert raw == b"".join(line(number, "error") for number in found)


def test_a_search_that_succeeds_near_the_end_leaves_the_rest_unread(
    tail: Tail, long_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_files, "CHUNK_BYTES", 4096)
    read: list[int] = []
    chunks = tail_files.chunks

    def counted(*arguments: object) -> Iterator[bytes]:
        for data in chunks(*arguments):  # type: ignore[arg-type]  # passed on as they came
            read.append(len(data))
            yield data

    monkeypatch.setattr(tail_files, "chunks", counted)
    assert numbers(tail("--no-follow", "-n", "3", "-w", 'contains(body, "number 39")', long_log).stdout) == [
        3997,
        3998,
        3999,
    ]
    assert sum(read) <= 2 * 4096
    read.clear()
    tail("--no-follow", "-n", "3", "-w", 'contains(body, "nowhere")', long_log)
    assert sum(read) <= 2.4 * long_log.stat().st_size


def test_every_file_gives_its_own_last_lines(tail: Tail, tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 100)):
        content = b"".join(line(first + i, "error" if i < 5 else "info", second=first + i) for i in range(50))
        (tmp_path / f"{name}.log").write_bytes(content)
    out = tail("--no-follow", "-n", "2", "-l", "error", tmp_path / "a.log", tmp_path / "b.log").stdout
    assert numbers(out) == [3, 4, 103, 104]


def test_a_pipe_gives_the_last_lines_that_pass(tail: Tail, long_log: Path) -> None:
    done = tail("-n", "2", "-l", "error", "-", stdin=long_log.read_bytes())
    assert numbers(done.stdout) == [700, 1500]


def test_lines_that_a_span_stands_for_are_not_counted_as_shown(tail: Tail, log: Path) -> None:
    out = tail("--no-follow", "-n", "3", log).stdout.decode().splitlines()
    assert len(out) == 3
    assert "GET /api/v1/prompts" in out[0]


@given(
    lines=st.lists(st.binary(max_size=6).map(lambda content: content.replace(b"\n", b"")), max_size=20),
    offset=st.integers(-2, 60),
    block=st.integers(1, 7),
)
def test_a_line_begins_where_it_is_found(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], offset: int, block: int
) -> None:
    content = b"\n".join(lines) + b"\n"
    offset = min(offset, len(content))
    path = tmp_path_factory.mktemp("start") / "f"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch, tail_open.opened(str(path), binary=True) as source:
        patch.setattr(tail_files, "CHUNK_BYTES", block)
        found = tail_files.line_start(source, offset, len(content))
    starts = [0, *(place + 1 for place, byte in enumerate(content) if byte == ord("\n"))]
    assert found == min(start for start in starts if start >= offset)


def test_each_look_goes_back_further_and_no_more_is_kept_than_is_wanted(
    long_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_files, "CHUNK_BYTES", 4096)
    with tail_open.opened(str(long_log)) as source:
        last = LastLines([source], 3, {})
        starts = []
        while True:
            ((_, start, _),) = last.parts()
            starts.append(start)
            last.keep(source.name, [(0, str(number), 9) for number in range(2)] * (50 if start == 0 else 1))
            if not last.look_further():
                break
    assert starts[-1] == 0
    assert starts == sorted(starts, reverse=True)
    assert len(last.kept[source.name]) == 3


def test_gzip_is_read_as_what_it_holds(tail: Tail, long_log: Path) -> None:
    packed = long_log.with_name("long.log.1.gz")
    packed.write_bytes(gzip.compress(long_log.read_bytes()))
    assert numbers(tail("-n", "2", "-l", "error", packed).stdout) == [700, 1500]
    assert tail("--raw", packed).stdout == long_log.read_bytes()


def test_gzip_of_several_members_is_read_to_its_end(tail: Tail, tmp_path: Path) -> None:
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(line(1)) + gzip.compress(line(2)))
    assert numbers(tail(packed).stdout) == [1, 2]


@pytest.mark.parametrize(
    "spoil", [lambda data: data[: len(data) // 2], lambda data: data[:40] + b"\0" * 40 + data[80:]]
)
def test_damaged_gzip_shows_what_it_can_and_ends_with_3(
    tail: Tail, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    packed = tmp_path / "a.gz"
    packed.write_bytes(spoil(gzip.compress(b"".join(map(line, range(5000))))))
    done = tail(packed)
    assert done.returncode == 3
    assert b"cannot be unpacked further" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(50), "is a program"),
        (b"\xfd7zXZ\0abc", "xz -dc"),
        (b"BZh91AY", "bzip2 -dc"),
        (b"\x28\xb5\x2f\xfdxx", "zstd -dc"),
        (b"SQLite format 3\0" + bytes(50), "is an SQLite database"),
        ("text".encode("utf-16"), "iconv -f UTF-16"),
        (bytes(range(256)) * 8, "is binary"),
    ],
)
def test_what_is_no_text_is_refused_with_what_it_is(tail: Tail, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(content)
    done = tail("--no-follow", path)
    assert (done.returncode, done.stdout) == (3, b"")
    assert said in done.stderr.decode()
    assert tail("--no-follow", "--raw", path).stdout == content


def test_bytes_that_a_truncation_left_behind_and_stray_ones_do_not_make_a_log_binary(
    tail: Tail, tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(bytes(100_000) + line(1) + b"caf\xe9 \x01\x02\n" + line(2))
    assert numbers(tail("--no-follow", path).stdout) == [1, 2]


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file of Linux")  # noqa: PTH110 - no file of ours
@pytest.mark.parametrize("options", [[], ["--raw"], ["-n", "3"], ["--follow"]])
def test_a_file_that_cannot_be_read_is_an_error_and_no_bug(tail: Tail, options: list[str]) -> None:
    done = tail(*options, "--no-follow" if "--follow" not in options else "--follow", "/proc/self/mem")
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: cannot read /proc/self/mem: Input/output error\n")


def test_a_file_of_proc_that_says_it_is_empty_is_read(tail: Tail) -> None:
    assert b"VmRSS" in tail("--no-follow", "--raw", "/proc/self/status").stdout


def test_json_holds_nothing_that_commands_a_terminal_and_the_same_values(tail: Tail, tmp_path: Path) -> None:
    evil = "\x1b]0;x\x07 \x7f \x9b31m \u202e\u2066 \u2028 \ufeff \U000e0041 é 改善"
    path = tmp_path / "evil.log"
    path.write_text(json.dumps({"message": evil, evil: evil}, ensure_ascii=False) + "\n", encoding="utf-8")
    out = tail("--no-follow", "--json", path).stdout.decode()
    assert not set("\x1b\x07\x7f\x9b\u202e\u2066\u2028\ufeff\U000e0041") & set(out)
    assert "é 改善" in out
    assert json.loads(out)["body"] == evil


PROGRAM = [sys.executable, "-c", "from logagent.cli import main; main()", "tail"]


@pytest.fixture
def terminal(
    environment: dict[str, str],
) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Callable[[str], str]]]]:
    """Starts the command on a terminal; gives it and a function that waits for a text on the screen."""
    open_descriptors: list[int] = []
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str | Path) -> tuple[subprocess.Popen[bytes], Callable[[str], str]]:
        master, slave = os.openpty()
        open_descriptors.append(master)
        env = {**environment, "COLUMNS": "80", "NO_COLOR": "1"}
        process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        processes.append(process)
        os.set_blocking(master, False)
        shown = bytearray()

        def wait(text: str) -> str:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while text.encode() not in shown:
                assert time.monotonic() < deadline, shown.decode()
                try:
                    shown.extend(os.read(master, 65536))
                except BlockingIOError:
                    time.sleep(0.01)
            return shown.decode()

        return process, wait

    yield start
    for process in processes:
        process.kill()
        process.wait()
    for descriptor in open_descriptors:
        os.close(descriptor)


def test_without_arguments_on_a_terminal_it_says_that_it_reads_what_is_typed(
    terminal: Callable[..., tuple[subprocess.Popen[bytes], Callable[[str], str]]],
) -> None:
    _, wait = terminal()
    assert wait("reading standard input").startswith("reading standard input; to read a file: logagent tail FILE")


def test_a_followed_file_without_lines_is_named_at_once(
    terminal: Callable[..., tuple[subprocess.Popen[bytes], Callable[[str], str]]], tmp_path: Path
) -> None:
    (tmp_path / "empty.log").touch()
    process, wait = terminal(tmp_path / "empty.log")
    shown = wait("empty.log ─")
    assert shown.startswith("── ")
    assert "times UTC" in shown
    process.send_signal(signal.SIGINT)
    wait("0 lines")
    assert process.wait(DEADLINE_SECONDS) == 0


def test_followed_files_begin_in_order_of_time_and_merge_what_one_wake_up_brings(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_bytes(line(1, second=1) + line(3, second=3))
    second.write_bytes(line(2, second=2) + line(4, second=4))
    command = [*PROGRAM, str(first), str(second)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout
            assert numbers(b"".join(process.stdout.readline() for _ in range(4))) == [1, 2, 3, 4]
            time.sleep(0.5)  # it is about to watch; what comes earlier than that is two wake-ups
            process.send_signal(signal.SIGSTOP)
            with first.open("ab") as file:
                file.write(line(6, second=6) + line(8, second=8))
            with second.open("ab") as file:
                file.write(line(5, second=5) + line(7, second=7))
            process.send_signal(signal.SIGCONT)
            assert numbers(b"".join(process.stdout.readline() for _ in range(4))) == [5, 6, 7, 8]
            with second.open("ab") as file:
                file.write(line(9, second=1))
            assert numbers(process.stdout.readline()) == [9]
        finally:
            process.kill()
