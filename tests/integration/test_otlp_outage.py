"""An OTLP receiver that is down, answers 503, hangs up in its answers and is well at last misses nothing."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from moody_receiver import Mood, MoodyReceiver

from benchmarks.child import run
from benchmarks.configuration import AGENT, write_configuration
from benchmarks.generate import generate
from benchmarks.otlp_sink import Received, received, sink
from benchmarks.truth import differences, lines_read
from tests.agent_process import AgentProcess, value_of

LINES = 12_000
TIMES = 4
"""Requests that meet each mood."""
IMPATIENT_AGENT = Path(__file__).with_name("impatient_agent.py")


def test_through_refusal_503_and_broken_connections_every_span_arrives_with_the_same_id_and_start(
    tmp_path: Path,
) -> None:
    whole = tmp_path / "whole.log"
    truth = generate(LINES, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    log = tmp_path / "app.log"
    command = [sys.executable, str(IMPATIENT_AGENT)]
    with MoodyReceiver() as receiver:
        textfile = write_configuration(tmp_path / "agent.toml", log=log, otlp=receiver.endpoint)
        agent = AgentProcess(tmp_path / "agent.toml", textfile, command=command)
        with closing(agent), log.open("ab") as file:
            agent.start()
            for start in range(0, LINES // 2, LINES // 12):
                _write(file, lines[start : start + LINES // 12])
                _wait_for_lines(agent, start + LINES // 12)
            agent.wait_until(lambda: _retries(agent) > 0, "the refusal is met")
            assert not receiver.attempts
            receiver.listen(Mood.OVERLOADED)
            _write(file, lines[LINES // 2 :])
            for mood in (Mood.OVERLOADED, Mood.HANGS_UP_EARLY, Mood.HANGS_UP_LATE):
                _meet(agent, receiver, mood)
            receiver.mood = Mood.WELL
            _wait_for_lines(agent, LINES)
            agent.wait_until(lambda: value_of(agent.exposition(), "logagent_outbox_items") == 0, "all is delivered")
            agent.stop()
        closing_run = run([*command, "run", "--once", "-c", str(agent.configuration)])
    assert closing_run.exit_code == 0, closing_run.output
    assert differences(truth, agent.exposition()) == []

    undisturbed = _undisturbed(tmp_path, whole)
    assert _received(receiver.accepted).starts == undisturbed.starts
    attempted = _received(receiver.attempts)
    assert attempted.starts == undisturbed.starts
    assert attempted.copies > len(attempted.starts), "nothing was sent twice, so nothing was shown"
    assert attempted.restarted == []


def _write(file: BinaryIO, lines: list[bytes]) -> None:
    file.writelines(lines)
    file.flush()


def _wait_for_lines(agent: AgentProcess, count: int) -> None:
    agent.wait_until(lambda: lines_read(agent.exposition()) == count, f"{count} lines are read")


def _meet(agent: AgentProcess, receiver: MoodyReceiver, mood: Mood) -> None:
    receiver.mood = mood
    agent.wait_until(lambda: receiver.requests[mood] >= TIMES, f"the receiver {mood.value}, {TIMES} times")


def _retries(agent: AgentProcess) -> float:
    return value_of(agent.exposition(), 'logagent_exported_total{exporter="otlp",signal="traces",outcome="retry"}')


def _received(bodies: list[bytes]) -> Received:
    found = Received()
    for body in bodies:
        found.add(body)
    return found


def _undisturbed(directory: Path, log: Path) -> Received:
    with sink(directory / "undisturbed.spans") as endpoint:
        write_configuration(directory / "undisturbed.toml", log=log, otlp=endpoint)
        assert run([AGENT, "run", "--once", "-c", str(directory / "undisturbed.toml")]).exit_code == 0
    return received(directory / "undisturbed.spans")
