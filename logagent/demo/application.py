"""A small LLM application that logs as AutoForgeNexus does, with its own users.

Run as ``python -m logagent.demo.application --log FILE``. It ends on SIGTERM, after ``--duration``, or, so that it
never outlives what started it, when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from logagent.demo.dialect import SERVER, close_log, open_log
from logagent.demo.observability import observe_requests
from logagent.demo.providers import Providers, RateLimitError
from logagent.demo.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVALUATORS = 3
"""LLM calls that one evaluation makes at once."""
CHUNKS = 5


class Application:
    """The endpoints."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def routes(self) -> list[web.RouteDef]:
        """Give the endpoints with their handlers."""
        return [
            web.post("/api/v1/prompts", self.create_prompt),
            web.get("/api/v1/prompts/{id}", self.get_prompt),
            web.post("/api/v1/chat/completions", self.chat),
            web.post("/api/v1/evaluate", self.evaluate),
            web.get("/api/v1/stream", self.stream),
        ]

    async def create_prompt(self, request: web.Request) -> web.Response:
        """Improve a prompt and store it."""
        user, session, prompt = await _caller(request)
        await self._providers.query("SELECT", "users", user)
        await self._providers.complete(self._providers.any_model(), prompt, user, session)
        await self._providers.query("INSERT", "prompts", user)
        return web.json_response({"id": "p1"}, status=201)

    async def get_prompt(self, request: web.Request) -> web.Response:
        """Give a stored prompt."""
        user = request.headers.get("X-User")
        await self._providers.query("SELECT", "prompts", user)
        if request.match_info["id"] == "missing":
            raise web.HTTPNotFound
        return web.json_response({"id": request.match_info["id"]})

    async def chat(self, request: web.Request) -> web.Response:
        """Answer a conversation; a rate limit is tried once more with the same model."""
        user, session, prompt = await _caller(request)
        await self._providers.query("SELECT", "messages", user)
        model = self._providers.any_model()
        try:
            answer = await self._providers.complete(model, prompt, user, session)
        except RateLimitError:
            answer = await self._providers.complete(model, prompt, user, session)
        await self._providers.query("INSERT", "messages", user)
        return web.json_response({"answer": answer[:40]})

    async def evaluate(self, request: web.Request) -> web.Response:
        """Let several models judge at once."""
        user, session, prompt = await _caller(request)
        await self._providers.query("SELECT", "prompts", user)
        judges = [self._providers.any_model() for _ in range(EVALUATORS)]
        await asyncio.gather(*(self._providers.complete(judge, prompt, user, session) for judge in judges))
        await self._providers.query("UPDATE", "evaluations", user)
        return web.json_response({"score": 0.8})

    async def stream(self, request: web.Request) -> web.Response:
        """Send words as a model gives them: its call begins after the request was logged as completed."""
        return web.Response(body=self._words(request.headers.get("X-User")), content_type="text/event-stream")

    async def _words(self, user: str | None) -> AsyncIterator[bytes]:
        try:
            answer = await self._providers.complete(self._providers.any_model(), "stream", user, None)
        except RateLimitError:
            answer = "try again later"
        for word in answer.split()[:CHUNKS]:
            yield f"data: {word}\n\n".encode()


async def _caller(request: web.Request) -> tuple[str | None, str | None, str]:
    body = await request.json()
    return request.headers.get("X-User"), body.get("session"), str(body.get("prompt", ""))


class Options(NamedTuple):
    """How the application runs."""

    log: Path
    port: int = 0
    """On loopback; 0 takes a free one."""
    think_seconds: float = 0.5
    """Mean pause between two requests of its traffic."""
    seed: int = 1
    """Of all that is left to chance."""
    pace: float = 1.0
    """Factor on all delays."""


async def serve(options: Options, stop: asyncio.Event) -> int:
    """Serve, and send oneself traffic, until told to stop; gives the number of requests that were sent."""
    handler = open_log(options.log)
    providers = Providers(Random(options.seed), options.pace)  # noqa: S311 - made-up delays and failures
    application = web.Application(middlewares=[observe_requests])
    application.add_routes(Application(providers).routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", options.port).start()
        host, port = runner.addresses[0][:2]
        SERVER.info("Started server process [%d]", os.getpid())
        SERVER.info("Application startup complete.")
        SERVER.info("Uvicorn running on http://%s:%d (Press CTRL+C to quit)", host, port)
        chance = Random(options.seed + 1)  # noqa: S311 - made-up users
        return await Traffic(f"http://{host}:{port}", chance, options.think_seconds).run(stop)
    finally:
        SERVER.info("Shutting down")
        await runner.cleanup()
        close_log(handler)


async def _main(options: Options, duration: float, *, until_stdin_closes: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, stop)
    if duration:
        loop.call_later(duration, stop.set)
    await serve(options, stop)


def _stop_at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main() -> None:
    """Run from the command line."""
    defaults = Options(Path())
    parser = argparse.ArgumentParser(description="A small LLM application that writes a log.")
    parser.add_argument("--log", type=Path, required=True, help="file to write")
    parser.add_argument("--port", type=int, default=defaults.port, help="loopback port; 0 takes a free one")
    parser.add_argument("--think-seconds", type=float, default=defaults.think_seconds, help="mean pause of its users")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of all that is left to chance")
    parser.add_argument("--pace", type=float, default=defaults.pace, help="factor on all delays")
    parser.add_argument("--duration", type=float, default=0.0, help="seconds after which it ends; 0 for never")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started it")
    given = vars(parser.parse_args())
    duration, until_stdin_closes = given.pop("duration"), given.pop("until_stdin_closes")
    asyncio.run(_main(Options(**given), duration, until_stdin_closes=until_stdin_closes))


if __name__ == "__main__":
    main()
