"""Running totals of spans by endpoint, model or table, bounded in keys and in memory."""

from __future__ import annotations

from collections import deque
from math import ceil, isfinite
from typing import TYPE_CHECKING

from logagent.model import StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.model import Span

KEYS = 200
"""Keys of one table; all further ones are counted together."""
OTHER = "other"
WINDOW = 512
"""Latest durations of a key from which its quantiles are read."""

PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
COST = "gen_ai.usage.cost"
TOKENS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "total_tokens": "gen_ai.usage.total_tokens",
}
_ERROR = int(StatusCode.ERROR)
_REFUSED = "error"
"""The outcome of a span that ended with an error status; where that is a 4xx, the span's own status is not an error."""


class Tally:
    """Count, errors (the client's, a 4xx, apart) and latest durations of one key; for LLM calls cost and tokens."""

    __slots__ = (
        "amounts",
        "client_errors",
        "count",
        "durations",
        "errors",
        "incomplete",
        "key",
        "quantiles",
        "quantiles_at",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.count = 0
        self.errors = 0
        self.client_errors = 0
        self.incomplete = 0
        self.durations: deque[int] = deque(maxlen=WINDOW)
        self.amounts: dict[str, float] = {}
        self.quantiles: tuple[float | None, float | None] = (None, None)
        self.quantiles_at = 0

    def row(self) -> dict[str, object]:
        """Give the table row: durations in seconds; what was never seen is ``None``."""
        if self.quantiles_at != self.count:
            self.quantiles_at = self.count
            ordered = sorted(self.durations)
            self.quantiles = (quantile(ordered, 0.5), quantile(ordered, 0.95))
        row: dict[str, object] = {
            "key": self.key,
            "count": self.count,
            "errors": self.errors,
            "client_errors": self.client_errors,
            "incomplete": self.incomplete,
            "p50": self.quantiles[0],
            "p95": self.quantiles[1],
        }
        row.update(self.amounts)
        return row


class Table:
    """Tallies of one span kind under a key that is read off the span."""

    __slots__ = ("_key", "_money", "_tallies")

    def __init__(self, key: Callable[[Span], str], *, money: bool = False) -> None:
        self._key = key
        self._money = money
        self._tallies: dict[str, Tally] = {}

    def add(self, span: Span) -> None:
        """Count a span under its key."""
        key = self._key(span)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._new(key)
        tally.count += 1
        if span.status == _ERROR:
            tally.errors += 1
        elif span.outcome == _REFUSED:
            tally.client_errors += 1
        if span.incomplete:
            tally.incomplete += 1
        else:
            tally.durations.append(span.end_unix_nano - span.start_unix_nano)
        if self._money:
            self._spend(tally, span)

    def rows(self, limit: int) -> list[dict[str, object]]:
        """Give the rows with the most calls first, at most ``limit``."""
        largest = sorted(self._tallies.values(), key=lambda tally: (-tally.count, tally.key))
        return [tally.row() for tally in largest[:limit]]

    def __len__(self) -> int:
        """Give the number of keys."""
        return len(self._tallies)

    def _new(self, key: str) -> Tally:
        if len(self._tallies) >= KEYS:
            key = OTHER
        return self._tallies.setdefault(key, Tally(key))

    @staticmethod
    def _spend(tally: Tally, span: Span) -> None:
        attributes, amounts = span.attributes, tally.amounts
        cost = amount(attributes.get(COST))
        if cost is None:
            amounts["unpriced"] = amounts.get("unpriced", 0) + 1
        else:
            amounts["cost_usd"] = amounts.get("cost_usd", 0.0) + cost
        for name, attribute in TOKENS.items():
            value = attributes.get(attribute)
            if value is not None and (tokens := amount(value)) is not None:
                amounts[name] = amounts.get(name, 0) + tokens


def amount(value: object) -> float | None:
    """Give a number that can be summed: finite and not negative, else None."""
    if isinstance(value, float):
        return value if value >= 0 and isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 1 << 53 else None
    return None


def quantile(ordered: list[int], share: float) -> float | None:
    """Give the nearest-rank quantile in seconds of ordered durations in nanoseconds."""
    if not ordered:
        return None
    return ordered[max(ceil(share * len(ordered)), 1) - 1] / 1e9


def model_key(span: Span) -> str:
    """Give the model and its provider as far as an LLM span knows them, else its name."""
    attributes = span.attributes
    model = attributes.get(MODEL)
    provider = attributes.get(PROVIDER)
    if model and provider:
        return f"{model} ({provider})"
    return str(model or provider or span.name)


def name_key(span: Span) -> str:
    """Give the span's name, which is method and endpoint of a request, operation and table of a query."""
    return span.name
