"""Lines appended to a file exactly once, across kills, rotation and full disks."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

TAIL_BYTES: Final = 4096
"""How much of the file before the position is hashed, to know the file again by its content."""
OURS: Final = b'{"resource'
"""Every line of OTLP/JSON begins so; an unfinished last line that does is one that a kill cut off."""


class AppendError(Exception):
    """The line was not appended; the message says why."""


@dataclass(slots=True, frozen=True)
class Position:
    """Where the file ended after a line was appended, and which file that was."""

    path: str
    device: int
    inode: int
    length: int
    tail: str
    """SHA-256 of the last TAIL_BYTES before the end."""


class Appender:
    """Appends whole lines to a regular file and knows after a restart what of its end was never settled.

    The file is opened for each line, so that one which logrotate moved away is let go. Used from threads, one at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position: Position | None = None
        self._last_id: int | None = None
        self._doubtful = True
        """Whether the file may end in something of ours that was never settled."""
        self._turn = threading.Lock()

    def restore(self, stored: bytes) -> None:
        """Take back what ``position`` gave when the last line was settled; anything else is as good as nothing."""
        try:
            self._position = Position(**json.loads(stored))
        except (ValueError, TypeError):
            self._position = None
        self._doubtful = True

    def position(self) -> bytes:
        """Give where the file ends after the last appended line; empty where none was."""
        return json.dumps(asdict(self._position)).encode() if self._position else b""

    def append(self, line_id: int, line: bytes) -> None:
        """Append one line, its newline included, and wait until the disk has it.

        A line that is already there, written before a kill or a failed settlement, is not written again. Raises
        AppendError; the file then ends as it did before, or is put right by the next call.
        """
        with self._turn:
            try:
                self._open_and_append(line_id, line)
            except OSError as error:
                raise AppendError(f"{self._path}: {error.strerror or error}") from error

    def _open_and_append(self, line_id: int, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        # Without O_NONBLOCK the opening of a pipe that nobody reads would wait for ever.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        file = os.open(self._path, flags, 0o640)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise AppendError(f"{self._path} is not a regular file")
            if is_new:
                _sync_directory(self._path.parent)
            if not self._is_there(file, line_id, line):
                self._write(file, line)
            self._doubtful = True
            os.fsync(file)
            self._position = self._position_of(file)
            self._last_id = line_id
            self._doubtful = False
        finally:
            os.close(file)

    def _write(self, file: int, line: bytes) -> None:
        length = os.fstat(file).st_size
        # What a foreign writer left unfinished must not swallow the line.
        unfinished = length and os.pread(file, 1, length - 1) != b"\n"
        self._doubtful = True
        try:
            _write_all(file, b"\n" + line if unfinished else line)
        except OSError:
            os.ftruncate(file, length)
            self._doubtful = False
            raise

    def _is_there(self, file: int, line_id: int, line: bytes) -> bool:
        """Cut off what a kill left half written; say whether the line is there all the same."""
        again = line_id == self._last_id
        if not (self._doubtful or again):
            return False
        length = os.fstat(file).st_size
        known = self._position
        if not again and known is not None and self._is_same(file, known, length):
            return self._settle_end(file, known.length, length, line)
        start = max(length - len(line), 0)
        end = _read(file, start, length)
        if end == line:
            return True
        torn = end[end.rfind(b"\n") + 1 :]
        is_whole = start == 0 or len(torn) < len(end)
        if torn and is_whole and (torn.startswith(OURS) or OURS.startswith(torn)):
            os.ftruncate(file, length - len(torn))
        return False

    @staticmethod
    def _settle_end(file: int, settled: int, length: int, line: bytes) -> bool:
        """Say whether the line stands behind what was settled; cut off its beginning where a kill left just that.

        Anything else there is another writer's, and stays.
        """
        for expected in (line, b"\n" + line):
            there = _read(file, settled, min(length, settled + len(expected)))
            if there == expected:
                return True
            if there and expected.startswith(there):
                os.ftruncate(file, settled)
                return False
        return False

    def _is_same(self, file: int, known: Position, length: int) -> bool:
        status = os.fstat(file)
        return (
            (known.path, known.device, known.inode) == (str(self._path), status.st_dev, status.st_ino)
            and known.length <= length
            and known.tail == _tail(file, known.length)
        )

    def _position_of(self, file: int) -> Position:
        status = os.fstat(file)
        return Position(str(self._path), status.st_dev, status.st_ino, status.st_size, _tail(file, status.st_size))


def _tail(file: int, length: int) -> str:
    return hashlib.sha256(_read(file, max(length - TAIL_BYTES, 0), length)).hexdigest()


def _read(file: int, start: int, stop: int) -> bytes:
    """Give the bytes from start to before stop, fewer where the file ends earlier."""
    content = bytearray()
    while start + len(content) < stop and (chunk := os.pread(file, stop - start - len(content), start + len(content))):
        content += chunk
    return bytes(content)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = os.write(file, rest)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[written:]


def _sync_directory(directory: Path) -> None:
    """Wait until the disk knows of a new file in the directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
