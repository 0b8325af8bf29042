from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.receivers.framing import Framed, LineFramer


def feed(data: bytes, *, limit: int = 100, sizes: int = 7) -> tuple[list[bytes], dict[int, int], int]:
    framer = LineFramer(limit)
    lines: list[bytes] = []
    cut: dict[int, int] = {}
    nul_bytes = 0
    pieces: list[Framed | None] = [framer.feed(data[at : at + sizes]) for at in range(0, len(data), sizes)]
    for framed in [*pieces, framer.flush()]:
        if framed:
            cut |= {len(lines) + index: count for index, count in framed.cut.items()}
            lines += framed.lines
            nul_bytes += framed.nul_bytes
    return lines, cut, nul_bytes


@given(st.binary(max_size=300).map(lambda data: data.replace(b"\0", b"0")), st.integers(1, 310))
def test_lines_are_the_same_however_the_bytes_are_cut_into_chunks(data: bytes, sizes: int) -> None:
    expected = [line.removesuffix(b"\r") for line in data.split(b"\n")]

    assert feed(data, limit=1000, sizes=sizes)[0] == [line for line in expected if line]


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"\0", b"a", "é".encode(), "😀".encode()]), max_size=60), st.integers(1, 9)
)
def test_no_byte_of_a_line_vanishes_without_being_counted(pieces: list[bytes], limit: int) -> None:
    data = b"".join(pieces)
    for sizes in (1, 2, 3, 5, 100):
        lines, cut, nul_bytes = feed(data, limit=limit, sizes=sizes)
        stripped = [line.lstrip(b"\0") for line in data.split(b"\n")]
        whole = [line for line in (line.removesuffix(b"\r") for line in stripped) if line]
        assert nul_bytes == data.count(b"\0") - b"".join(stripped).count(b"\0")
        assert len(lines) == len(whole)
        for index, line in enumerate(lines):
            assert whole[index].startswith(line)
            missing = len(whole[index]) - len(line)
            assert abs(cut.get(index, 0) - missing) <= 1, "a carriage return may count as part of what was cut"
            assert len(line) <= limit


def test_a_line_over_the_limit_is_cut_where_a_character_begins() -> None:
    lines, cut, _ = feed("ääää\nb\n".encode(), limit=5)

    assert lines == ["ää".encode(), b"b"]
    assert cut == {0: 4}


def test_a_line_of_exactly_the_limit_is_whole_also_with_a_carriage_return() -> None:
    assert feed(b"12345\r\n12345\n123456\n", limit=5) == ([b"12345", b"12345", b"12345"], {2: 1}, 0)


def test_bytes_that_are_no_text_are_cut_at_the_limit() -> None:
    assert feed(b"\x80" * 9 + b"\n", limit=5) == ([b"\x80" * 5], {0: 4}, 0)


def test_what_was_fed_before_may_stand_in_front_of_the_data() -> None:
    framer = LineFramer(100)
    framer.feed(b"one\ntw")

    framed = framer.feed(b"one\ntwo\nthree\nfo", len(b"one\ntw"))

    assert framed == Framed([b"two", b"three"])
    assert framer.held == 2


def test_only_as_much_as_the_limit_is_kept_of_a_long_line() -> None:
    framer = LineFramer(10)
    for _ in range(1000):
        assert framer.feed(b"x" * 100) is None

    assert framer.held == 100_000
    assert len(framer._carry) <= 11


@pytest.mark.parametrize("data", [b"", b"\n\n\r\n", b"\0\0\n"])
def test_empty_lines_are_left_out(data: bytes) -> None:
    assert feed(data)[0] == []
