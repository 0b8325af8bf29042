"""The daemon as it runs: a line that is appended is seen at once by whoever looks."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request
from contextlib import closing
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.configuration import write_configuration
from benchmarks.generate import generate
from tests.agent_harness import free_port
from tests.agent_process import AgentProcess, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = 400
DEADLINE_SECONDS = 30.0
LINE = '{"asctime": "2026-11-20 09:00:00,014", "name": "app", "levelname": "WARNING", "message": "%s"}\n'


class Daemon:
    """An agent that has read its log to the end."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "app.log"
        self.address = f"127.0.0.1:{free_port()}"
        generate(LINES, self.log)
        textfile = write_configuration(directory / "agent.toml", log=self.log, listen=self.address)
        self.agent = AgentProcess(directory / "agent.toml", textfile)

    def append(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def get(self, path: str, accept: str = "*/*") -> str:
        request = urllib.request.Request(f"http://{self.address}{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            content: str = answer.read().decode()
            return content


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    with closing(daemon.agent):
        daemon.agent.start()
        daemon.agent.wait_until(
            lambda: value_of(daemon.agent.exposition(), "logagent_receiver_lines_total") == LINES, "all is read"
        )
        yield daemon


def test_a_line_that_is_appended_comes_on_the_live_stream(daemon: Daemon) -> None:
    found: Queue[tuple[str, Any]] = Queue()
    connection = http.client.HTTPConnection(daemon.address, timeout=DEADLINE_SECONDS)
    connection.request("GET", "/api/live")
    with closing(connection), connection.getresponse() as answer:
        assert answer.status == 200
        thread = threading.Thread(target=_follow, args=(answer, found))
        thread.start()
        while not _is_news(found, f"line {LINES}"):
            daemon.append(LINE % f"line {LINES}")
        # It ends with the daemon; nobody closes it under the thread.
        daemon.agent.stop()
        thread.join(DEADLINE_SECONDS)


def _follow(answer: http.client.HTTPResponse, found: Queue[tuple[str, Any]]) -> None:
    name = ""
    for line in answer:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            found.put((name, json.loads(value)))


def _is_news(found: Queue[tuple[str, Any]], body: str) -> bool:
    """Waits for records, and says whether one of them is this."""
    while True:
        name, data = found.get(timeout=DEADLINE_SECONDS)
        if name == "records":
            return any(record["body"] == body for record in data["records"])


def test_lines_that_are_appended_are_in_the_next_scrapes_of_either_format(daemon: Daemon) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    for number, accept in enumerate(["text/plain", "application/openmetrics-text; version=1.0.0"], 1):
        daemon.append(LINE % "one more")
        while value_of(daemon.get("/metrics", accept), "logagent_receiver_lines_total") < LINES + number:
            assert time.monotonic() < deadline
        sample = 'log_records_total{severity="WARN",logger="app"}'
        assert value_of(daemon.get("/metrics", accept), sample) == number


def test_a_graceful_stop_ends_live_streams_at_once(daemon: Daemon) -> None:
    connections = [http.client.HTTPConnection(daemon.address, timeout=DEADLINE_SECONDS) for _ in range(3)]
    for connection in connections:
        connection.request("GET", "/api/live")
        assert connection.getresponse().readline() == b"event: reset\n"
    daemon.agent.stop()
    for connection in connections:
        connection.close()
