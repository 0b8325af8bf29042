"""Clients that ask and do not read, ask all at once, or only hold a connection."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest
from web_picture import FakeAgent

from logagent.clock import ManualClock
from logagent.web import connections, scrapes, server
from logagent.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DEADLINE_SECONDS = 20.0
LARGE = b"# a line of an exposition\n" * 800_000
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED = b"HTTP/1.1 503 Service Unavailable"


class Scraped(FakeAgent):
    """Gives an exposition when the test lets it, and counts how often it made one."""

    def __init__(self, body: bytes = b"up 1\n") -> None:
        super().__init__()
        self.body = body
        self.renderings = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        self.renderings += 1
        number = self.renderings
        await self.gate.wait()
        return self.body or b"rendering %d\n" % number, f"text/plain; accept={len(accept)}"


class Site:
    """A server over a made-up agent, asked through raw sockets."""

    def __init__(self, agent: Scraped) -> None:
        self.agent = agent
        self.server = WebServer(agent, ManualClock())
        self.address = ("127.0.0.1", 0)
        self._sockets: list[socket.socket] = []

    async def ask(self, request: bytes = REQUEST) -> socket.socket:
        """Send a request and do not read."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0)
        self._sockets.append(client)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, self.address)
        await loop.sock_sendall(client, request)
        return client

    async def read(self, client: socket.socket, size: int = 4096) -> bytes:
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                return await asyncio.get_running_loop().sock_recv(client, size)
            except ConnectionResetError:
                return b""

    async def read_all(self, client: socket.socket) -> bytes:
        content = b""
        while piece := await self.read(client, 1 << 20):
            content += piece
        return content

    def waiting(self) -> list[int]:
        """The bytes that wait to be sent, by connection."""
        assert self.server._connections is not None
        found = self.server._connections._open
        return [one._transport.get_write_buffer_size() for one in found if one._transport is not None]

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not reached():  # noqa: ASYNC110 - the state of connections tells no event
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        for client in self._sockets:
            client.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.server.stop()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(Scraped())
    site.address = await site.server.start("127.0.0.1", 0)
    yield site
    await site.close()


async def test_who_scrapes_while_another_is_served_shares_the_next_rendering_with_all_others(site: Site) -> None:
    site.agent.body = b""
    site.agent.gate.clear()
    host, port = site.address
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:

        async def scrape() -> bytes:
            async with session.get("/metrics") as answer:
                assert answer.status == 200
                return await answer.read()

        first = asyncio.create_task(scrape())
        await site.until(lambda: site.agent.renderings == 1)
        others = [asyncio.create_task(scrape()) for _ in range(5)]
        assert site.server._connections is not None
        await site.until(lambda: len(site.server._connections or ()) == 6)
        await asyncio.sleep(0.05)
        site.agent.gate.set()
        assert await first == b"rendering 1\n"
        assert await asyncio.gather(*others) == [b"rendering 2\n"] * 5


async def test_a_rendering_is_shared_only_by_those_who_want_the_same_format(site: Site) -> None:
    host, port = site.address
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:

        async def content_type(accept: str) -> str:
            async with session.get("/metrics", headers={"Accept": accept}) as answer:
                return answer.headers["Content-Type"]

        types = await asyncio.gather(*(content_type("x" * number) for number in (1, 2, 1, 2)))
    assert types == [f"text/plain; accept={number}" for number in (1, 2, 1, 2)]


async def test_a_scrape_whose_client_goes_away_takes_the_rendering_from_no_other(site: Site) -> None:
    site.agent.gate.clear()
    await site.ask()
    await site.until(lambda: site.agent.renderings == 1)
    leaving, staying = await site.ask(), await site.ask()
    await asyncio.sleep(0.02)
    leaving.close()
    site.agent.gate.set()
    assert b"up 1\n" in await site.read(staying)


async def test_more_scrapes_at_once_than_are_answered_are_sent_away(site: Site) -> None:
    site.agent.gate.clear()
    for _ in range(scrapes.SCRAPES):
        await site.ask()
    assert site.server._connections is not None
    await site.until(lambda: len(site.server._connections or ()) == scrapes.SCRAPES)
    await asyncio.sleep(0.05)
    answer = await site.read(await site.ask())
    assert answer.startswith(REFUSED)
    assert b"Retry-After: 1" in answer
    site.agent.gate.set()
    await site.until(lambda: set(site.waiting()) == {0})
    await asyncio.sleep(0.02)
    assert (await site.read(await site.ask())).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("encoding", [b"", b"Accept-Encoding: gzip\r\n"])
async def test_a_large_exposition_arrives_whole(site: Site, encoding: bytes) -> None:
    site.agent.body = LARGE
    host, port = site.address
    headers = {"Accept-Encoding": "gzip" if encoding else "identity"}
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        async with session.get("/metrics", headers=headers) as answer:
            assert answer.headers.get("Content-Encoding") == ("gzip" if encoding else None)
            assert await answer.read() == LARGE
        async with session.head("/metrics", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"")


async def test_clients_that_never_read_hold_pieces_of_the_answer_not_all_of_it(site: Site) -> None:
    site.agent.body = LARGE
    for _ in range(scrapes.SCRAPES):
        await site.ask()
    await site.until(lambda: sum(size > 0 for size in site.waiting()) == scrapes.SCRAPES)
    await asyncio.sleep(0.1)
    assert max(site.waiting()) <= 4 * scrapes.PIECE_BYTES


async def test_a_client_that_never_reads_is_dropped_and_its_place_is_free(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.2)
    assert site.server._connections is not None
    watching = asyncio.create_task(site.server._connections.watch())
    site.agent.body = LARGE
    for _ in range(scrapes.SCRAPES):
        await site.ask()
    await site.until(lambda: len(site.server._connections or ()) == scrapes.SCRAPES)
    await site.until(lambda: len(site.server._connections or ()) == 0)
    site.agent.body = b"up 1\n"
    assert b"up 1\n" in await site.read(await site.ask())
    watching.cancel()


async def test_a_client_that_reads_is_not_dropped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.05)
    assert site.server._connections is not None
    watching = asyncio.create_task(site.server._connections.watch())
    client = await site.ask()
    assert b"up 1\n" in await site.read(client)
    await asyncio.sleep(0.2)
    await asyncio.get_running_loop().sock_sendall(client, REQUEST)
    assert b"up 1\n" in await site.read(client)
    watching.cancel()


async def test_a_client_that_asks_without_end_and_never_reads_is_soon_heard_no_more(site: Site) -> None:
    page = b"GET /static/app.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client = await site.ask(page)
    sent, quiet = 0, 0
    while quiet < 50:
        try:
            sent += client.send(page * 1000)
            quiet = 0
        except BlockingIOError:
            quiet += 1
        assert sent < 32 * 2**20, "it is heard without end"
        await asyncio.sleep(0.005)
    assert max(site.waiting()) < 512 * 1024


async def test_more_connections_than_the_limit_are_refused_until_one_is_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS", 3)
    holding = [await site.ask(b"") for _ in range(3)]
    await site.until(lambda: len(site.server._connections or ()) == 3)
    refused = await site.ask(b"")
    assert (await site.read_all(refused)).startswith(REFUSED)
    holding[0].close()
    await site.until(lambda: len(site.server._connections or ()) == 2)
    assert b"up 1\n" in await site.read(await site.ask())


@pytest.mark.parametrize("begun", [b"", b"GET /metrics HTTP/1.1\r\nHo"])
async def test_a_connection_that_asks_for_nothing_is_closed(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.1)
    site = Site(Scraped())
    site.address = await site.server.start("127.0.0.1", 0)
    assert await site.read(await site.ask(begun)) == b""
    await site.close()


async def test_a_stop_does_not_wait_for_clients_that_do_not_read(site: Site) -> None:
    site.agent.body = LARGE
    for _ in range(3):
        await site.ask()
    await site.until(lambda: sum(size > 0 for size in site.waiting()) == 3)
    async with asyncio.timeout(5):
        await site.server.stop()
