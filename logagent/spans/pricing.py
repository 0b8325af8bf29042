"""What an LLM call cost, where the log does not say: from its tokens and the price tables of ``genai-prices``.

A price is a straight line through the token counts except where a model's price has tiers, so the table is asked
once for each model and hour and kind of token, and the answer multiplied. Tiered prices are asked for each call.
"""

from __future__ import annotations

import functools
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from logagent.model import AttributeValue, Span

COST = "gen_ai.usage.cost"
SOURCE = "logagent.cost.source"
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
_CACHE_READ, _CACHE_WRITE = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
_HOUR = 3_600_000_000_000


class Pricer:
    """Prices LLM spans. ``unpriced`` counts calls without a price, by model."""

    def __init__(self) -> None:
        self.unpriced: Counter[str] = Counter()

    def price(self, span: Span) -> None:
        """Sets the span's cost (USD) and says where it came from; leaves both out where there is no price."""
        attributes = span.attributes
        logged = attributes.get(COST)
        if logged.__class__ in (float, int):
            attributes[SOURCE] = "logged"
            return
        tokens = [_count(attributes.get(name)) for name in (_INPUT, _OUTPUT, _CACHE_READ, _CACHE_WRITE)]
        model = attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model")
        if not isinstance(model, str) or (tokens[0] is None and tokens[1] is None):
            return
        provider = attributes.get("gen_ai.provider.name")
        hour = span.end_unix_nano // _HOUR
        cost = _cost(str(provider or ""), model, hour, _Tokens(*(count or 0 for count in tokens)))
        if cost is None:
            self.unpriced[model[:128]] += 1
            return
        attributes[COST] = cost
        attributes[SOURCE] = "computed"


def _count(value: AttributeValue | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class _Tokens(NamedTuple):
    inputs: int
    outputs: int
    cache_read: int
    cache_write: int


_UNIT, _LARGE = 1_000, 1_000_000
_SAME = 1e-12
"""A billionth of a cent a token: prices nearer to each other are the same."""
_ONE_OF_EACH = (_Tokens(1, 0, 0, 0), _Tokens(0, 1, 0, 0), _Tokens(1, 0, 1, 0), _Tokens(1, 0, 0, 1))


def _cost(provider: str, model: str, hour: int, tokens: _Tokens) -> float | None:
    rates = _rates(provider, model, hour)
    if rates is None:
        return None
    if not rates:
        return _asked(provider, model, hour, tokens)
    plain, output, cache_read, cache_write = rates
    fresh = max(tokens.inputs - tokens.cache_read - tokens.cache_write, 0)
    cost = fresh * plain + tokens.outputs * output + tokens.cache_read * cache_read + tokens.cache_write * cache_write
    return round(cost, 10)


@functools.lru_cache(maxsize=4096)
def _rates(provider: str, model: str, hour: int) -> tuple[float, ...] | None:
    """Price of one plain input, output, cache-read and cache-write token in USD.

    Empty where prices have tiers, None where there is no price.
    """
    rates = []
    for one in _ONE_OF_EACH:
        small = _asked(provider, model, hour, _Tokens(*(_UNIT * count for count in one)))
        large = _asked(provider, model, hour, _Tokens(*(_LARGE * count for count in one)))
        if small is None or large is None:
            return None
        if abs(small / _UNIT - large / _LARGE) > _SAME:
            return ()
        rates.append(large / _LARGE)
    return tuple(rates)


def _asked(provider: str, model: str, hour: int, tokens: _Tokens) -> float | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - 26 MiB that only unpriced calls need

    usage = Usage(
        input_tokens=max(tokens.inputs, tokens.cache_read + tokens.cache_write),
        output_tokens=tokens.outputs,
        cache_read_tokens=tokens.cache_read or None,
        cache_write_tokens=tokens.cache_write or None,
    )
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    for provider_id in dict.fromkeys((provider or None, None)):
        try:
            found = calc_price(usage, model, provider_id=provider_id, genai_request_timestamp=moment)
        except (LookupError, ValueError):
            continue
        return float(found.total_price)
    return None
