from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.cli import tail_files, tail_open
from logagent.cli.screen import Screen
from logagent.clock import ManualClock
from logagent.errors import UnreachableError
from logagent.receivers.identity import Position

if TYPE_CHECKING:
    from pathlib import Path

    from logagent.model import RawBatch


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    ends=st.booleans(),
    count=st.integers(1, 12),
    block=st.integers(1, 9),
)
def test_the_last_lines_are_found_from_the_end_whatever_the_block_size(
    tmp_path_factory: pytest.TempPathFactory, *, lines: list[bytes], ends: bool, count: int, block: int
) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    path = tmp_path_factory.mktemp("tail") / "f"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch, tail_open.opened(str(path), binary=True) as source:
        patch.setattr(tail_files, "CHUNK_BYTES", block)
        offset = tail_files.last_lines(source, count)
    assert content[offset:] == b"".join(content.splitlines(keepends=True)[-count:]) or b"\r" in content


def test_no_last_line_is_the_end_or_the_beginning_of_a_line_that_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for content, rest in ((b"a\nb\n", b""), (b"a\nb", b"b"), (b"", b"")):
        path.write_bytes(content)
        with tail_open.opened(str(path)) as source:
            assert content[tail_files.last_lines(source, 0) :] == rest


def batches(path: Path, offset: int = 0) -> list[RawBatch]:
    with tail_open.opened(str(path)) as source:
        return [batch for batch in tail_files.batches(source, ManualClock(7), offset) if batch is not None]


def test_a_file_is_read_to_its_end_with_its_incomplete_last_line(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"zero\none\r\n\ntwo")
    assert [line for batch in batches(path, 5) for line in batch.lines] == [b"one", b"two"]
    assert batches(path)[0].observed_unix_nano == 7


def test_a_line_that_is_too_long_is_cut_and_says_by_how_much(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (tail_files.MAX_LINE_BYTES + 5) + b"\nshort\n")
    first = batches(path)[0]
    assert len(first.lines[0]) == tail_files.MAX_LINE_BYTES
    assert first.cut == {0: 5}
    assert first.lines[1] == b"short"


def test_a_silent_pipe_gives_moments_in_which_time_may_pass(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    with tail_open.opened(str(path)) as source:
        found = tail_files.batches(source, ManualClock())
        assert next(found) is None
        os.write(writer, b"hello\n")
        batch = next(found)
        assert batch is not None
        assert batch.lines == [b"hello"]
    os.close(writer)


def test_what_cannot_be_read_says_why_and_what_to_try(tmp_path: Path) -> None:
    for path, what in (
        (tmp_path / "no.log", "no file"),
        (tmp_path, "is a directory"),
        (tmp_path / "a" / "b", "no file"),
    ):
        with pytest.raises(UnreachableError, match=what) as caught, tail_open.opened(str(path)):
            pass
        assert caught.value.hint


def test_a_position_names_the_file_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0123456789\nrest\n")
    with tail_open.opened(str(path)) as source:
        position = Position.decode(tail_files.position_at(source, 11))
    assert position.path == str(path)
    assert position.mark.offset == 11
    assert position.key.inode == path.stat().st_ino


def test_a_position_is_that_of_the_file_that_was_read_whatever_stands_under_its_name_now(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one\ntwo\n")
    with tail_open.opened(str(path)) as source:
        before = Position.decode(tail_files.position_at(source, 8))
        path.rename(tmp_path / "f.1")
        path.write_bytes(b"new\n")
        assert Position.decode(tail_files.position_at(source, 8)) == before
        path.unlink()
        assert Position.decode(tail_files.position_at(source, 8)) == before


def test_a_file_that_was_cut_off_meanwhile_is_followed_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one\ntwo\n")
    with tail_open.opened(str(path)) as source:
        path.write_bytes(b"new\n")
        assert Position.decode(tail_files.position_at(source, 8)).mark.offset == 0


def test_an_ordered_screen_writes_by_time_and_keeps_the_order_of_equals() -> None:
    out = io.BytesIO()
    screen = Screen(out, ordered=True)
    screen.show([(2, "b"), (2, "c")])
    screen.show([(1, "a"), (3, "d")])
    assert out.getvalue() == b""
    screen.release()
    assert out.getvalue() == b"a\nb\nc\nd\n"


def test_an_ordered_screen_holds_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logagent.cli.screen.MAX_HELD", 4)
    out = io.BytesIO()
    screen = Screen(out, ordered=True)
    screen.show([(5, "e"), (1, "a"), (3, "c"), (2, "b"), (4, "d")])
    assert out.getvalue() == b"a\nb\n"
    screen.release()
    assert out.getvalue() == b"a\nb\nc\nd\ne\n"
