"""The mark: the number of the last commit, kept beside the database, so that a ledger that went back is known as one.

It is written after a commit, and neither waited for nor synced: it may be behind the ledger, never ahead of it. What it
says is in its checksum, so that half of a mark is none.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import TYPE_CHECKING, Final

from logagent.state.errors import from_system

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = "-commit"
_DIGITS: Final = 20
_SIZE: Final = _DIGITS + 1 + 8 + 1


class Mark:
    """The file of one ledger's mark; made with the first commit."""

    def __init__(self, ledger: Path) -> None:
        """Raises LedgerError where it is there and cannot be opened."""
        self._path = ledger.with_name(ledger.name + SUFFIX)
        self._descriptor = -1
        try:
            self._open(os.O_RDWR)
        except FileNotFoundError:
            return
        except OSError as error:
            raise from_system(error, "open the ledger's mark") from error

    def _open(self, flags: int) -> None:
        self._descriptor = os.open(self._path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def read(self) -> int:
        """Give the number that was written last; 0 where there is none that can be trusted."""
        if self._descriptor < 0:
            return 0
        try:
            content = os.pread(self._descriptor, _SIZE + 1, 0)
        except OSError:
            return 0
        digits = content[:_DIGITS]
        return int(digits) if digits.isdigit() and content == _line(int(digits)) else 0

    def write(self, number: int) -> None:
        """Note the number of a commit that the disk has. A failure leaves an older mark, which raises no alarm."""
        with contextlib.suppress(OSError):
            if self._descriptor < 0:
                self._open(os.O_RDWR | os.O_CREAT)
            os.pwrite(self._descriptor, _line(number), 0)

    def close(self) -> None:
        """Let go, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _line(number: int) -> bytes:
    digits = b"%0*d" % (_DIGITS, number)
    return b"%b %08x\n" % (digits, zlib.crc32(digits))
