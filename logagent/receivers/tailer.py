"""One file: opened, read on in chunks, and told apart from what may have taken its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from logagent.receivers.framing import Framed, LineFramer
from logagent.receivers.identity import HEAD_BYTES, TAIL_BYTES, Mark, Position, digest

if TYPE_CHECKING:
    from logagent.receivers.discovery import Entry
    from logagent.receivers.identity import FileKey, FileStat, Handle


class ContentChangedError(Exception):
    """The bytes before the place that was read to are not those that were read."""


@dataclass(slots=True)
class Reading:
    """What one read completed."""

    framed: Framed
    consumed: int
    """Bytes of the file that the lines took."""


class TailedFile:
    """A file and how far it has been read. All methods may block on the disk."""

    def __init__(  # noqa: PLR0913  # who it is, and what it is read with
        self, path: str, location: str, key: FileKey, *, generation: int, max_line_bytes: int, stream: str = ""
    ) -> None:
        self.path = path
        self.location = location
        """Where the file can be opened; empty where no known name leads to it."""
        self.target = ""
        """What ``location`` leads to in the end, where that is another path."""
        self.key = key
        self.generation = generation
        self.stream = stream or uuid4().hex
        self.handle: Handle | None = None
        self.verified = False
        """The content has been compared with the mark in this run."""
        self.offset = 0
        self.size = 0
        self.modified_unix_nano = 0
        self.at_end = False
        self.failed = False
        """The last attempt to open or read it failed; tried again at the next survey."""
        self.unreadable = False
        """The last attempt to open it was refused."""
        self.age = (0, 0)
        """When it and its inode had last changed when it was found."""
        self.done = False
        """Rotated away or deleted, read to its end and quiet since."""
        self.current = False
        """It is the one at ``path``."""
        self.rotated_at: float | None = None
        self.grew_at = float("-inf")
        self.behind_since = 0.0
        self._framer = LineFramer(max_line_bytes)
        self._head = b""
        self._tail = b""
        self._mark: Mark | None = None
        self._read_offset = 0
        self._read_tail = b""

    @classmethod
    def restored(cls, stream: str, position: Position, *, max_line_bytes: int) -> TailedFile:
        """Make the file of a stored position; its content is compared when it is opened."""
        made = cls(
            position.path,
            position.location,
            position.key,
            generation=position.generation,
            max_line_bytes=max_line_bytes,
            stream=stream,
        )
        made.offset = made._read_offset = position.mark.offset
        made.size = position.size
        made.modified_unix_nano = position.modified_unix_nano
        made.age = position.modified_unix_nano, 0
        made._mark = position.mark
        made.target = position.target
        return made

    @property
    def source(self) -> str:
        """The path for people; bytes that are no text are replaced."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def unread(self) -> int:
        """Bytes not yet emitted, as of the last look."""
        return max(self.size - self.offset, 0)

    @property
    def begun(self) -> bool:
        """Whether anything of it has been read."""
        return self._read_offset > 0

    @property
    def seen(self) -> bool:
        """Whether any of its content is known, so that another in its place can be told from it."""
        return self.begun or self.mark.head_length > 0

    @property
    def held(self) -> int:
        """Bytes read of a line that has not ended."""
        return self._framer.held

    @property
    def mark(self) -> Mark:
        """What the content must show for the offset to hold."""
        if self._mark is None:
            self._mark = Mark.of(self.offset, self._head[: self.offset or HEAD_BYTES], self._tail)
        return self._mark

    def position(self) -> bytes:
        """Give the position after what has been emitted."""
        return Position(
            self.path,
            self.location,
            self.generation,
            self.key,
            self.mark,
            self.size,
            self.modified_unix_nano,
            self.target,
        ).encode()

    def attach(self, handle: Handle) -> bool:
        """Read on from ``handle`` if its content agrees with the mark; say whether it does."""
        if not self._load(handle, self.mark):
            return False
        self.handle = handle
        self.verified = True
        return True

    def begin(self, handle: Handle) -> None:
        """Read from the start, and see the first bytes now: another file's in their place will not be taken for them."""
        self.handle = handle
        self.verified = True
        self._load(handle)

    def rebind(self, entry: Entry, handle: Handle) -> None:
        """Go on in a copy of the file, which holds what was cut off from the original."""
        self.key = entry.stat.key
        self.location = entry.path
        self.target = ""
        self.current = False
        self.handle = handle
        self.done = False
        self._load(handle)

    def skip_to_end(self, handle: Handle, chunk_bytes: int) -> None:
        """Begin after the last complete line that exists; one under way will be complete later."""
        size = handle.stat().size
        last = handle.read(min(size, chunk_bytes), max(size - chunk_bytes, 0))
        line_feed = last.rfind(b"\n")
        self.offset = size - len(last) + line_feed + 1 if line_feed >= 0 else size
        self._mark = None
        self._load(handle)

    def close(self) -> None:
        """Let go of the open file; an incomplete line will be read again."""
        self.handle = None
        self.at_end = self.at_end and not self.held
        self._rewind()

    def differs(self, stat: FileStat) -> bool:
        """Whether the numbers are not those of the last read, so that there may be something to read."""
        if (stat.size, stat.modified_unix_nano) != (self.size, self.modified_unix_nano):
            self.at_end = False
        return not self.at_end

    def note(self, stat: FileStat) -> None:
        """Take over the numbers of the file, whose content is known to be intact."""
        self.size, self.modified_unix_nano = stat.size, stat.modified_unix_nano

    def shares(self, handle: Handle, size: int) -> bool:
        """Whether a file of ``size`` bytes has the same content, as far as this one's is known and that one goes."""
        if self.offset and size >= self.offset:
            return self.mark.holds(handle)
        length = min(size, len(self._head))
        if length:
            return handle.read(length, 0) == self._head[:length]
        return 0 < self.mark.head_length <= size and self.mark.begins(handle)

    def intact(self) -> bool:
        """Whether the bytes just read are still those in the open file, or the first ones that were seen in it."""
        if self.handle is None:
            return True
        if not self._read_offset:
            return self._look(self.handle)
        before = self._read_offset - len(self._read_tail)
        return self.handle.read(len(self._read_tail), before) == self._read_tail

    def read(self, chunk_bytes: int) -> Reading | None:
        """Read one chunk and give the lines that it completes, or None where it completes none.

        Raise ContentChangedError where what was read before is no longer there: the bytes just
        before are read along in the same call, so nothing can change in between.
        """
        handle = self.handle
        if handle is None:
            raise FileNotFoundError(self.location)
        start = len(self._read_tail)
        base = self._read_offset - start
        data = handle.read(start + chunk_bytes, base)
        if not data.startswith(self._read_tail if start else self._head[:chunk_bytes]):
            raise ContentChangedError(self.location)
        stat = handle.stat()
        self.size, self.modified_unix_nano = stat.size, stat.modified_unix_nano
        self._read_offset = base + len(data)
        self.at_end = len(data) == start or stat.size == self._read_offset
        if len(data) == start:
            return None
        self.done = False
        if base <= len(self._head) < HEAD_BYTES:
            self._head += data[len(self._head) - base : HEAD_BYTES - base]
        self._read_tail = data[-TAIL_BYTES:]
        framed = self._framer.feed(data, start)
        if framed is None:
            return None
        end = len(data) - self._framer.held
        return self._consumed(framed, base + end, data[max(end - TAIL_BYTES, 0) : end])

    def flush(self) -> Reading | None:
        """Give the incomplete last line of a file that is finished, or None where there is none.

        The offset then stands behind it. Should the line be continued after all, its rest is
        read as a line of its own, and a lone line feed as the empty line that it leaves.
        """
        framed = self._framer.flush()
        return self._consumed(framed, self._read_offset, self._read_tail) if framed else None

    def _consumed(self, framed: Framed, offset: int, tail: bytes) -> Reading:
        consumed = offset - self.offset
        self.offset = offset
        self._tail = tail
        self._mark = None
        return Reading(framed, consumed)

    def _look(self, handle: Handle) -> bool:
        """See more of the first bytes of a file that has not been begun, if those seen before are still there."""
        known = self.mark.head_length
        head = handle.read(HEAD_BYTES, 0)
        if known and (digest(head[:known]) != self.mark.head or handle.stat().size < self.size):
            return False
        self._head = head
        self._mark = None
        return True

    def _load(self, handle: Handle, mark: Mark | None = None) -> bool:
        """See what surrounds the offset, if it agrees with ``mark``."""
        stat = handle.stat()
        head = handle.read(min(self.offset or HEAD_BYTES, HEAD_BYTES), 0)
        length = min(self.offset, TAIL_BYTES)
        tail = handle.read(length, self.offset - length)
        if mark and Mark.of(self.offset, head[: mark.head_length], tail[length - mark.tail_length :]) != mark:
            return False
        if mark and mark.head_length and not self.offset and stat.size < self.size:
            return False
        self.size, self.modified_unix_nano = stat.size, stat.modified_unix_nano
        self.at_end = False
        self._head = head
        self._tail = tail
        self._mark = None
        self._rewind()
        return True

    def _rewind(self) -> None:
        self._read_offset = self.offset
        self._read_tail = self._tail
        self._head = self._head[: self.offset or HEAD_BYTES]
        self._framer.reset()
