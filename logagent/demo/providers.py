"""Fake LLM providers and a fake database: the delays, sizes, prices and failures of real ones."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logagent.demo.observability import track_llm_call, track_query

if TYPE_CHECKING:
    from random import Random

RATE_LIMITED = 0.03
"""Share of LLM calls that fail."""
SLOW = 0.02
"""Share of queries that take over a second."""
LOCKED = 0.008
"""Share of queries that fail."""


@dataclass(frozen=True)
class Model:
    """A model with its median delay and its list prices in USD for a million tokens."""

    provider: str
    name: str
    median_seconds: float
    input_price: float
    output_price: float


MODELS = (
    Model("openai", "gpt-4o", 0.8, 2.5, 10.0),
    Model("openai", "gpt-4o-mini", 0.45, 0.15, 0.6),
    Model("anthropic", "claude-3-5-sonnet", 1.0, 3.0, 15.0),
    Model("gemini", "gemini-1.5-pro", 0.9, 1.25, 5.0),
)


class RateLimitError(Exception):
    """As openai's."""


class OperationalError(Exception):
    """As sqlalchemy's."""


class Providers:
    """Everything outside the application, driven by one source of chance. ``pace`` below 1 makes it faster."""

    def __init__(self, chance: Random, pace: float = 1.0) -> None:
        self._chance = chance
        self._pace = pace

    def any_model(self) -> Model:
        """Give one of the models."""
        return self._chance.choice(MODELS)

    async def complete(self, model: Model, prompt: str, user: str | None, session: str | None) -> str:
        """Give an answer to a prompt. Raises RateLimitError now and then."""
        seconds = min(max(model.median_seconds * self._chance.lognormvariate(0, 0.5), 0.15), 4.0)
        async with track_llm_call(model.provider, model.name, prompt, user, session) as call:
            if self._chance.random() < RATE_LIMITED:
                await self._wait(seconds / 8)
                raise RateLimitError(
                    f"Error code: 429 - Rate limit reached for {model.name} on tokens per min (TPM): "
                    "Limit 30000, Used 29873. Please try again in 2.4s."
                )
            await self._wait(seconds)
        read, written = len(prompt) // 4 + self._chance.randrange(200, 3000), self._chance.randrange(40, 700)
        cost = (read * model.input_price + written * model.output_price) / 1e6
        text = "word " * written
        metadata: dict[str, object] = {"finish_reason": "stop", "temperature": 0.7, "cached": False}
        call.record(text, read + written, round(cost, 8), metadata)
        return text

    async def query(self, operation: str, table: str, user: str | None) -> None:
        """Run a query. Raises OperationalError now and then."""
        chance = self._chance.random()
        seconds = min(self._chance.lognormvariate(-4.6, 0.9), 0.8)
        async with track_query(operation, table, user):
            if chance < LOCKED:
                await self._wait(seconds)
                raise OperationalError(f"(libsql) SQLITE_BUSY: database is locked [{operation} {table}]")
            # A slow query is slow at any pace, or the application would not log it as one.
            await (asyncio.sleep(self._chance.uniform(1.05, 1.8)) if chance < LOCKED + SLOW else self._wait(seconds))

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace)
