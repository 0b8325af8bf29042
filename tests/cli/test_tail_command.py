from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Tail = Callable[..., subprocess.CompletedProcess[bytes]]

RAW_CONTENTS = {
    "no final newline": b'{"a": 1}\n{"b": 2}',
    "carriage returns": b'{"a": 1}\r\ntext\r\n\r\n',
    "invalid UTF-8": b"\xff\xfe broken \x80\n",
    "NUL bytes": b"\0\0a\0b\n\0",
    "escapes": b"\x1b[31mred\x1b[0m \xe2\x80\xae\n",
    "empty": b"",
    "empty lines": b"\n\n\n",
    "a line of 3 MB": b"x" * 3_000_000 + b"\nend",
}


@pytest.mark.parametrize("content", RAW_CONTENTS.values(), ids=RAW_CONTENTS.keys())
def test_raw_gives_the_bytes_of_a_file_as_they_are(tail: Tail, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "raw.log"
    path.write_bytes(content)
    assert tail("--raw", "--no-follow", path).stdout == content
    assert tail("--raw", "-", stdin=content).stdout == content


def test_raw_with_a_condition_gives_the_selected_lines_only(tail: Tail, log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    assert tail("--raw", "--no-follow", "-l", "error", log).stdout == lines[-1]
    assert tail("--raw", "--no-follow", "-n", "2", log).stdout == b"".join(lines[-2:])


def test_a_finished_span_stands_in_place_of_its_own_lines(tail: Tail, log: Path) -> None:
    out = tail("--no-follow", log).stdout.decode().splitlines()
    assert out == [
        '-     app.log INFO:     127.0.0.1:1 - "GET /api/v1/prompts HTTP/1.1" 200 OK',
        "2026-11-22T09:43:40.618493Z INF request ✔ GET /api/v1/prompts 200 12.1 ms  813a2de0",
        "2026-11-22T09:43:41.000000Z WRN orders stock is low  sku=A-1 left=2",
        "2026-11-22T09:43:42.000000Z ERR orders no stock  sku=A-1",
    ]


@pytest.mark.parametrize(
    ("options", "bodies"),
    [
        (["-l", "warn"], ["stock is low", "no stock"]),
        (["-l", "=warn"], ["stock is low"]),
        (["--kind", "request"], ["GET /api/v1/prompts"]),
        (["--kind", "log", "-w", 'sku == "A-1" and left < 3'], ["stock is low"]),
        (["-w", "duration > 0.01"], ["GET /api/v1/prompts"]),
        (["--trace", "813a2de0"], ["GET /api/v1/prompts"]),
        (["-S", "2026-11-22T09:43:41Z", "-U", "2026-11-22T09:43:41.500Z"], ["stock is low"]),
        (["-n", "1"], ["no stock"]),
        (["-n", "0"], []),
    ],
)
def test_only_what_was_asked_for_is_shown(tail: Tail, log: Path, options: list[str], bodies: list[str]) -> None:
    out = tail("--no-follow", *options, log).stdout.decode().splitlines()
    assert len(out) == len(bodies), out
    assert all(body in line for body, line in zip(bodies, out, strict=True))


def test_json_gives_one_object_a_line_with_stable_keys_and_no_zeros_for_what_is_missing(tail: Tail, log: Path) -> None:
    objects = [orjson.loads(line) for line in tail("--json", "--no-follow", log).stdout.splitlines()]
    assert [item["type"] for item in objects].count("record") == 5
    (span,) = (item for item in objects if item["type"] == "span")
    assert span["kind"] == "request"
    assert span["id"] == "813a2de0-b803-48d9-a2d1-3f336d140252"
    assert span["trace_id"] == "813a2de0b80348d9a2d13f336d140252"
    assert span["duration_seconds"] == pytest.approx(0.012123, abs=1e-6)
    assert span["parent_id"] is None
    text = next(item for item in objects if item["type"] == "record" and item["parser"] == "text")
    assert text["severity_number"] is None
    assert text["severity"] is None


def test_what_is_piped_has_no_colour_and_is_never_clipped(tail: Tail, tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b'{"time": "2026-11-22T09:00:00Z", "level": "error", "message": "' + b"x" * 5000 + b'"}\n')
    out = tail("--no-follow", path).stdout
    assert b"\x1b" not in out
    assert b"x" * 5000 in out
    assert b"\x1b[31mERR" in tail("--no-follow", "--color", "always", path).stdout


def test_nothing_in_a_log_reaches_the_terminal_as_a_command(tail: Tail, tmp_path: Path) -> None:
    path = tmp_path / "hostile.log"
    evil = "\x1b]0;x\x07\x1b[2J\x7f\u202e\u2066\x9b"
    record = {"time": "2026-11-22T09:00:00Z", "level": "error", "logger": evil, "message": evil, evil: evil}
    failed = {
        "message": "m",
        "exc_info": f'Traceback (most recent call last):\n  File "{evil}", line 1, in f\nE: {evil}',
    }
    path.write_bytes(orjson.dumps(record) + b"\n" + orjson.dumps(failed) + b"\n" + f"plain {evil}\n".encode())
    for options in ((), ("-x",)):
        out = tail("--no-follow", *options, path).stdout.decode()
        assert not set("\x1b\x07\x7f\u202e\u2066\x9b") & set(out)
        assert r"\x1b" in out
        assert r"\u202e" in out


def test_a_secret_in_a_log_does_not_reach_the_terminal(tail: Tail, tmp_path: Path) -> None:
    path = tmp_path / "secret.log"
    path.write_bytes(
        b'{"message": "login password=hunter2", "headers": {"authorization": "Bearer hunter2hunter2"}}\npassword=hunter2\n'
    )
    for options in ((), ("--json",), ("-x",)):
        assert b"hunter2" not in tail("--no-follow", *options, path).stdout


def test_script_text_stays_text(tail: Tail) -> None:
    assert b"<script>alert(1)</script>" in tail("-", stdin=b'{"message": "<script>alert(1)</script>"}\n').stdout


def test_lines_come_from_the_standard_input_without_any_argument(tail: Tail) -> None:
    assert b"- INF stdin hello\n" in tail(stdin=b'{"level": "info", "message": "hello"}\n').stdout


def test_several_files_are_merged_by_time(tail: Tail, tmp_path: Path) -> None:
    for name, seconds in (("a", (1, 3, 5)), ("b", (2, 4, 6))):
        lines = [f'{{"time": "2026-11-22T09:00:0{second}Z", "message": "at {second}"}}\n' for second in seconds]
        (tmp_path / f"{name}.log").write_text("".join(lines))
    out = tail("--no-follow", tmp_path / "a.log", tmp_path / "b.log").stdout.decode()
    assert [line.rsplit(" ", 1)[1] for line in out.splitlines()] == list("123456")


def test_a_missing_file_ends_with_3_and_says_what_there_is(tail: Tail, log: Path) -> None:
    done = tail("--no-follow", log.with_name("ap.log"))
    assert done.returncode == 3
    assert b"no file" in done.stderr
    assert b"app.log" in done.stderr
    assert done.stderr.count(b"\n") == 2
    assert tail(log.parent).returncode == 3


def test_a_bad_condition_ends_with_2_and_marks_the_column(tail: Tail, log: Path) -> None:
    done = tail("-w", "duration >> 1", log)
    assert done.returncode == 2
    shown = done.stderr.decode().splitlines()
    column = int(shown[0].rsplit("column ", 1)[1].rstrip(")"))
    assert shown[1] == "  duration >> 1"
    assert shown[2] == " " * (column + 1) + "^"


@pytest.mark.parametrize("options", [["-l", "loud"], ["-S", "some day"], ["--raw", "--json"], ["-n", "-1"], ["--nope"]])
def test_wrong_options_end_with_2(tail: Tail, log: Path, options: list[str]) -> None:
    done = tail(*options, "--no-follow", log)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    path.write_bytes(b'{"level": "info", "message": "hello"}\n' * 50_000)
    process = start(environment, "--no-follow", path)
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


def start(environment: dict[str, str], *arguments: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from logagent.cli import main; main()", "tail", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


@pytest.fixture
def following(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(environment, "-n", "1", log)
    yield process
    process.kill()
    process.communicate()


def test_a_followed_file_shows_new_lines_through_rotation_and_ends_with_0(
    following: subprocess.Popen[bytes], log: Path
) -> None:
    assert following.stdout
    assert b"no stock" in following.stdout.readline()
    with log.open("ab") as file:
        file.write(b'{"level": "info", "message": "one"}\n')
    assert b"one" in following.stdout.readline()
    log.rename(log.with_suffix(".log.1"))
    log.write_bytes(b'{"level": "info", "message": "two"}\n')
    assert b"two" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    assert following.wait(20) == 0


def test_an_older_generation_beside_a_followed_file_is_not_shown(environment: dict[str, str], log: Path) -> None:
    log.with_name("app.log.1").write_bytes(b'{"level": "info", "message": "old"}\n' * 3)
    process = start(environment, "-n", "1", log)
    try:
        assert process.stdout
        assert b"no stock" in process.stdout.readline()
        with log.open("ab") as file:
            file.write(b'{"level": "info", "message": "new"}\n')
        assert b"new" in process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_an_interrupted_read_to_the_end_ends_with_130(environment: dict[str, str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(environment, "--no-follow", pipe)
    with pipe.open("wb", buffering=0) as file:
        file.write(b'{"message": "hello"}\n')
        assert process.stdout
        assert b"hello" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    process.communicate()


def test_a_line_of_a_mebibyte_is_shown_at_once_and_clipped_on_a_terminal(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b'{"time": "2026-11-22T09:00:00Z", "level": "error", "message": "' + b"y" * 1_000_000 + b'"}\n')
    shown = on_terminal(environment, "--no-follow", path)
    assert "2026" in shown.splitlines()[0]
    assert max(map(len, shown.replace("\r", "").splitlines())) < 200
    assert "…" in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(environment: dict[str, str], log: Path, variable: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal({**environment, **variable}, "--no-follow", log)
    assert "\x1b[31mERR" in on_terminal(environment, "--no-follow", log)


def test_the_end_on_a_terminal_tells_what_passed_by(environment: dict[str, str], log: Path) -> None:
    last = on_terminal({**environment, "NO_COLOR": "1"}, "--no-follow", log).splitlines()[-1]
    assert last == "5 lines · 1 ERR 1 WRN 2 INF · 1 not JSON · 0 dropped · 09:43:40 to 09:43:42 UTC"


def on_terminal(environment: dict[str, str], *arguments: str | Path) -> str:
    master, slave = os.openpty()
    command = [sys.executable, "-c", "from logagent.cli import main; main()", "tail", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env={**environment, "COLUMNS": "100"})
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(master)
    assert process.wait(20) == 0
    return shown.decode()
