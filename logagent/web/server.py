"""The HTTP server: /metrics, /healthz, /readyz, the API and the page."""

from __future__ import annotations

import asyncio
import errno
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from logagent.errors import UnreachableError
from logagent.web.answers import SECURITY_HEADERS, answer_error, answer_json, load_assets
from logagent.web.api import Api
from logagent.web.connections import Connections
from logagent.web.hosts import HostGuard, host_of
from logagent.web.scrapes import Scrapes
from logagent.web.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp.typedefs import Handler, Middleware

    from logagent.clock import Clock
    from logagent.web.view import AgentView

METHODS = ("GET", "HEAD")
FAILED = "failed"
"""The one health status at which /healthz answers 503: the agent cannot go on."""
SHUTDOWN_SECONDS = 0.5
BACKLOG = 128
IDLE_SECONDS = 75.0
"""How long a connection may be open without a request; more than the common interval of scrapes."""


class WebServer:
    """Serves an agent's view on one address until it is stopped.

    ``allowed_hosts`` are names, beside loopback ones and the address itself, under which it may be asked.
    """

    def __init__(self, view: AgentView, clock: Clock, *, allowed_hosts: Iterable[str] = ()) -> None:
        self._view = view
        self._clock = clock
        self._allowed_hosts = tuple(allowed_hosts)
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._connections: Connections | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stream: Stream | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and give the address; port 0 takes a free one. Raises UnreachableError where it cannot listen."""
        runner = web.AppRunner(
            self._application(HostGuard(host, self._allowed_hosts)),
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
        )
        await runner.setup()
        self._runner = runner
        connections = self._connections = Connections(_protocols(runner))
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                connections.accept, host or None, port, backlog=BACKLOG
            )
        except OSError as error:
            await self.stop()
            raise _cannot_listen(host, port, error) from error
        self._watching = asyncio.create_task(connections.watch())
        bound: tuple[str, int] = self._listener.sockets[0].getsockname()[:2]
        return bound

    async def stop(self) -> None:
        """End the live streams, finish what is being answered, and close the address."""
        if self._stream is not None:
            self._stream.stopping.set()
        if self._watching is not None:
            self._watching.cancel()
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._connections is not None:
            self._connections.drop_all()
        self._runner = self._listener = self._connections = self._watching = None

    def _application(self, guard: HostGuard) -> web.Application:
        application = web.Application(middlewares=[_guarded(guard)])
        application.on_response_prepare.append(_add_headers)
        api = Api(self._view, self._clock)
        self._stream = Stream(api, secrets.token_hex(4))
        assets = load_assets()
        page = assets["index.html"]

        async def get_page(request: web.Request) -> web.Response:
            return page.answer(request)

        async def get_asset(request: web.Request) -> web.Response:
            asset = assets.get(request.match_info["name"])
            return answer_error(404, "no such file") if asset is None else asset.answer(request)

        application.add_routes(
            [
                web.get("/", get_page),
                web.get("/t/{trace}", get_page),
                web.get("/static/{name}", get_asset),
                web.get("/metrics", Scrapes(self._view).get_metrics),
                web.get("/healthz", self._get_health),
                web.get("/readyz", self._get_ready),
                web.get("/api/overview", api.get_overview),
                web.get("/api/traces", api.get_traces),
                web.get("/api/trace/{trace}", api.get_trace),
                web.get("/api/records", api.get_records),
                web.get("/api/live", self._stream.get_live, allow_head=False),
            ]
        )
        return application

    async def _get_health(self, _request: web.Request) -> web.Response:
        health = self._view.health()
        return answer_json(health, 503 if health.get("status") == FAILED else 200)

    async def _get_ready(self, _request: web.Request) -> web.Response:
        ready = self._view.ready()
        return answer_json({"ready": ready}, 200 if ready else 503)


def _guarded(guard: HostGuard) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        named = request.headers.getall("Host", [])
        host = host_of(named[0]) if len(named) == 1 else None
        if host is None:
            return answer_error(400, "the Host header must be a name or an address, with a port or without")
        if not guard.allows(host):
            return answer_error(
                403, "this name is not allowed here; ask by address, or allow the name in the configuration"
            )
        if request.method not in METHODS:
            response = answer_error(405, "only GET and HEAD")
            response.headers["Allow"] = ", ".join(METHODS)
            return response
        return await handler(request)

    return check


def _protocols(runner: web.AppRunner) -> Callable[[], asyncio.Protocol]:
    if runner.server is None:
        raise RuntimeError("the runner has not been set up")
    return runner.server


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)


def _cannot_listen(host: str, port: int, error: OSError) -> UnreachableError:
    hints = {
        errno.EADDRINUSE: f"stop the program that has it (ss -ltnp 'sport = :{port}'), or set another `listen`",
        errno.EACCES: "take a port above 1023",
        errno.EADDRNOTAVAIL: "take an address of this machine, such as 127.0.0.1",
    }
    reason = error.strerror or str(error)
    hint = hints.get(error.errno or 0, "check the host and port of `listen`")
    return UnreachableError(f"cannot listen on {host}:{port}: {reason}", hint)
