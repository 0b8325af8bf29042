"""A real Prometheus scrapes a running agent: every query of every exported panel has data, every exported rule evaluates."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from test_prometheus import PROMETHEUS, PROMTOOL, Prometheus, wait_for

from benchmarks.configuration import AGENT
from benchmarks.generate import generate
from tests.agent_harness import free_port
from tests.agent_process import AgentProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = 3_000
SCRAPING = """\
global:
  scrape_interval: 250ms
  scrape_timeout: 250ms
  evaluation_interval: 1s
rule_files: ["{rules}"]
scrape_configs:
  - job_name: logagent
    static_configs: [{{targets: ["{address}"]}}]
"""
SETTINGS = """
[service]
name = "bench"
namespace = "load-test"
[state]
dir = "state"
[receivers.app]
type = "filelog"
include = ["*.log"]
start_at = "beginning"
timezone = "UTC"
[exporters.prometheus]
listen = "{address}"
textfile = "agent.prom"
[exporters.file]
path = "out.ndjson"
[rules]
paths = ["own.toml"]
prometheus = true
"""
RULES = """
[[alert]]
name = "OwnSlowRequests"
kind = "quantile"
from = "request"
value = "duration"
quantile = 0.95
window = "5m"
above = "2s"

[[alert]]
name = "OwnFailedQueries"
kind = "ratio"
from = "query"
bad = "error"
by = ["db.operation.name"]
window = "5m"
min_count = 20
above = 0.05

[[slo]]
name = "OwnAvailability"
bad = "http.response.status_code >= 500"
by = ["http.request.method"]
objective = 99.5

[[budget]]
name = "OwnSpend"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 100
period = "month"
by = ["gen_ai.request.model"]
burn_rates = [{ long = "1h", short = "5m", budget_consumed = 0.05 }]
"""

pytestmark = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="prometheus is not installed (Debian: prometheus)"
)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Prometheus]]:
    """The directory with what was exported, and a Prometheus that has scraped everything more than once."""
    directory = tmp_path_factory.mktemp("export")
    address = f"127.0.0.1:{free_port()}"
    (directory / "agent.toml").write_text(SETTINGS.format(address=address))
    (directory / "own.toml").write_text(RULES)
    generate(LINES, directory / "app.log")
    for kind in ("prometheus-rules", "grafana"):
        subprocess.run(
            [AGENT, "export", kind, "-c", str(directory / "agent.toml"), "-o", str(directory / "exported")], check=True
        )
    agent = AgentProcess(directory / "agent.toml", directory / "agent.prom")
    configuration = SCRAPING.format(address=address, rules=directory / "exported" / "logagent.rules.yml")
    with closing(agent):
        agent.start()
        with closing(Prometheus(directory / "prometheus", configuration)) as prometheus:
            read = f"count_over_time((sum(logagent_receiver_lines_total) == {LINES})[1m:250ms])"
            wait_for(lambda: ready(prometheus) and prometheus.number(read) > 4, agent.summary)
            yield directory / "exported", prometheus
        agent.stop()


def ready(prometheus: Prometheus) -> bool:
    try:
        prometheus.ask("query", query="1")
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def panels(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(directory.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            if panel["type"] != "row":
                yield f"{file.stem}: {panel['title']}", panel


def as_grafana_asks(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$instance", ".*")


def test_every_query_of_every_panel_returns_data(scraped: tuple[Path, Prometheus]) -> None:
    directory, prometheus = scraped
    asked, empty = 0, []
    for title, panel in panels(directory):
        for target in panel["targets"]:
            asked += 1
            if not prometheus.query(as_grafana_asks(target["expr"])):
                empty.append((title, target["expr"]))
    assert empty == []
    assert asked > 60


def test_nought_stands_only_for_what_did_not_happen(scraped: tuple[Path, Prometheus]) -> None:
    directory, prometheus = scraped
    empty = {
        title
        for title, panel in panels(directory)
        for target in panel["targets"]
        if not prometheus.query(as_grafana_asks(target["expr"]).replace(" or on () vector(0)", ""))
    }
    shown = {title for title, _ in panels(directory)} - empty
    happened = ("Requests", "Failed requests", "LLM calls", "Queries", "Errors", "Log records", "Lines", "Spans")
    assert {
        f"logagent-system: {title}" for title in (*happened, "Delivered", "OwnSlowRequests", "OwnFailedQueries")
    } <= shown
    assert {title for title in empty if title.startswith("logagent-cost")} == set()
    assert {title for title in empty if title.startswith("logagent-slo")} <= {"logagent-slo: Events"}


def test_every_metric_that_a_panel_asks_for_is_one_that_the_agent_declares(scraped: tuple[Path, Prometheus]) -> None:
    directory, _ = scraped
    exposition = (directory.parent / "agent.prom").read_text()
    declared = {line.split()[2] for line in exposition.splitlines() if line.startswith("# TYPE ")}
    asked = {
        re.sub("_(bucket|sum|count)$", "", name) if name not in declared else name
        for _, panel in panels(directory)
        for target in panel["targets"]
        for name in metric_names(target["expr"])
    }
    assert asked <= declared
    assert {"load_test_http_requests_total", "load_test_llm_cost_usd_total", "logagent_budget_spent"} <= asked


def metric_names(expression: str) -> set[str]:
    return {piece.split()[-1].rpartition("(")[2] for piece in expression.split("{")[:-1]}


def test_prometheus_evaluates_every_exported_rule(scraped: tuple[Path, Prometheus]) -> None:
    directory, prometheus = scraped
    assert PROMTOOL is not None
    checked = subprocess.run(
        [PROMTOOL, "check", "rules", "--lint-fatal", str(directory / "logagent.rules.yml")],
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, b"")

    def states() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for group in prometheus.ask("rules")["groups"]:
            for rule in group["rules"]:
                found.setdefault(rule["health"], set()).add(rule["name"] + rule.get("lastError", ""))
        return found

    # The groups of an hour's window are looked at every minute, at a moment of Prometheus's choice.
    wait_for(lambda: len(states().get("ok", ())) > 20, states)
    assert set(states()) <= {"ok", "unknown"}
