"""New rules in a running agent: put in force at once or not at all, and what did not change goes on."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import pytest
from afn_lines import BEGIN_MS, hour_of_lines
from agent_harness import Harness, query, settings_of

from logagent import agent as agent_module

if TYPE_CHECKING:
    from pathlib import Path

    from logagent.model import Alert

pytestmark = pytest.mark.usefixtures("in_a_hurry")

RULES = """
[[metric]]
name = "own_queries_total"
type = "counter"
help = "Queries."
from = "query"
by = { table = "db.collection.name" }

[[alert]]
name = "OwnSlow"
kind = "event"
from = "query"
where = "duration > 1s"
by = ["db.collection.name"]
summary = "{{ count }} slow"
"""
MORE = """
[[alert]]
name = "OwnAny"
kind = "event"
from = "query"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.d" / "own.toml"
    path.parent.mkdir()
    path.write_text(RULES)
    return path


@pytest.fixture
def harness(tmp_path: Path, file: Path) -> Harness:
    settings = settings_of(tmp_path, rules={"shipped": [], "paths": [f"{file.parent}/*.toml"]})
    return Harness(tmp_path, settings)


def write(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


def firing(harness: Harness) -> dict[str, str]:
    alerts = harness.agent.pipeline.alerts.firing()
    return {alert.name: alert.annotations.get("summary", "") for alert in alerts}


async def test_an_unchanged_rule_goes_on_where_it_was_and_a_new_one_begins(harness: Harness, file: Path) -> None:
    async with harness.running():
        harness.receiver.send([query(1), query(2)])
        await harness.until(lambda: firing(harness) == {"OwnSlow": "2 slow"}, "it fires")
        write(file, RULES + MORE)
        assert await harness.agent.reloader.reload()
        assert firing(harness) == {"OwnSlow": "2 slow"}
        harness.receiver.send([query(3)])
        await harness.until(lambda: firing(harness) == {"OwnSlow": "3 slow", "OwnAny": "1 events"}, "both fire")
        await harness.until_shown("own_queries_total", 3)
        assert harness.shown('logagent_config_reloads_total{outcome="success"}') == 2


async def test_a_rule_that_is_gone_resolves_as_superseded_and_its_metric_is_no_longer_shown(
    harness: Harness, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "logagent")
    async with harness.running():
        harness.receiver.send([query(1)])
        await harness.until_shown("own_queries_total", 1)
        write(file, MORE)
        assert await harness.agent.reloader.reload()
        assert firing(harness) == {}
        await harness.until(
            lambda: harness.shown('logagent_alerts_total{alertname="OwnSlow",state="resolved",reason="superseded"}'),
            "it is told",
        )
        assert not harness.shown("own_queries_total")
        write(file, RULES)
        assert await harness.agent.reloader.reload()
        harness.receiver.send([query(2)])
        await harness.until_shown("own_queries_total", 2)


async def test_a_bad_file_is_told_with_everything_wrong_in_it_while_the_old_rules_go_on(
    harness: Harness, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with harness.running():
        harness.receiver.send([query(1)])
        await harness.until(lambda: firing(harness), "it fires")
        write(file, RULES.replace("duration > 1s", "duraton > 1s") + MORE.replace("event", "evnt"))
        assert not await harness.agent.reloader.reload()
        told = "\n".join(caplog.messages)
        assert "`duraton` is no field of a span" in told
        assert "`evnt` is no kind of alert" in told
        assert "the rules were not reloaded" in told
        harness.receiver.send([query(2)])
        await harness.until(lambda: firing(harness) == {"OwnSlow": "2 slow"}, "the old rule goes on")
        await harness.until(lambda: harness.shown('logagent_config_reloads_total{outcome="failure"}') == 1, "counted")


async def test_a_changed_file_is_read_once_it_is_whole(harness: Harness, file: Path) -> None:
    async with harness.running():
        reloader = harness.agent.reloader
        assert [rule.name for rule in harness.agent._catalog.rules] == ["OwnSlow"]
        write(file, RULES + MORE)
        await reloader.look()
        assert [rule.name for rule in harness.agent._catalog.rules] == ["OwnSlow"]
        await reloader.look()
        assert [rule.name for rule in harness.agent._catalog.rules] == ["OwnSlow", "OwnAny"]
        write(file, None)
        await reloader.look()
        await reloader.look()
        assert harness.agent._catalog.rules == ()


async def test_state_survives_a_reload_and_a_kill_right_after_it(harness: Harness, file: Path) -> None:
    lines = [query(number) for number in range(1, 4)]
    async with harness.running():
        harness.receiver.send(lines)
        await harness.until(lambda: firing(harness) == {"OwnSlow": "3 slow"}, "it fires")
        harness.refuse_commits("the disk is full")
        write(file, RULES + MORE)
        assert await harness.agent.reloader.reload()
        assert firing(harness) == {"OwnSlow": "3 slow"}
    harness.begin(lines)
    async with harness.running():
        await harness.until(lambda: harness.agent.receivers[0].caught_up and firing(harness), "all is read")
        assert firing(harness)["OwnSlow"] == "3 slow"


TIMED = """
[[alert]]
name = "Errors"
kind = "ratio"
from = "log"
bad = 'level == "ERROR"'
window = "2m"
above = 0.2
for = "3m"
min_count = 5

[[budget]]
name = "Lines"
from = "log"
value = "severity_number"
unit = "points"
limit = 3000
period = "hour"

[[slo]]
name = "log-health"
from = "log"
bad = 'level == "ERROR"'
objective = 99.0
period = "30d"
"""


async def told(harness: Harness, cuts: list[int], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The changes of alerts in an hour of lines, with a reload and a restart in each part of them."""
    seen: list[Alert] = []
    monkeypatch.setattr(agent_module, "announce", seen.extend)
    lines = hour_of_lines()
    for begin, end in itertools.pairwise([0, *cuts, len(lines)]):
        harness.begin(lines[:begin])
        half = (begin + end) // 2
        async with harness.running():
            for upto in (half, end):
                harness.receiver.send(lines[harness.receiver.emitted : upto])
                await harness.until(lambda upto=upto: harness.receiver.emitted == upto, "they are read")
                if cuts:
                    assert await harness.agent.reloader.reload()
    return [
        (
            alert.name,
            alert.state.value,
            alert.reason,
            alert.labels["severity"],
            str(alert.time_unix_nano // 10**9 - BEGIN_MS // 1000),
        )
        for alert in seen
    ]


async def test_reloads_and_restarts_amid_a_for_a_budget_and_an_slo_change_no_moment(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, TIMED)
    seen = []
    for number, cuts in enumerate(([], [100, 115, 130], [95, 105, 108, 111, 200, 220, 300])):
        directory = tmp_path / str(number)
        settings = settings_of(directory, rules={"shipped": [], "paths": [str(file)]})
        seen.append(await told(Harness(directory, settings), cuts, monkeypatch))
    undisturbed, *disturbed = seen
    assert {(name, state) for name, state, *_ in undisturbed} == {
        ("Errors", "pending"), ("Errors", "firing"), ("Errors", "resolved"),
        ("Lines", "firing"), ("log-health", "firing"), ("log-health", "resolved"),
    }  # fmt: skip
    assert [sorted(each) for each in disturbed] == [sorted(undisturbed)] * 2
