from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alert_samples import MINUTE, SECOND, START, span

if TYPE_CHECKING:
    from logagent.alerting import AlertEngine, SloState
    from logagent.model import Alert, Span

AVAILABILITY = """
[[slo]]
name = "Availability"
bad = 'http.response.status_code >= 500'
objective = 99.9
"""
HOURLY = """
[[slo]]
name = "Availability"
bad = 'http.response.status_code >= 500'
objective = 99
period = "7d"
min_bad = 2
burn_rates = [{ long = "1h", short = "5m", factor = 10, severity = "critical" }]
low_traffic = "none"
"""
REGIONAL = (
    HOURLY
    + """
by = ["region"]
objectives = { ap = 95 }
max_groups = 2
"""
)
LATE = 31 * SECOND


def request(time: int, status: object = 200, seconds: float = 0.1, **attributes: Any) -> Span:
    """A request that ended at a time."""
    return span("request", time, seconds, {"http.response.status_code": status, **attributes})


def minute(number: int, bad: int = 0, good: int = 0, **attributes: Any) -> list[Span]:
    """Requests half a minute before a minute's last instant."""
    at = START + number * MINUTE - 30 * SECOND
    return [request(at, status, **attributes) for status in [500] * bad + [200] * good]


def pass_time(rules: AlertEngine, number: int) -> list[Alert]:
    """Decide all minutes up to one."""
    return rules.tick(START + number * MINUTE + LATE)


def only(rules: AlertEngine) -> SloState:
    (state,) = rules.slos()
    return state


def told(alerts: list[Alert]) -> list[tuple[int, str, str]]:
    """Minute, window and state of alerts."""
    return [((one.time_unix_nano - START) // MINUTE, one.labels["window"], one.state.value) for one in alerts]
