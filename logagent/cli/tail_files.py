"""Reading for ``tail``: a file's last lines, its bytes as they are, and where to follow it from."""

from __future__ import annotations

import gzip
import os
import select
import zlib
from typing import TYPE_CHECKING

from logagent.cli.tail_open import Input, unreadable
from logagent.errors import UnreachableError
from logagent.model import RawBatch
from logagent.receivers.framing import Framed, LineFramer
from logagent.receivers.identity import HEAD_BYTES, TAIL_BYTES, FileStat, Mark, Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.clock import Clock

RECEIVER = "tail"
CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 1024 * 1024
_WAIT_SECONDS = 0.2
"""How long an open pipe may be silent before spans that wait for time to pass are looked at."""


def size(source: Input) -> int:
    """Bytes of a file now."""
    return os.fstat(source.descriptor).st_size


def last_lines(source: Input, count: int, end: int | None = None) -> int:
    """The offset at which the last ``count`` lines of a regular file begin, read backwards from its end.

    A last line without a line feed counts as one, and is still to come where none is wanted.
    """
    end = size(source) if end is None else end
    if count == 0 and end and _read_at(source, 1, end - 1) == b"\n":
        return end
    wanted = max(count, 1)
    position = end
    while position > 0:
        start = max(position - CHUNK_BYTES, 0)
        block = _read_at(source, position - start, start)
        place = len(block) - 1 if position == end and block.endswith(b"\n") else len(block)
        while (place := block.rfind(b"\n", 0, place)) >= 0:
            wanted -= 1
            if not wanted:
                return start + place + 1
        position = start
    return 0


def line_start(source: Input, offset: int, end: int) -> int:
    """The offset of the first line that begins at or behind ``offset``; ``end`` where none does."""
    position = max(offset - 1, 0)
    if offset <= 0:
        return 0
    while position < end:
        block = _read_at(source, min(CHUNK_BYTES, end - position), position)
        place = block.find(b"\n")
        if place >= 0:
            return position + place + 1
        if not block:
            break
        position += len(block)
    return end


def chunks(source: Input, offset: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from an offset to another, or to the end; an empty chunk where a pipe has been silent for a moment."""
    if offset:
        os.lseek(source.descriptor, offset, os.SEEK_SET)
    elif source.seekable:
        os.lseek(source.descriptor, 0, os.SEEK_SET)
    left = None if end is None else end - offset
    while left is None or left > 0:
        if not (source.seekable or source.followable or source.unpacked) and _is_silent(source):
            yield b""
            continue
        data = _read(source, CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
        if not data:
            return
        left = None if left is None else left - len(data)
        yield data


def _is_silent(source: Input) -> bool:
    return not select.select([source.descriptor], [], [], _WAIT_SECONDS)[0]


def _read(source: Input, count: int) -> bytes:
    try:
        return source.unpacked.read1(count) if source.unpacked else os.read(source.descriptor, count)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        said = "it ends too early" if isinstance(error, EOFError) else "its content is damaged"
        raise UnreachableError(f"{source.name} cannot be unpacked further: {said}", f"gzip -t {source.name}") from None
    except OSError as error:
        raise unreadable(source.name, error) from None


def _read_at(source: Input, count: int, offset: int) -> bytes:
    try:
        return os.pread(source.descriptor, count, offset)
    except OSError as error:
        raise unreadable(source.name, error) from None


def batches(source: Input, clock: Clock, offset: int = 0, end: int | None = None) -> Iterator[RawBatch | None]:
    """The lines from an offset to another, or to the end, an incomplete last one included; None where a pipe is silent."""
    framer = LineFramer(MAX_LINE_BYTES)
    for data in chunks(source, offset, end):
        framed = framer.feed(data) if data else None
        if framed is not None:
            yield _batch(source, framed, clock)
        elif not data:
            yield None
    rest = framer.flush()
    if rest is not None:
        yield _batch(source, rest, clock)


def _batch(source: Input, framed: Framed, clock: Clock) -> RawBatch:
    return RawBatch(
        receiver=RECEIVER,
        source=source.name,
        lines=framed.lines,
        stream=source.name,
        position=b"",
        observed_unix_nano=clock.now(),
        size=sum(map(len, framed.lines)),
        cut=framed.cut,
    )


def position_at(source: Input, offset: int) -> bytes:
    """The position from which the filelog receiver follows a regular file, as its ledger entry would have it.

    It is that of the file that is open, whatever has become of its name since; the start, where it has been cut off.
    """
    path = os.path.abspath(source.name)  # noqa: PTH100 - as the receiver names it, links not followed
    stats = FileStat.of(os.fstat(source.descriptor))
    if stats.size < offset:
        offset = 0
    tail_length = min(TAIL_BYTES, offset)
    head = _read_at(source, min(HEAD_BYTES, offset), 0)
    tail = _read_at(source, tail_length, offset - tail_length)
    mark = Mark.of(offset, head, tail)
    return Position(path, path, 0, stats.key, mark, stats.size, stats.modified_unix_nano).encode()
