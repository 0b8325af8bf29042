"""The live stream: server-sent events in batches, resumed where the browser left off.

Nothing is queued for a client: each one has a cursor into the bounded live view, and a client that reads too slowly
finds a gap, which is counted and told.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from logagent.web.answers import answer_error, encode, integer

if TYPE_CHECKING:
    from logagent.web.api import Api

INTERVAL_SECONDS = 0.25
OVERVIEW_EVERY = 4
"""Batches between two overviews: one second."""
HEARTBEAT_EVERY = 60
"""Batches after which something is written even if nothing happened, so that a dead peer is noticed."""
STALLED_SECONDS = 30.0
CLIENTS = 16
RECORDS_AT_START = 200
RECORDS_OF_BATCH = 200
TRACES_OF_BATCH = 100


class Cursor(NamedTuple):
    """Up to where a client has seen records and traces, in one run of the server."""

    epoch: str
    record: int
    trace: int

    def __str__(self) -> str:
        """Give the event id that the browser sends back."""
        return f"{self.epoch}-{self.record}-{self.trace}"


def read_cursor(text: str, epoch: str, newest: int) -> Cursor | None:
    """Give the cursor that a client sent; None where it is of another run or makes no sense."""
    parts = text.split("-")
    if len(parts) != len(Cursor._fields) or parts[0] != epoch:
        return None
    if not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts[1:]):  # noqa: PLR2004 - the digits of 64 bits
        return None
    cursor = Cursor(epoch, int(parts[1]), int(parts[2]))
    return cursor if cursor.record <= newest else None


class Stream:
    """The handler of ``/api/live``; ``stopping`` ends all of its clients."""

    def __init__(self, api: Api, epoch: str) -> None:
        self._api = api
        self._live = api.view.live
        self._epoch = epoch
        self._clients = 0
        self.stopping = asyncio.Event()

    async def get_live(self, request: web.Request) -> web.StreamResponse:
        """Answer ``/api/live?severity=&after=`` until the client or the server ends it."""
        if self._clients >= CLIENTS:
            return answer_error(503, f"{CLIENTS} pages are connected already; close one")
        severity = integer(request, "severity", 0, 24)
        sent = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        cursor = read_cursor(sent, self._epoch, self._live.sequence)
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        self._clients += 1
        try:
            await response.prepare(request)
            await self._serve(response, cursor, severity)
        except (ConnectionError, TimeoutError):
            pass  # the browser went away, or does not read: it comes back with its cursor
        finally:
            self._clients -= 1
        return response

    async def _serve(self, response: web.StreamResponse, cursor: Cursor | None, severity: int) -> None:
        if cursor is None:
            cursor = Cursor(self._epoch, max(self._live.sequence - RECORDS_AT_START, 0), 0)
            await self._write(response, _event("reset", {}, None))
        tick = 0
        while not self.stopping.is_set():
            message, cursor = self.batch(cursor, severity)
            if tick % OVERVIEW_EVERY == 0:
                message += b"event: overview\ndata: " + self._api.overview() + b"\n\n"
            if not message and tick % HEARTBEAT_EVERY == 0:
                message = b":\n\n"
            if message:
                await self._write(response, message)
            tick += 1
            await self._pause()

    def batch(self, cursor: Cursor, severity: int) -> tuple[bytes, Cursor]:
        """Give what is new after a cursor, as events, and the cursor after it."""
        live = self._live
        after = Cursor(self._epoch, live.sequence, live.traces.sequence)
        rows, missed = live.records(after=cursor.record, limit=RECORDS_OF_BATCH, severity=severity)
        traces = live.traces.recent(TRACES_OF_BATCH, after=cursor.trace)
        message = b""
        if rows or missed:
            message += _event("records", {"records": [row.as_json() for row in rows], "missed": missed}, after)
        if traces:
            message += _event("traces", [trace.summary() for trace in traces], after)
        return message, after

    @staticmethod
    async def _write(response: web.StreamResponse, message: bytes) -> None:
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write(message)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(INTERVAL_SECONDS):
                await self.stopping.wait()
        except TimeoutError:
            pass


def _event(name: str, payload: object, cursor: Cursor | None) -> bytes:
    identity = b"" if cursor is None else f"id: {cursor}\n".encode()
    return identity + f"event: {name}\ndata: ".encode() + encode(payload) + b"\n\n"
