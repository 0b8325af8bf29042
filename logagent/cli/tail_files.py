"""Reading for ``tail``: a file's last lines, its bytes as they are, and where to follow it from."""

from __future__ import annotations

import os
import select
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from logagent.errors import UnreachableError
from logagent.model import RawBatch
from logagent.receivers.framing import Framed, LineFramer
from logagent.receivers.identity import HEAD_BYTES, TAIL_BYTES, FileStat, Handle, Mark, Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.clock import Clock

STDIN = "-"
RECEIVER = "tail"
CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 1024 * 1024
_WAIT_SECONDS = 0.2
"""How long an open pipe may be silent before spans that wait for time to pass are looked at."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to read: an open descriptor and what a person calls it."""

    descriptor: int
    name: str
    regular: bool


@contextmanager
def opened(name: str) -> Iterator[Input]:
    """A path or, for ``-``, the standard input, open. Raises ``UnreachableError`` saying what to try."""
    if name == STDIN:
        yield Input(0, "stdin", regular=stat.S_ISREG(os.fstat(0).st_mode))
        return
    descriptor = _open(name)
    try:
        yield Input(descriptor, name, regular=stat.S_ISREG(os.fstat(descriptor).st_mode))
    finally:
        os.close(descriptor)


def _open(name: str) -> int:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise UnreachableError(f"no file {name}", _nearest(name)) from None
    except OSError as error:
        hint = "read permission for this user, or sudo" if isinstance(error, PermissionError) else "another path"
        raise UnreachableError(f"cannot read {name}: {error.strerror}", hint) from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreachableError(f"{name} is a directory", f"the files in it: {Path(name) / '*.log'}")
    return descriptor


def _nearest(name: str) -> str:
    directory = Path(name).parent
    if not directory.is_dir():
        return f"check the path: there is no directory {directory}"
    others = sorted(entry.name for entry in directory.iterdir() if entry.suffix in (".log", ".jsonl", ".json"))[:3]
    return f"there are: {', '.join(others)}" if others else "check the path, or - for the standard input"


def last_lines(source: Input, count: int) -> int:
    """The offset at which the last ``count`` lines of a regular file begin, read backwards from its end.

    A last line without a line feed counts as one, and is still to come where none is wanted.
    """
    end = os.fstat(source.descriptor).st_size
    if count == 0 and end and os.pread(source.descriptor, 1, end - 1) == b"\n":
        return end
    wanted = max(count, 1)
    position = end
    while position > 0:
        start = max(position - CHUNK_BYTES, 0)
        block = os.pread(source.descriptor, position - start, start)
        place = len(block) - 1 if position == end and block.endswith(b"\n") else len(block)
        while (place := block.rfind(b"\n", 0, place)) >= 0:
            wanted -= 1
            if not wanted:
                return start + place + 1
        position = start
    return 0


def chunks(source: Input, offset: int = 0) -> Iterator[bytes]:
    """The bytes from an offset to the end; an empty chunk where a pipe has been silent for a moment."""
    if offset:
        os.lseek(source.descriptor, offset, os.SEEK_SET)
    while True:
        if not source.regular and not select.select([source.descriptor], [], [], _WAIT_SECONDS)[0]:
            yield b""
            continue
        data = os.read(source.descriptor, CHUNK_BYTES)
        if not data:
            return
        yield data


def batches(source: Input, clock: Clock, offset: int = 0) -> Iterator[RawBatch | None]:
    """The lines from an offset to the end, an incomplete last one included; None where a pipe is silent."""
    framer = LineFramer(MAX_LINE_BYTES)
    for data in chunks(source, offset):
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
    """The position from which the filelog receiver follows a regular file, as its ledger entry would have it."""
    path = os.path.abspath(source.name)  # noqa: PTH100 - as the receiver names it, links not followed
    handle = Handle(path)
    stats: FileStat = handle.stat()
    head = handle.read(min(HEAD_BYTES, offset), 0)
    tail = handle.read(min(TAIL_BYTES, offset), offset - min(TAIL_BYTES, offset))
    mark = Mark.of(offset, head, tail)
    return Position(path, path, 0, stats.key, mark, stats.size, stats.modified_unix_nano).encode()
