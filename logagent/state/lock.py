"""One agent a state directory: a lock that dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from logagent.state.errors import LedgerError, from_system

if TYPE_CHECKING:
    from pathlib import Path


class DirectoryLock:
    """Held from construction to ``release``. Raises LedgerError that names the holder's process id."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "ledger.lock"
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise from_system(error, "open the lock file") from error
        try:
            self._acquire(directory)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _acquire(self, directory: Path) -> None:
        try:
            # flock, not a POSIX record lock: that would be lost when anything in this process closes the file.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise LedgerError(
                f"another logagent (process {holder}) uses the state directory {directory}",
                "stop it, or give this one a directory of its own in [state] dir",
            ) from error
        except OSError as error:
            raise from_system(error, "lock the state directory") from error
        # On a full disk the lock still holds, only its holder's name is not to be had. No truncation: that would give
        # up the block which the next write needs.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, f"{os.getpid():<19}\n".encode(), 0)

    def holds(self) -> bool:
        """Say whether others still meet this lock: its file can be deleted, and is then nobody's."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def release(self) -> None:
        """Let go, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
