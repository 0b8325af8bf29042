"""Opening what ``tail`` is to read: files, gzip files, pipes; what is no text is refused, saying what it is."""

from __future__ import annotations

import gzip
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from logagent.errors import UnreachableError
from logagent.suggestions import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = "-"
_SNIFFED_BYTES = 4096
_GZIP = b"\x1f\x8b"
_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""First bytes → the program that unpacks it."""
_BINARY = {
    b"\x7fELF": "a program",
    b"PK\x03\x04": "a zip archive",
    b"SQLite format 3\0": "an SQLite database",
    b"LPKSHHRH": "a systemd journal",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_BINARY_HINTS = {
    "a systemd journal": "journalctl -o json --file {name} | logagent tail",
    "UTF-16 text": "iconv -f UTF-16 -t UTF-8 {name} | logagent tail",
}
_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\r\f\b\x1b")
_MOST_CONTROLS = 0.3
"""The share of bytes beyond text above which perl's ``-B`` calls a file binary."""
_FEW = 8
"""Such bytes are no sign yet, whatever their share."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to read: an open descriptor and what a person calls it."""

    descriptor: int
    name: str
    seekable: bool
    """Its size is known, and it can be read from anywhere."""
    followable: bool = False
    """It may grow and rotate under its name."""
    unpacked: gzip.GzipFile | None = None
    """What it holds, where it is compressed."""


@contextmanager
def opened(name: str, *, binary: bool = False) -> Iterator[Input]:
    """A path or, for ``-``, the standard input, open. Raises ``UnreachableError`` saying what to try.

    ``binary`` takes content that is no text, too.
    """
    if name == STDIN:
        yield Input(0, "stdin", seekable=_has_size(0) and os.lseek(0, 0, os.SEEK_CUR) == 0)
        return
    descriptor = _open(name)
    try:
        head = _head(descriptor, name)
        if head.startswith(_GZIP):
            with os.fdopen(os.dup(descriptor), "rb") as packed, gzip.GzipFile(fileobj=packed) as unpacked:
                yield Input(descriptor, name, seekable=False, unpacked=unpacked)
            return
        if not binary:
            _require_text(head, name)
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        yield Input(descriptor, name, _has_size(descriptor), followable=regular)
    finally:
        os.close(descriptor)


def unreadable(name: str, error: OSError) -> UnreachableError:
    """The error of a file that cannot be read."""
    hint = "read permission for this user, or sudo" if isinstance(error, PermissionError) else "another path"
    return UnreachableError(f"cannot read {name}: {error.strerror or error}", hint)


def _has_size(descriptor: int) -> bool:
    """Whether it is a file with a size; those of /proc have none, whatever they hold."""
    found = os.fstat(descriptor)
    return stat.S_ISREG(found.st_mode) and found.st_size > 0


def _open(name: str) -> int:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise UnreachableError(f"no file {name}", _what_there_is(name)) from None
    except ValueError:
        raise UnreachableError(f"no file {name!r}", "a path without NUL characters") from None
    except OSError as error:
        raise unreadable(name, error) from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreachableError(f"{name} is a directory", f"the files in it: {Path(name) / '*.log'}")
    return descriptor


def _what_there_is(name: str) -> str:
    directory = Path(name).parent
    if not directory.is_dir():
        return f"check the path: there is no directory {directory}"
    others = sorted(entry.name for entry in directory.iterdir() if entry.suffix in (".log", ".jsonl", ".json"))
    if near := nearest(Path(name).name, others):
        return f"did you mean `{Path(name).with_name(near)}`?"
    return f"there are: {', '.join(others[:3])}" if others else "check the path, or - for the standard input"


def _head(descriptor: int, name: str) -> bytes:
    """The first bytes of a regular file; none of anything else, which would be read only once."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return b""
    try:
        return os.pread(descriptor, _SNIFFED_BYTES, 0)
    except OSError as error:
        raise unreadable(name, error) from None


def _require_text(head: bytes, name: str) -> None:
    """Refuse what shows as noise. NUL bytes at the start are no sign: a truncation under a writer leaves them behind."""
    for magic, program in _PACKED.items():
        if head.startswith(magic):
            raise UnreachableError(f"{name} is compressed with {program}", f"{program} -dc {name} | logagent tail")
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            hint = _BINARY_HINTS.get(what, "a log of text lines, or --raw for the bytes").format(name=name)
            raise UnreachableError(f"{name} is {what}, not a log of text lines", hint)
    content = head.lstrip(b"\0")
    controls = len(content) - len(content.translate(None, _CONTROLS))
    undecodable = content.decode("utf-8", "replace").count("\ufffd")
    if controls + undecodable > max(len(content) * _MOST_CONTROLS, _FEW):
        raise UnreachableError(f"{name} is binary, not a log of text lines", "--raw for the bytes as they are")
