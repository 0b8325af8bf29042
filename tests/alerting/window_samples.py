from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alert_samples import SECOND, START, query, reader

from logagent.alerting import AlertEngine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logagent.alerting.rules import NamedRule
    from logagent.model import Alert, Span

LATENESS = 30
Ledger = dict[str, bytes]


@cache
def rules_of(text: str) -> list[NamedRule]:
    rules = reader(text)
    assert rules.problems == []
    return rules.rules


def engine(text: str) -> AlertEngine:
    """A test that restarts it often has its rules read once."""
    return AlertEngine(rules_of(text))


def rule(kind: str, *keys: str, window: str = "1m", source: str = "query", name: str = "Watched") -> str:
    lines = [f'name = "{name}"', f'kind = "{kind}"', f'from = "{source}"', f'window = "{window}"', *keys]
    return "\n".join(["[[alert]]", *lines, ""])


def at(seconds: float, duration: float = 1.0, table: str | None = None, **attributes: object) -> Span:
    return query(START + round(seconds * SECOND), duration, table, **attributes)


def look(rules: AlertEngine, seconds: float) -> list[Alert]:
    """Decide everything up to this instant."""
    return rules.tick(START + round((seconds + LATENESS) * SECOND))


def seconds_of(time_unix_nano: int) -> float:
    return (time_unix_nano - START) / SECOND


def changes(alerts: Iterable[Alert]) -> list[tuple[float, str, str]]:
    return [(seconds_of(alert.time_unix_nano), alert.state.value, alert.reason) for alert in alerts]


def run(text: str, spans: list[Span], until: float) -> list[Alert]:
    rules = engine(text)
    return rules.spans(spans) + look(rules, until)


def commit(ledger: Ledger, rules: AlertEngine) -> None:
    for key, value in rules.changes().items():
        if value is None:
            ledger.pop(key, None)
        else:
            ledger[key] = value


def restarted(ledger: Ledger, text: str) -> AlertEngine:
    again = engine(text)
    again.restore(dict(sorted(ledger.items(), reverse=True)))
    return again
