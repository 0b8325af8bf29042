"""Who a file is: device, inode, a hash of its growing head and of the bytes before the offset."""

from __future__ import annotations

import hashlib
import os
import stat as modes
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

HEAD_BYTES = 1024
TAIL_BYTES = 256
_DIGEST_BYTES = 16


class FileKey(NamedTuple):
    """The two numbers that tell one existing file from another."""

    device: int
    inode: int


@dataclass(slots=True, frozen=True)
class FileStat:
    """What is used of ``os.stat_result``."""

    key: FileKey
    size: int
    modified_unix_nano: int
    changed_unix_nano: int
    """Of the inode: a rename or a removal moves this one only."""
    regular: bool

    @classmethod
    def of(cls, result: os.stat_result) -> FileStat:
        """Take over a result of ``os.stat`` or ``os.fstat``."""
        return cls(
            FileKey(result.st_dev, result.st_ino),
            result.st_size,
            result.st_mtime_ns,
            result.st_ctime_ns,
            modes.S_ISREG(result.st_mode),
        )


class Handle:
    """An open file, closed with its last reference.

    A read under way in a thread holds a reference of its own, so the descriptor can neither
    be closed under it nor leak when the reader is cancelled.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, path: str) -> None:
        # O_NONBLOCK: what was a file a moment ago may by now be a pipe without a writer.
        self._descriptor = -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)

    def read(self, size: int, offset: int) -> bytes:
        """Read up to ``size`` bytes at ``offset``."""
        return os.pread(self._descriptor, size, offset)

    def stat(self) -> FileStat:
        """Give the open file's numbers."""
        return FileStat.of(os.fstat(self._descriptor))

    def __del__(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)


def digest(data: bytes) -> str:
    """Give a short hash for comparing content; not for secrecy."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


@dataclass(slots=True, frozen=True)
class Mark:
    """What a file's content must show for an offset in it to hold."""

    offset: int
    head_length: int
    head: str
    tail_length: int
    tail: str

    @classmethod
    def of(cls, offset: int, head: bytes, tail: bytes) -> Mark:
        """Make the mark of ``offset`` from the file's first bytes and those before it.

        Of a file of which nothing has been read yet, the first bytes are those that were seen in it.
        """
        return cls(offset, len(head), digest(head), len(tail), digest(tail))

    def holds(self, handle: Handle) -> bool:
        """Whether both hashes agree; in a file that is too short, the second cannot."""
        tail = handle.read(self.tail_length, self.offset - self.tail_length)
        return self.begins(handle) and digest(tail) == self.tail

    def begins(self, handle: Handle) -> bool:
        """Whether the first bytes agree, as far as they are known."""
        return digest(handle.read(self.head_length, 0)) == self.head


@dataclass(slots=True, frozen=True)
class Position:
    """Where a file is read on, as the ledger stores it."""

    path: str
    """The path that the file is, or once was, a generation of."""
    location: str
    """Where the file itself was last seen."""
    generation: int
    """Files of one path count up, the oldest lowest."""
    key: FileKey
    mark: Mark
    size: int
    modified_unix_nano: int
    target: str = ""
    """Where ``location`` led to, links in directories' names too; empty where it is no other path, or not known."""

    def encode(self) -> bytes:
        """Give the position as one small JSON object."""
        return orjson.dumps(
            {
                "path": _quote(self.path),
                "location": _quote(self.location),
                "generation": self.generation,
                "device": self.key.device,
                "inode": self.key.inode,
                "offset": self.mark.offset,
                "head_length": self.mark.head_length,
                "head": self.mark.head,
                "tail_length": self.mark.tail_length,
                "tail": self.mark.tail,
                "size": self.size,
                "modified_unix_nano": self.modified_unix_nano,
            }
            | ({"target": _quote(self.target)} if self.target else {})
        )

    @classmethod
    def decode(cls, value: bytes) -> Position:
        """Read a stored position. Raise ValueError for anything else."""
        data = orjson.loads(value)
        if not isinstance(data, dict):
            raise ValueError("a position is a JSON object")  # noqa: TRY004  # one class for all that is none
        mark = Mark(
            _number(data, "offset"),
            _number(data, "head_length"),
            _text(data, "head"),
            _number(data, "tail_length"),
            _text(data, "tail"),
        )
        if mark.tail_length > min(mark.offset, TAIL_BYTES) or mark.head_length > min(
            mark.offset or HEAD_BYTES, HEAD_BYTES
        ):
            raise ValueError("a position's hashes cover bytes before its offset, or the first ones that were seen")
        return cls(
            _unquote(_text(data, "path")),
            _unquote(_text(data, "location")),
            _number(data, "generation"),
            FileKey(_number(data, "device"), _number(data, "inode")),
            mark,
            _number(data, "size"),
            _number(data, "modified_unix_nano"),
            _unquote(_text(data, "target")) if "target" in data else "",
        )


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} of a position is a number")
    return value


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} of a position is a string")  # noqa: TRY004  # one class for all that is none
    return value


def _quote(path: str) -> str:
    # A path may be any bytes; JSON holds only text.
    return quote_from_bytes(os.fsencode(path), safe="/ :+,=@~")


def _unquote(text: str) -> str:
    return os.fsdecode(unquote_to_bytes(text))
