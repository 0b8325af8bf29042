"""``/metrics``: one rendering for all who ask at the same time, sent piece by piece."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from aiohttp import web

from logagent.errors import LogagentError

if TYPE_CHECKING:
    from logagent.web.view import AgentView

SCRAPES = 8
"""Answered at once, up to the last byte."""
PIECE_BYTES = 64 * 1024
"""Handed to a connection at a time: what waits for a slow reader is this much of the shared text, not a copy of it."""
COMPRESSION_LEVEL = 1


class Exposition:
    """The metrics as they were committed, and the same compressed, once."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.body = body
        self.content_type = content_type
        self._compressing: asyncio.Future[bytes] | None = None

    async def compressed(self) -> bytes:
        """Give the body in gzip."""
        if self._compressing is None:
            self._compressing = asyncio.ensure_future(asyncio.to_thread(gzip.compress, self.body, COMPRESSION_LEVEL))
        return await asyncio.shield(self._compressing)


class Scrapes:
    """The handler of ``/metrics``."""

    def __init__(self, view: AgentView) -> None:
        self._view = view
        self._answering = 0
        self._turn = asyncio.Lock()
        self._next: dict[str, asyncio.Task[Exposition]] = {}
        """Accept header → the rendering that has not begun yet: whoever asks before it does is served by it."""

    async def get_metrics(self, request: web.Request) -> web.StreamResponse:
        """Answer ``/metrics``."""
        if self._answering >= SCRAPES:
            text = f"{SCRAPES} scrapes are being answered already\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "1"})
        self._answering += 1
        try:
            exposition = await self._shared(request.headers.get("Accept", ""))
            return await _send(request, exposition)
        except LogagentError as error:
            return web.Response(status=503, text=f"{error.message}\n")
        finally:
            self._answering -= 1

    async def _shared(self, accept: str) -> Exposition:
        rendering = self._next.get(accept)
        if rendering is None:
            rendering = self._next[accept] = asyncio.create_task(self._render(accept))
            rendering.add_done_callback(_look_at)
        return await asyncio.shield(rendering)

    async def _render(self, accept: str) -> Exposition:
        async with self._turn:
            # Who comes from here on may know of lines that this commit has not.
            del self._next[accept]
            return Exposition(*await self._view.metrics(accept))


async def _send(request: web.Request, exposition: Exposition) -> web.StreamResponse:
    headers = {"Content-Type": exposition.content_type, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
    body = exposition.body
    if "gzip" in request.headers.get("Accept-Encoding", "").lower():
        headers["Content-Encoding"] = "gzip"
        body = await exposition.compressed()
    response = web.StreamResponse(headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    if request.method != "HEAD":
        with memoryview(body) as whole:
            for start in range(0, len(body), PIECE_BYTES):
                await response.write(bytes(whole[start : start + PIECE_BYTES]))
    return response


def _look_at(task: asyncio.Task[Exposition]) -> None:
    """Take note of a failure, also where all who waited for it have gone away."""
    if not task.cancelled():
        task.exception()
