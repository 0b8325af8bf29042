"""A real Prometheus scrapes the agent: both formats, exact counters, and none that ever goes back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.configuration import write_configuration
from benchmarks.generate import generate
from benchmarks.truth import differences
from tests.agent_harness import free_port
from tests.agent_process import AgentProcess, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
LINES = 3_000
DEADLINE_SECONDS = 30.0
CONFIGURATION = """\
global:
  scrape_interval: 250ms
  scrape_timeout: 250ms
scrape_configs:
  - job_name: openmetrics
    static_configs: [{{targets: ["{openmetrics}"]}}]
  - job_name: plain
    static_configs: [{{targets: ["{plain}"]}}]
"""
COUNTER = re.compile(r"^(?!process_|logagent_(config_reloads|commit|ledger_set_aside)).+_(total|count|bucket|sum)$")
"""But for those that tell of the running process alone and begin anew with it."""

needs_prometheus = pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed (Debian: prometheus)")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")


@contextmanager
def plain_proxy(target: str) -> Iterator[str]:
    """Asks for the plain format, which Prometheus takes only where it is offered no other; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = urllib.request.Request(f"http://{target}{self.path}", headers={"Accept": "text/plain"})
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    status, kind, body = answer.status, answer.headers["Content-Type"], answer.read()
            except OSError:
                status, kind, body = 502, "text/plain", b""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Prometheus may hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Prometheus:
    """A server of our own, asked over its API."""

    def __init__(self, directory: Path, configuration: str) -> None:
        assert PROMETHEUS is not None
        directory.mkdir()
        file = directory / "prometheus.yml"
        file.write_text(configuration)
        self._address = f"127.0.0.1:{free_port()}"
        self._log = (directory / "stderr").open("wb")
        self._process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={file}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={self._address}",
            ],
            stderr=self._log,
            env={**os.environ, "GOMAXPROCS": "1"},
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def ask(self, path: str, **parameters: str) -> Any:
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """Label values, in the order of their names, without the metric's → value."""
        return {
            tuple(value for name, value in sorted(result["metric"].items()) if name != "__name__"): float(
                result["value"][1]
            )
            for result in self.ask("query", query=expression)["result"]
        }

    def number(self, expression: str) -> float:
        values = list(self.query(expression).values())
        return values[0] if len(values) == 1 else -1.0

    def targets(self) -> dict[str, tuple[str, str]]:
        try:
            found = self.ask("targets")["activeTargets"]
        except (urllib.error.URLError, ConnectionError):
            return {}
        return {target["labels"]["job"]: (target["health"], target["lastError"]) for target in found}


def wait_for(reached: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@needs_prometheus
def test_a_prometheus_sees_exactly_our_counters_in_both_formats_and_none_goes_back_over_a_kill(tmp_path: Path) -> None:
    whole = tmp_path / "whole.log"
    truth = generate(LINES, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    log = tmp_path / "app.log"
    address = f"127.0.0.1:{free_port()}"
    textfile = write_configuration(tmp_path / "agent.toml", log=log, listen=address)
    agent = AgentProcess(tmp_path / "agent.toml", textfile)
    # What has no labels but the job's: nought from the start, so that its first increase is seen.
    read = "sum by (job) (logagent_receiver_lines_total)"
    with closing(agent), plain_proxy(address) as proxy:
        agent.start()
        configuration = CONFIGURATION.format(openmetrics=address, plain=proxy)
        with closing(Prometheus(tmp_path / "prometheus", configuration)) as prometheus:
            up = {"openmetrics": ("up", ""), "plain": ("up", "")}
            wait_for(lambda: prometheus.targets() == up, prometheus.targets)

            def feed(start: int, stop: int) -> None:
                with log.open("ab") as file:
                    file.writelines(lines[start:stop])
                seen = {(job,): float(stop) for job in up}
                wait_for(lambda: prometheus.query(read) == seen, lambda: prometheus.query(read))

            feed(0, LINES // 3)
            agent.kill()
            with log.open("ab") as file:
                file.writelines(lines[LINES // 3 : LINES // 2])
            agent.start()
            feed(LINES // 2, 2 * LINES // 3)
            agent.kill()
            agent.start()
            feed(2 * LINES // 3, LINES)

            wait_for(lambda: prometheus.targets() == up, prometheus.targets)
            names = [name for name in prometheus.ask("label/__name__/values") if COUNTER.search(name)]
            assert len(names) > 20
            assert [name for name in names if prometheus.query(f"resets({name}[5m]) > 0")] == []
            assert_counters(prometheus, truth, "openmetrics")
            assert_counters(prometheus, truth, "plain")
            assert_quantiles(prometheus)
            grown = prometheus.number('increase(logagent_receiver_lines_total{job="plain"}[5m])')
            # It extrapolates over half a scrape at either end, and cannot know what the first sample grew from.
            assert LINES / 2 < grown < LINES * 1.1
        agent.stop()


def assert_counters(prometheus: Prometheus, truth: Any, job: str) -> None:
    """Every sample that the truth knows of, as Prometheus has stored it."""
    exposition = []
    names = "http_.+|llm_.+|db_.+|bench_.+|errors_total|logagent_receiver_lines_total"
    for result in prometheus.ask("query", query=f'{{job="{job}", __name__=~"{names}"}}')["result"]:
        labels = ",".join(
            f"{name}={json.dumps(value)}"
            for name, value in result["metric"].items()
            if name not in ("__name__", "instance", "job")
        )
        exposition.append(f"{result['metric']['__name__']}{{{labels}}} {result['value'][1]}")
    assert len(exposition) > 100
    assert differences(truth, "\n".join(exposition) + "\n") == []


def assert_quantiles(prometheus: Prometheus) -> None:
    """That ``histogram_quantile`` finds the bucket in which our own counts have that rank."""
    buckets = prometheus.query('sum by (le) (http_request_duration_seconds_bucket{job="openmetrics"})')
    ranked = sorted((float(le), count) for (le,), count in buckets.items())
    total = ranked[-1][1]
    for quantile in (0.5, 0.9):
        value = prometheus.number(
            f'histogram_quantile({quantile}, sum by (le) (http_request_duration_seconds_bucket{{job="openmetrics"}}))'
        )
        at = next(index for index, (_, count) in enumerate(ranked) if count >= quantile * total)
        below = ranked[at - 1][0] if at else 0.0
        assert below < value <= ranked[at][0]


@needs_promtool
def test_promtool_has_nothing_to_say_against_the_exposition(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    log = tmp_path / "app.log"
    generate(LINES, log)
    textfile = write_configuration(tmp_path / "agent.toml", log=log)
    agent = AgentProcess(tmp_path / "agent.toml", textfile)
    with closing(agent):
        agent.start()
        agent.wait_until(lambda: value_of(agent.exposition(), "logagent_receiver_lines_total") == LINES, "all is read")
        agent.stop()
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=textfile.read_bytes(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
