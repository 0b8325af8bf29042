from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.receivers.identity import FileKey, Handle, Mark, Position

if TYPE_CHECKING:
    from pathlib import Path


def position(path: str = "/var/log/app.log") -> Position:
    return Position(path, path + ".1", 3, FileKey(2049, 77), Mark.of(5, b"hello", b"hello"), 9, 123)


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_a_position_survives_its_encoding_whatever_bytes_the_path_has(name: bytes) -> None:
    made = position(os.fsdecode(b"/" + name))

    assert Position.decode(made.encode()) == made


@given(st.binary(max_size=60))
def test_what_is_no_position_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any message will do
        Position.decode(value)


@pytest.mark.parametrize(
    "damage", [(b'"offset":5', b'"offset":-5'), (b'"inode":77', b'"inode":"x"'), (b'"tail":"', b'"t":"')]
)
def test_a_position_with_a_damaged_field_is_a_value_error(damage: tuple[bytes, bytes]) -> None:
    value = position().encode()
    assert damage[0] in value

    with pytest.raises(ValueError, match="position"):
        Position.decode(value.replace(*damage))


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        (b"abcdefgh", True),
        (b"abcdefghMORE", True),
        (b"abcdefg", False),
        (b"Xbcdefgh", False),
        (b"abcdefgX", False),
    ],
)
def test_a_mark_holds_only_while_head_tail_and_length_agree(tmp_path: Path, content: bytes, holds: bool) -> None:  # noqa: FBT001  # a table's column
    path = tmp_path / "file"
    path.write_bytes(content)

    assert Mark.of(8, b"abcd", b"efgh").holds(Handle(str(path))) is holds


def test_a_pipe_in_the_place_of_a_file_is_opened_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert not Handle(str(tmp_path / "pipe")).stat().regular


def test_a_position_keeps_the_first_bytes_that_were_seen_in_a_file_of_which_nothing_was_read() -> None:
    made = Position("/app.log", "/app.log", 3, FileKey(2049, 77), Mark.of(0, b"seen", b""), 9, 123)

    assert Position.decode(made.encode()) == made


def test_a_position_stored_before_first_bytes_were_kept_of_unread_files_is_read() -> None:
    made = Position("/app.log", "/app.log", 3, FileKey(2049, 77), Mark.of(0, b"", b""), 9, 123)

    assert Position.decode(made.encode()).mark.head_length == 0


def test_a_position_keeps_what_its_link_led_to() -> None:
    made = replace(position(), target="/data/\udcff 1.dat")

    assert Position.decode(made.encode()) == made


def test_hashes_of_more_bytes_than_were_read_are_no_position() -> None:
    made = Position("/app.log", "/app.log", 3, FileKey(2049, 77), Mark.of(2, b"more", b"re"), 9, 123)

    with pytest.raises(ValueError, match="position"):
        Position.decode(made.encode())
