"""The ``stdin`` receiver: lines of a pipe, terminal or redirected file, which cannot be read twice."""

from __future__ import annotations

import asyncio
import os
import select
from typing import TYPE_CHECKING, Protocol

from aiofiles.os import wrap

from logagent.model import RawBatch
from logagent.receivers.framing import LineFramer
from logagent.receivers.protocol import ReceiverState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.clock import Clock
    from logagent.receivers.framing import Framed
    from logagent.receivers.protocol import Emit

_STREAM = "stdin"
_STANDARD_INPUT = 0


class HasDescriptor(Protocol):
    """An open file or pipe."""

    def fileno(self) -> int:
        """Give the descriptor."""
        ...


class StdinReceiver:
    """Reads standard input, or ``stream``, to its end. Its position is empty: there is nothing to resume."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        max_line_bytes: int = 1024 * 1024,
        chunk_bytes: int = 512 * 1024,
        stream: HasDescriptor | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._framer = LineFramer(max_line_bytes)
        self._ended = False

    def restore(self, positions: Mapping[str, bytes]) -> None:
        """Take nothing: what an earlier run read from its input is no part of this one's."""

    async def run(self, emit: Emit, *, once: bool, stop: asyncio.Event) -> None:  # noqa: ARG002  # the end is the end either way
        """Emit batches until the input ends or ``stop`` is set."""
        tasks = [asyncio.create_task(work) for work in (_until(stop), self._read(emit))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def caught_up(self) -> bool:
        """Whether the input has ended; before that nobody knows what is to come."""
        return self._ended

    def observe(self) -> ReceiverState:
        """Give whether the input is still open; what waits in a pipe cannot be seen."""
        return ReceiverState(open_files=int(not self._ended))

    async def _read(self, emit: Emit) -> None:
        descriptor = self._stream.fileno() if self._stream else _STANDARD_INPUT
        interrupted, interrupt = os.pipe()
        # The thread waits for input or for the interrupt, so that none is left behind in a read.
        next_chunk = wrap(_next_chunk)
        pending: asyncio.Future[bytes] | None = None
        try:
            while True:
                pending = asyncio.ensure_future(next_chunk(descriptor, interrupted, self._chunk_bytes))
                data = await asyncio.shield(pending)
                framed = self._framer.feed(data) if data else self._framer.flush()
                if framed:
                    await emit(self._batch(framed, len(data)))
                if not data:
                    break
            self._ended = True
        finally:
            os.close(interrupt)
            if pending is not None:
                await asyncio.wait([pending])
            os.close(interrupted)

    def _batch(self, framed: Framed, size: int) -> RawBatch:
        losses = {"nul_bytes": framed.nul_bytes} if framed.nul_bytes else {}
        return RawBatch(
            self.name, _STREAM, framed.lines, _STREAM, b"", self._clock.now(), size=size, cut=framed.cut, losses=losses
        )


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


def _next_chunk(descriptor: int, interrupted: int, size: int) -> bytes:
    """Read what is there, waiting for something to come; empty at the end or when interrupted."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(interrupted, select.POLLIN)
    while True:
        ready = [ready for ready, _ in poll.poll()]
        if interrupted in ready:
            return b""
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            continue
        except OSError:
            return b""  # closed before the start, or the terminal is gone
