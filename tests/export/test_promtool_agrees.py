"""Prometheus, fed with samples of our metrics, fires and resolves when our engine does: within one evaluation step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from promtool_comparison import PROMTOOL, Comparison, Scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")

MINUTE, HOUR = 60, 3600


def alert(kind: str, *keys: str, name: str = "Watched", source: str = "request") -> str:
    return "\n".join(["[[alert]]", f'name = "{name}"', f'kind = "{kind}"', f'from = "{source}"', *keys, ""])


def row(at: str, lasting: str, every: str, count: int = 1, **event: Any) -> dict[str, Any]:
    return {"at": at, "for": lasting, "every": every, "count": count, **event}


GOOD = {"endpoint": "/chat", "duration": "100ms"}
FAILED = {**GOOD, "status": "error"}
SLOW = {**GOOD, "duration": "8s"}
ERRORS = [
    row("0s", "70m", "5s", request=GOOD),
    row("0s", "70m", "5s", request={**GOOD, "endpoint": "/quiet"}),
    row("15m", "12m", "20s", request=FAILED),
]
SLO = """
[[slo]]
name = "Availability"
bad = "error"
objective = 99
period = "7d"
low_traffic = "none"
burn_rates = [
  { long = "1h", short = "5m", factor = 10, severity = "critical" },
  { long = "6h", short = "30m", factor = 3, severity = "warning" },
]
"""
SCENARIOS = [
    Scenario(
        "an error rate with for, by endpoint",
        alert(
            "ratio",
            'bad = "error"',
            'by = ["endpoint"]',
            'window = "5m"',
            "min_count = 20",
            "above = 0.1",
            'for = "2m"',
        ),
        ERRORS,
        70 * MINUTE,
    ),
    Scenario(
        "keep_firing_for",
        alert("ratio", 'bad = "error"', 'window = "5m"', "above = 0.05", 'keep_firing_for = "10m"'),
        ERRORS,
        70 * MINUTE,
    ),
    Scenario(
        "hysteresis",
        alert("ratio", 'bad = "error"', 'window = "10m"', "above = 0.1", "recover = 0.02"),
        ERRORS,
        70 * MINUTE,
    ),
    Scenario(
        "too few events keep an alert that fires",
        alert("ratio", 'bad = "error"', 'window = "5m"', "min_count = 20", "above = 0.1"),
        [
            row("0s", "20m", "5s", request=GOOD),
            row("15m", "5m", "10s", request=FAILED),
            row("50m", "20m", "5s", request=GOOD),
        ],
        80 * MINUTE,
    ),
    Scenario(
        "a fast burn, and a slow one that goes on",
        SLO,
        [
            row("0s", "20h", "10s", count=2, request=GOOD),
            row("2h", "20m", "10s", request=FAILED),
            row("8h", "3h", "2m", request=FAILED),
        ],
        20 * HOUR,
        step=60,
    ),
    Scenario(
        "burn rates of regions with objectives of their own, and of all together",
        SLO + 'by = { region = \'field("cloud.region")\' }\nobjectives = { ap = 95 }\ncomposite = "total"\n',
        [
            row("0s", "9h", "10s", request={**GOOD, "cloud.region": ["eu", "ap"]}),
            row("2h", "30m", "20s", request={**FAILED, "cloud.region": ["eu", "ap"]}),
            row("5h", "30m", "5s", request={**FAILED, "cloud.region": "ap"}),
        ],
        9 * HOUR,
        step=60,
    ),
    Scenario(
        "an outage at low traffic",
        SLO.replace('low_traffic = "none"', 'low_traffic = "info"\nmin_valid = 1000'),
        [row("0s", "12h", "1m", request=GOOD), row("2h", "10m", "1m", request=FAILED)],
        12 * HOUR,
        step=60,
    ),
    Scenario(
        "a quantile, with a way back",
        alert(
            "quantile",
            'value = "duration"',
            "quantile = 0.95",
            'window = "5m"',
            "min_count = 10",
            'above = "5s"',
            'recover = "2s"',
        ),
        [
            row("0s", "50m", "5s", request=GOOD),
            row("10m", "6m", "20s", request=SLOW),
            row("18m", "4m", "15s", request={**GOOD, "duration": "3s"}),
        ],
        50 * MINUTE,
    ),
    Scenario(
        "silence of each member that is known",
        alert("absence", 'by = ["host"]', 'window = "10m"', 'forget_after = "30m"', source="log"),
        [
            row("0s", "90m", "1m", log={"host": "w1"}),
            row("1m", "20m", "30s", log={"host": "w2"}),
            row("0s", "12m", "1m", log={"host": "w3"}),
            row("40m", "50m", "1m", log={"host": "w3"}),
        ],
        90 * MINUTE,
    ),
    Scenario(
        "silence of members that are expected",
        alert(
            "absence", 'by = ["host"]', 'window = "10m"', 'expected = [{ host = "w1" }, { host = "w2" }]', source="log"
        ),
        [row("0s", "90m", "1m", log={"host": "w1"}), row("30m", "20m", "1m", log={"host": "w2"})],
        90 * MINUTE,
    ),
    Scenario(
        "silence of all",
        alert("absence", 'window = "5m"', 'for = "1m"', source="log"),
        [row("0s", "20m", "30s", log={"level": "INFO"}), row("40m", "10m", "30s", log={"level": "INFO"})],
        60 * MINUTE,
    ),
    Scenario(
        "a count",
        alert("count", "where = 'level == \"ERROR\"'", 'window = "5m"', "above = 5", source="log"),
        [
            {"at": "10m", "count": 5, "log": {"level": "ERROR"}},
            {"at": "20m", "count": 6, "log": {"level": "ERROR"}},
            row("0s", "30m", "10s", log={"level": "INFO"}),
        ],
        40 * MINUTE,
    ),
    Scenario(
        "a rate that is too low",
        alert("rate", 'window = "5m"', "below = 0.1", 'for = "1m"'),
        [
            row("0s", "20m", "5s", request=GOOD),
            row("20m", "20m", "30s", request=GOOD),
            row("40m", "20m", "5s", request=GOOD),
        ],
        60 * MINUTE,
    ),
    Scenario(
        "a mean",
        alert("mean", 'value = "duration"', 'by = ["endpoint"]', 'window = "5m"', "above = 1"),
        [row("0s", "60m", "5s", request=GOOD), row("20m", "10m", "20s", request=SLOW)],
        60 * MINUTE,
    ),
    Scenario(
        "a sum",
        alert("sum", 'value = "gen_ai.usage.output_tokens"', 'window = "10m"', "above = 1000", source="llm"),
        [
            row("0s", "60m", "1m", llm={"gen_ai.usage.output_tokens": 50}),
            row("20m", "5m", "30s", llm={"gen_ai.usage.output_tokens": 200}),
        ],
        60 * MINUTE,
    ),
    Scenario(
        "a budget's 50, 90 and 100 percent, and its end",
        '[[budget]]\nname = "Hourly"\nvalue = "gen_ai.usage.cost"\ncurrency = "USD"\nlimit = 10\nperiod = "hour"\n',
        [row("5m", "2h", "1m", llm={"gen_ai.usage.cost": 0.25})],
        3 * HOUR,
    ),
    Scenario(
        "a budget of each team, and sudden spend",
        """
[[budget]]
name = "Teams"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 100
limits = { small = 10 }
period = "month"
by = ["team"]
thresholds = [1.0]
burn_rates = [{ long = "1h", short = "5m", budget_consumed = 0.1, severity = "critical" }]
""",
        [
            row("0s", "4h", "1m", llm={"gen_ai.usage.cost": 0.01, "team": ["small", "large"]}),
            row("30m", "20m", "1m", llm={"gen_ai.usage.cost": 0.2, "team": "small"}),
            row("2h", "20m", "1m", llm={"gen_ai.usage.cost": 1.2, "team": "large"}),
        ],
        4 * HOUR,
        step=60,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_prometheus_fires_when_logagent_does(scenario: Scenario, tmp_path: Path) -> None:
    comparison = Comparison(scenario, tmp_path)
    ended = [one for one in comparison.firing if one[2] < scenario.lasting]
    assert ended, f"a scenario fires and resolves: {comparison.firing}"
    assert comparison.exported.computed == []
    answer = comparison.promtool()
    assert answer.returncode == 0, answer.stdout[:4000] + answer.stderr[:8000]


def test_a_rule_that_says_something_else_is_found(tmp_path: Path) -> None:
    comparison = Comparison(SCENARIOS[0], tmp_path)
    answer = comparison.promtool(comparison.exported.text.replace("for: 2m", "for: 5m"))
    assert answer.returncode == 1
    assert "got: nil" in answer.stderr
