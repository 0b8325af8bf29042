"""``logagent run`` as people and units call it: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from click.testing import CliRunner

from benchmarks.configuration import AGENT
from logagent.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEADLINE_SECONDS = 30.0
LINE = '{"asctime": "2026-11-20 09:00:00,014", "name": "app", "levelname": "INFO", "message": "line %d"}\n'
SLOW_QUERY = (
    '{"asctime": "2026-11-20 09:00:01,014", "name": "autoforgenexus.database", "levelname": "INFO", "process": 1,'
    ' "message": "Database query completed", "context": {"query_id": "da78c942-ea16-4e91-8a51-7e8929e7023c",'
    ' "operation": "SELECT", "table": "runs", "duration_ms": 1500.0}}\n'
)
CONFIGURATION = """\
[state]
dir = "state"

[receivers.app]
type = "filelog"
include = ["logs/*.log"]
timezone = "UTC"

[exporters.prometheus]
listen = "{listen}"
textfile = "metrics.prom"
"""


class Setting(NamedTuple):
    """A directory with a log of three lines and a configuration."""

    directory: Path

    @property
    def configuration(self) -> Path:
        return self.directory / "logagent.toml"

    @property
    def log(self) -> Path:
        return self.directory / "logs" / "app.log"

    def configure(self, more: str = "", *, listen: str = "") -> None:
        self.configuration.write_text(CONFIGURATION.format(listen=listen) + more)

    def append(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def once(self) -> tuple[int, dict[str, Any], str]:
        """Exit code, summary and standard error of a single pass."""
        result = CliRunner().invoke(main, ["run", "--once", "-c", str(self.configuration)])
        return result.exit_code, json.loads(result.stdout) if result.stdout else {}, result.stderr

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [AGENT, "run", "-c", str(self.configuration), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def lines_shown(self) -> float:
        textfile = self.directory / "metrics.prom"
        if not textfile.exists():
            return 0
        return sum(
            float(line.split()[-1])
            for line in textfile.read_text().splitlines()
            if line.startswith("logagent_receiver_lines_total{")
        )


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    (tmp_path / "logs").mkdir()
    setting = Setting(tmp_path)
    setting.append("".join(LINE % number for number in range(3)))
    setting.configure()
    return setting


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def wait_for(reached: Callable[[], object], agent: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not reached():
        if agent.poll() is not None:
            raise AssertionError(f"it ended with {agent.returncode}: {agent.communicate()}")
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(agent: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, bytes, bytes]:
    agent.send_signal(number)
    out, err = agent.communicate(timeout=DEADLINE_SECONDS)
    return agent.returncode, out, err


def test_a_single_pass_prints_one_json_line_of_what_it_did(setting: Setting) -> None:
    setting.append(SLOW_QUERY)
    code, summary, _ = setting.once()
    assert code == 0
    assert summary.pop("seconds") > 0
    assert summary == {
        "lines": 4,
        "records": 4,
        "dropped": 0,
        "spans": 1,
        "errors": 0,
        "alerts": 1,
        "undelivered": 0,
        "problems": [],
    }


def test_a_single_pass_reads_from_the_beginning_what_no_ledger_knows_and_then_only_what_came(setting: Setting) -> None:
    assert 'start_at = "beginning"' not in setting.configuration.read_text()
    assert setting.once()[1]["lines"] == 3
    assert setting.once()[1]["lines"] == 0
    setting.append(LINE % 3)
    assert setting.once()[1]["lines"] == 1
    assert setting.lines_shown() == 4


def test_a_single_pass_that_could_not_deliver_says_how_much_and_ends_with_3(
    setting: Setting, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logagent.agent.ONCE_FLUSH_SECONDS", 0.2)
    setting.append(SLOW_QUERY)
    setting.configure(f'[exporters.otlp]\nendpoint = "http://127.0.0.1:{taken_port}"\ntimeout = "100ms"\n')
    code, summary, _ = setting.once()
    assert (code, summary["undelivered"]) == (3, 1)


def test_a_single_pass_whose_last_commit_failed_says_so_and_ends_with_3(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> float:
        from logagent.state.errors import LedgerError  # noqa: PLC0415 - the only test that needs it

        raise LedgerError("the disk is full")

    monkeypatch.setattr("logagent.state.ledger.Ledger.commit", refuse)
    code, summary, said = setting.once()
    assert (code, summary["problems"]) == (3, ["the disk is full"])
    assert "error: the disk is full" in said


def test_without_receivers_there_is_nothing_to_do(setting: Setting) -> None:
    setting.configuration.write_text('[state]\ndir = "state"\n')
    code, _, said = setting.once()
    assert code == 2
    assert "there is no receiver" in said
    assert "[receivers.app]" in said


def test_mistakes_in_configuration_and_rules_are_told_together_before_anything_starts(setting: Setting) -> None:
    (setting.directory / "broken.toml").write_text('version = 1\n[[metric]]\nname = "x"\n')
    setting.configure('colour = "red"\n[rules]\npaths = ["broken.toml"]\n')
    code, _, said = setting.once()
    assert code == 2
    assert "colour" in said
    assert "broken.toml" in said
    assert not (setting.directory / "state").exists()


def test_a_state_directory_that_cannot_be_made_ends_with_3_and_a_hint(setting: Setting) -> None:
    (setting.directory / "state").write_text("a file")
    code, _, said = setting.once()
    assert code == 3
    assert said.startswith("error: cannot make the state directory")
    assert "\n  try: " in said


def test_an_address_that_is_taken_ends_with_3_and_a_hint(setting: Setting, taken_port: int) -> None:
    setting.configure(listen=f"127.0.0.1:{taken_port}")
    code, _, said = setting.once()
    assert code == 3
    assert f"cannot listen on 127.0.0.1:{taken_port}: " in said
    assert f"  try: stop the program that has it (ss -ltnp 'sport = :{taken_port}')" in said


def test_the_service_goes_on_from_where_a_stop_or_an_interruption_left_it(setting: Setting) -> None:
    assert setting.once()[1]["lines"] == 3
    agent = setting.start()
    setting.append(LINE % 3)
    wait_for(lambda: setting.lines_shown() == 4, agent)

    code, _, said = setting.once()
    assert code == 3
    assert f"another logagent (process {agent.pid}) uses the state directory" in said

    code, out, err = ended(agent, signal.SIGTERM)
    assert (code, out) == (0, b"")
    assert {line.split(b": ")[1] for line in err.splitlines()} <= {b"INFO"}

    agent = setting.start()
    setting.append(SLOW_QUERY)
    wait_for(lambda: setting.lines_shown() == 5, agent)
    code, out, err = ended(agent, signal.SIGINT)
    assert (code, out) == (130, b"")
    told = [line for line in err.splitlines() if b"alert" in line]
    assert len(told) == 1
    assert told[0].startswith(b"logagent: WARNING: alert firing: SlowQuery{")
    assert setting.once()[1]["lines"] == 0


def test_a_single_pass_that_is_interrupted_sums_up_what_it_did_and_ends_with_130(setting: Setting) -> None:
    reading, writing = os.pipe()
    setting.configuration.write_text('[state]\ndir = "state"\n[receivers.stdin]\n[exporters.prometheus]\nlisten = ""\n')
    agent = subprocess.Popen(
        [AGENT, "run", "--once", "-c", str(setting.configuration)],
        stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(reading)
    wait_for(lambda: is_handled(agent.pid, signal.SIGTERM), agent)
    code, out, _ = ended(agent, signal.SIGINT)
    os.close(writing)
    assert code == 130
    assert json.loads(out)["lines"] == 0


def is_handled(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for it."""
    with open(f"/proc/{pid}/status") as file:  # noqa: PTH123 - no file of ours
        caught = next(line for line in file if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_a_pattern_that_matches_nothing_is_logged_once_and_keeps_nothing_from_running(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    text = setting.configuration.read_text()
    setting.configuration.write_text(text.replace('"logs/*.log"', '"logs/*.log", "logs/*.txt"'))
    code, summary, _ = setting.once()
    assert (code, summary["lines"]) == (0, 3)
    (told,) = [record for record in caplog.records if "no file matches" in record.getMessage()]
    assert told.levelname == "WARNING"
    assert f"{setting.configuration}:" in told.getMessage()
    assert "receivers.app.include[1]: no file matches" in told.getMessage()
