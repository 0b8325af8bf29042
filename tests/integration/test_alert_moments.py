"""SIGKILL and SIGHUP amid a `for`, a budget period and an SLO window change no moment of any alert."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING

from tests.afn_lines import hour_of_lines
from tests.agent_process import AgentProcess, value_of
from tests.webhook import hook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RULES = """
[[alert]]
name = "Errors"
kind = "ratio"
from = "log"
bad = 'level == "ERROR"'
window = "2m"
above = 0.2
for = "3m"
min_count = 5

[[alert]]
name = "Quantile"
kind = "quantile"
from = "log"
value = "severity_number"
quantile = 0.9
window = "5m"
above = 16
keep_firing_for = "2m"

[[budget]]
name = "Points"
from = "log"
value = "severity_number"
unit = "points"
limit = 3000
period = "hour"

[[slo]]
name = "Health"
from = "log"
bad = 'level == "ERROR"'
objective = 99.0
period = "30d"

[[route]]
name = "all"
to = ["hook"]
group_by = ["alertname", "severity", "window", "threshold"]
group_wait = "1s"
group_interval = "1s"
"""
Moment = tuple[str, ...]


def moments(directory: Path, kills: Sequence[int], hangups: Sequence[int]) -> set[Moment]:
    """Every alert that the hook is told of, with its begin and end; the agent is killed after some lines, reloads after others."""
    directory.mkdir()
    (directory / "rules.toml").write_text(RULES)
    log = directory / "app.log"
    with hook() as (url, seen):
        (directory / "agent.toml").write_text(
            '[state]\ndir = "state"\n[receivers.app]\ntype = "filelog"\ninclude = ["app.log"]\nstart_at = "beginning"\n'
            'timezone = "UTC"\n[rules]\nshipped = []\npaths = ["rules.toml"]\n'
            f'[exporters.hook]\ntype = "webhook"\nurl = "{url}"\n[exporters.prometheus]\nlisten = ""\ntextfile = "out.prom"\n'
        )
        agent = AgentProcess(directory / "agent.toml", directory / "out.prom")
        lines = hour_of_lines()
        with closing(agent), log.open("ab") as file:
            agent.start()
            for number, each in enumerate(lines, 1):
                file.write(each + b"\n")
                if number in {*kills, *hangups, len(lines)}:
                    file.flush()
                    _wait_for(agent, "logagent_receiver_lines_total", number)
                if number in kills:
                    agent.kill()
                    agent.start()
                    _wait_for(agent, "logagent_receiver_lines_total", number)
                elif number in hangups:
                    before = value_of(agent.exposition(), "logagent_config_reloads_total")
                    assert agent._process is not None
                    os.kill(agent._process.pid, signal.SIGHUP)
                    _wait_for(agent, "logagent_config_reloads_total", before + 1)
            agent.wait_until(lambda: value_of(agent.exposition(), "logagent_outbox_items") == 0, "all is told")
            agent.stop()
    return {
        (alert["labels"]["alertname"], *sorted(map(str, alert["labels"].items())), alert["startsAt"], alert["endsAt"])
        for notification in seen
        for alert in notification["alerts"]
    }


def _wait_for(agent: AgentProcess, sample: str, value: float) -> None:
    agent.wait_until(lambda: value_of(agent.exposition(), sample) >= value, f"{sample} is {value}")


def test_kills_and_reloads_change_no_moment(tmp_path: Path) -> None:
    undisturbed = moments(tmp_path / "undisturbed", (), ())
    names = {moment[0] for moment in undisturbed}
    assert names == {"Errors", "Quantile", "Points", "Health"}
    disturbed = moments(tmp_path / "disturbed", kills=(95, 104, 112, 160, 215), hangups=(100, 109, 190, 222, 300))
    assert disturbed == undisturbed
