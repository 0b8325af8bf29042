"""Killed at any moment, however often, while its log grows and is rotated, the agent accounts for each line once."""

from __future__ import annotations

import os
import random
import socket
import sys
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest
from live_log import LiveLog

from benchmarks.child import run
from benchmarks.configuration import AGENT, write_configuration
from benchmarks.generate import generate
from benchmarks.otlp_sink import SpanId, decoded, received, sink, stored_bodies
from benchmarks.truth import differences, lines_read
from tests.agent_process import AgentProcess, value_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.truth import Truth

KILLS = int(os.environ.get("LOGAGENT_KILLS", "8")) // 2
"""For each way of rotating a log. ``LOGAGENT_KILLS=200 pytest tests/torture -s`` is the long form."""
SEED = int(os.environ.get("LOGAGENT_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
LINES_PER_KILL = 3000
BURSTS_PER_KILL = 160
DIRTY_SHARE = 0.02
EARLY_SHARE = 0.25
"""Of the kills come while the agent starts; the others after it has shown what it restored."""
LONGEST_START_SECONDS = 1.5
LONGEST_LIFE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 0.03
LONGEST_ANSWER_SECONDS = 0.15
"""Between storing and answering: a kill in that time makes the agent send again."""


class Watch:
    """What the agent shows over time: its line counter must never go back."""

    def __init__(self, agent: AgentProcess, address: str) -> None:
        self._agent = agent
        self._url = f"http://{address}/metrics"
        self._lines = 0
        self._before = 0

    def restart(self) -> None:
        self._agent.start()
        self._before = self._stamp()

    def started(self) -> bool:
        """Whether this run of the agent has written the textfile."""
        return self._stamp() != self._before

    def look(self) -> int:
        return self._check(self._agent.exposition())

    def scrape(self) -> int:
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            return self._check(answer.read().decode())

    def _check(self, exposition: str) -> int:
        lines = lines_read(exposition)
        if exposition:
            assert lines >= self._lines, "the counter of lines went backwards"
            self._lines = lines
        return lines

    def _stamp(self) -> int:
        return self._agent.textfile.stat().st_mtime_ns if self._agent.textfile.exists() else 0


class Undisturbed(NamedTuple):
    """The whole log, the truth about it, and every span with what one run over it tells of it."""

    log: Path
    truth: Truth
    stories: dict[SpanId, set[bytes]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    directory = tmp_path_factory.mktemp("undisturbed")
    log = directory / "whole.log"
    truth = generate(KILLS * LINES_PER_KILL, log, seed=SEED, dirty=DIRTY_SHARE)
    with sink(directory / "spans") as endpoint:
        textfile = write_configuration(directory / "agent.toml", log=log, otlp=endpoint)
        done = run([AGENT, "run", "--once", "-c", str(directory / "agent.toml")])
    assert done.exit_code == 0
    assert differences(truth, textfile.read_text()) == []
    return Undisturbed(log, truth, _stories(directory / "spans"))


@pytest.mark.parametrize("rotation", ["rename", "copytruncate"])
def test_killed_at_random_moments_over_a_growing_rotated_log_every_figure_and_span_is_as_if_undisturbed(
    rotation: str, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    print(f"LOGAGENT_KILL_SEED={SEED} LOGAGENT_KILLS={2 * KILLS}")  # noqa: T201 - shown where the test fails
    began = time.monotonic()
    chance = random.Random(f"{SEED} {rotation}")
    truth = undisturbed.truth
    log = LiveLog(tmp_path / "app.log", undisturbed.log.read_bytes(), rotation, chance, bursts=KILLS * BURSTS_PER_KILL)
    address = f"127.0.0.1:{_free_port()}"
    with sink(tmp_path / "spans", delay_seconds=LONGEST_ANSWER_SECONDS) as endpoint, closing(log):
        textfile = write_configuration(tmp_path / "agent.toml", log=tmp_path / "app.log", otlp=endpoint, listen=address)
        agent = AgentProcess(tmp_path / "agent.toml", textfile)
        with closing(agent):
            _torture(agent, Watch(agent, address), log, chance)
            _finish(agent, truth)

    assert differences(truth, agent.exposition()) == []
    found = received(tmp_path / "spans")
    assert found.restarted == []
    stories = _stories(tmp_path / "spans")
    assert stories.keys() == undisturbed.stories.keys()
    assert [
        (told, undisturbed.stories[span]) for span, told in stories.items() if told != undisturbed.stories[span]
    ] == []
    print(  # noqa: T201 - the long form's result, for whoever runs it
        f"{rotation}: {KILLS} kills in {time.monotonic() - began:.0f} s, {truth.lines} lines, {log.rotations} rotations,"
        f" {len(found.starts)} spans in {found.copies} copies: all as if undisturbed",
        file=sys.stderr,
    )


def _torture(agent: AgentProcess, watch: Watch, log: LiveLog, chance: random.Random) -> None:
    # Which file is the first is known only once it has been accounted for; from then on none may be lost.
    log.write_line()
    agent.start()
    agent.wait_until(lambda: watch.look() > 0, "the first line is read")
    agent.kill()
    for _ in range(KILLS - 1):
        watch.restart()
        if chance.random() < EARLY_SHARE:
            _write_until(time.monotonic() + chance.uniform(0, LONGEST_START_SECONDS), agent, log, chance)
        else:
            while not watch.started():
                _write_until(0.0, agent, log, chance)
            watch.look()
            _write_until(time.monotonic() + chance.uniform(0, LONGEST_LIFE_SECONDS), agent, log, chance)
            if chance.random() < 0.3:
                watch.scrape()
        agent.kill()
        for _ in range(chance.choice((0, 0, 3, 30))):
            log.burst()
    watch.restart()
    while not log.done:
        log.burst()
    agent.wait_until(watch.started, "the agent starts")


def _write_until(deadline: float, agent: AgentProcess, log: LiveLog, chance: random.Random) -> None:
    """Lets the application write for a while, at least once."""
    while True:
        agent.must_live()
        log.burst()
        pause = chance.uniform(0, LONGEST_PAUSE_SECONDS)
        time.sleep(pause if not deadline else max(min(pause, deadline - time.monotonic()), 0))
        if time.monotonic() >= deadline:
            return


def _finish(agent: AgentProcess, truth: Truth) -> None:
    """Waits until all is read and delivered, stops the agent, and has one more run close what is open."""
    agent.wait_until(lambda: lines_read(agent.exposition()) >= truth.lines, f"all {truth.lines} lines are read")
    agent.wait_until(lambda: value_of(agent.exposition(), "logagent_outbox_items") == 0, "all is delivered")
    agent.stop()
    closing_run = run([AGENT, "run", "--once", "-c", str(agent.configuration)])
    assert closing_run.exit_code == 0, closing_run.output


def _stories(stored: Path) -> dict[SpanId, set[bytes]]:
    """Each span with all that its copies tell, in one form; where a span has no end, when it was given up is no matter."""
    stories: dict[SpanId, set[bytes]] = {}
    for body in stored_bodies(stored):
        for resource in decoded(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = sorted(span.attributes, key=lambda attribute: attribute.key)
                    if any(attribute.key == "logagent.incomplete" for attribute in attributes):
                        span.end_time_unix_nano = 0
                    del span.attributes[:]
                    span.attributes.extend(attributes)
                    stories.setdefault(SpanId(span.trace_id, span.span_id), set()).add(span.SerializeToString())
    return stories


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
