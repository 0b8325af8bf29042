"""The users of the sample application: mostly one at a time, now and then many at once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

if TYPE_CHECKING:
    from random import Random

BURST = 0.04
"""Share of arrivals that are a burst."""
BURST_SIZE = 8
WORDS = (
    "Summarise this contract",
    "Write a haiku about logs",
    "Explain retrieval",
    "Rate this prompt",
    "プロンプトを改善して",
)


class Visit(NamedTuple):
    """One kind of request and how often it comes."""

    method: str
    path: str
    weight: float


VISITS = (
    Visit("GET", "/api/v1/prompts/{id}", 30),
    Visit("POST", "/api/v1/chat/completions", 28),
    Visit("POST", "/api/v1/prompts", 20),
    Visit("POST", "/api/v1/evaluate", 10),
    Visit("GET", "/api/v1/stream", 6),
    Visit("GET", "/api/v1/prompts/missing", 4),
    Visit("GET", "/favicon.png", 2),
)


class Traffic:
    """One user after another sends requests to a base URL and thinks in between, as chance has it."""

    def __init__(self, base: str, chance: Random, think_seconds: float) -> None:
        self._base = base
        self._chance = chance
        self._think_seconds = think_seconds
        self.sent = 0

    async def run(self, stop: asyncio.Event) -> int:
        """Send until told to stop; gives how many were sent.

        Each kind of request comes once at the beginning, so that even a short run has all of them.
        """
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(self._base, timeout=timeout) as session:
            users = asyncio.create_task(self._send(session))
            await stop.wait()
            users.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await users
        return self.sent

    async def _send(self, session: aiohttp.ClientSession) -> None:
        for visit in VISITS:
            await self._visit(session, visit)
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / self._think_seconds))
            size = BURST_SIZE if self._chance.random() < BURST else 1
            visits = self._chance.choices(VISITS, [visit.weight for visit in VISITS], k=size)
            await asyncio.gather(*(self._visit(session, visit) for visit in visits))

    async def _visit(self, session: aiohttp.ClientSession, visit: Visit) -> None:
        self.sent += 1
        number = self._chance.randrange(1, 40)
        path = visit.path.replace("{id}", str(1000 + number))
        body = {"prompt": self._chance.choice(WORDS) * number, "session": f"session_{number % 7}"}
        headers = {"X-User": f"user_{number}", "Authorization": "Bearer demo-only"}
        try:
            async with session.request(
                visit.method, path, json=body if visit.method == "POST" else None, headers=headers
            ) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            pass  # the application's log tells what became of it
