"""The connections of the server: only so many, and none that is written to for long without being read.

Whoever asks and does not read leaves the answer in this process's memory; the kernel tells no one, so we look.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTIONS = 128
UNREAD_SECONDS = 30.0
"""How long something may wait to be sent before the connection is dropped."""
LOOK_SECONDS = 1.0
_SORRY = b"too many connections\n"
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Retry-After: 1\r\nContent-Length: %d\r\n\r\n%b" % (len(_SORRY), _SORRY)
)


class Connections:
    """Makes the protocol of each connection, keeps count of them and drops those that do not read."""

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        self._make = make
        self._open: set[_Connection] = set()

    def __len__(self) -> int:
        """Give how many are open."""
        return len(self._open)

    def accept(self) -> asyncio.Protocol:
        """Give the protocol of a new connection: the server's, or one that refuses."""
        return _Refusal() if len(self._open) >= CONNECTIONS else _Connection(self._make(), self._open)

    async def watch(self) -> None:
        """Drop connections that do not read, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for connection in list(self._open):
                connection.check(loop.time())

    def drop_all(self) -> None:
        """Drop every connection, whatever waits to be sent."""
        for connection in list(self._open):
            connection.drop()


class _Connection(asyncio.Protocol):
    """Passes everything on. The server lets go of a transport that it closes, though that may never end."""

    def __init__(self, inner: asyncio.Protocol, among: set[_Connection]) -> None:
        self._inner = inner
        self._among = among
        self._transport: asyncio.Transport | None = None
        self._unread_since: float | None = None

    def check(self, now: float) -> None:
        if self._transport is None or self._transport.get_write_buffer_size() == 0:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since >= UNREAD_SECONDS:
            self.drop()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._among.add(self)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._among.discard(self)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _Refusal(asyncio.Protocol):
    """Says that there are too many, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.write(_REFUSAL)
        transport.close()
