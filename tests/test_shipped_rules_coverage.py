"""The shipped rules: enough of them, each tested to fire and not to, each with a runbook, none reading what nobody logs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import shipped_tables
import tomli
from click.testing import CliRunner

from logagent import cli
from logagent.expr import parse
from logagent.fields import KNOWN_FIELDS

TOP = Path(__file__).parents[1]
RULES = {table["name"]: (file, kind, table) for file, kind, table in shipped_tables.tables(*shipped_tables.KINDS)}
METRICS = [table for _, _, table in shipped_tables.tables("metric")]
TESTS = [table for _, _, table in shipped_tables.tables("test")]
EXPECTATIONS = [expectation for test in TESTS for expectation in test["expect"]]

WANTED: dict[str, dict[str, Any]] = {
    "HighErrorRate": {"kind": "ratio", "above": 0.05, "for": "5m"},
    "LlmP95High": {"kind": "quantile", "quantile": 0.95, "above": "5s", "for": "10m"},
    "LlmErrorRateHigh": {"kind": "ratio", "above": 0.1, "for": "10m"},
    "RequestP95High": {"kind": "quantile", "quantile": 0.95, "above": "2s", "for": "10m"},
    "DatabaseConnectionFailures": {"kind": "count", "above": 5, "window": "2m"},
    "AuthFailureBurst": {"kind": "count", "above": 50, "window": "5m"},
    "ApiAvailability": {"objective": 99.9},
    "RegionalLatencyUs": {"good": "duration <= 100ms"},
    "RegionalLatencyEu": {"good": "duration <= 150ms"},
    "RegionalLatencyApac": {"good": "duration <= 200ms"},
    "SlowQuery": {"where": "not incomplete and duration > 1s"},
}
"""What is promised, word for word."""

IN_AUTOFORGENEXUS = {
    "context.headers.cf-ipcountry",
    "context.metadata.cached",
    "context.metadata.quality_score",
    "context.prompt_length",
    "context.request_body",
    "context.response_length",
}
"""Attributes under AutoForgeNexus's own names; its headers and its metadata hold what the application puts there."""
IN_OPENTELEMETRY = {
    "cloud.region",
    "gen_ai.evaluation.name",
    "gen_ai.evaluation.score.value",
    "gen_ai.response.time_to_first_chunk",
}
"""Names of the semantic conventions that no shipped parser claims."""
OPTIONAL = {"context.key_id", "context.prompt", "context.region"}
"""What other applications log beside their ids; nobody else's log has to."""
OURS = {"logagent.cost.source"}

RUNBOOKS = (TOP / "docs/runbooks.md").read_text()
COMMANDS = sorted(set(re.findall(r"^logagent (tail .+)$", RUNBOOKS, re.MULTILINE)))
LOG = TOP / "tests/data/autoforgenexus/afn_pjl3.log"

UNBOUNDED = {"user.id", "session.id", "client.address", "url.path", "url.full", "trace_id", "id", "message", "body"}
ABOUT_ONE = {"AuthFailuresFromOneAddress", "ProbingForWeaknesses", "KeyUsedFromManyAddresses", "UserTokenSurge"}
"""Alerts whose very subject is one address, key or user."""


def expressions(table: dict[str, Any]) -> list[str]:
    by = table.get("by", {})
    keys = ("where", "value", "bad", "good", "valid")
    own = [table[key] for key in keys if isinstance(table.get(key), str)]
    return [*own, *(by.values() if isinstance(by, dict) else by)]


def fields(texts: list[str]) -> set[str]:
    return {name for text in texts for name in parse(text).fields}


def subject(table: dict[str, Any]) -> str:
    source = table.get("from", "request")
    return source if source in {"log", "error"} else "span"


def test_there_are_more_than_fifty_metrics_and_more_than_two_dozen_alerts() -> None:
    assert len({metric["name"] for metric in METRICS}) > 50
    assert len(RULES) >= 24


@pytest.mark.parametrize("name", WANTED)
def test_a_promised_alert_has_its_threshold_and_duration(name: str) -> None:
    _, _, table = RULES[name]
    assert {key: table[key] for key in WANTED[name]} == WANTED[name]


def test_the_budget_tells_of_half_ninety_percent_and_all() -> None:
    thresholds = RULES["LlmMonthlyBudget"][2]["thresholds"]
    assert [one["at"] for one in thresholds if "basis" not in one] == [0.5, 0.9, 1.0]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_seen_to_fire_and_not_to_fire(name: str) -> None:
    mine = [one for one in EXPECTATIONS if one.get("alert") == name]
    assert any(one.get("state") == "firing" or one.get("fired", 0) > 0 for one in mine)
    assert any(one.get("state") in {"inactive", "pending"} or one.get("fired") == 0 for one in mine) or any(
        one.get("fired") == 1 and "labels" not in one for one in mine
    )


@pytest.mark.parametrize("name", [name for name, (_, _, table) in RULES.items() if "for" in table])
def test_a_rule_that_waits_is_seen_pending_before_it_fires(name: str) -> None:
    assert any(one.get("alert") == name and one.get("state") == "pending" for one in EXPECTATIONS)


@pytest.mark.parametrize("name", sorted({metric["name"] for metric in METRICS}))
def test_a_metric_is_seen_in_a_test(name: str) -> None:
    assert any(one.get("metric") == name for one in EXPECTATIONS)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_has_a_runbook_that_exists_and_tells_of_it(name: str) -> None:
    document, _, anchor = RULES[name][2]["runbook_url"].partition("#")
    sections = re.split(r"(?m)^## ", (TOP / document).read_text())
    (section,) = [one for one in sections if one.partition("\n")[0].lower() == anchor]
    assert name in section or section.startswith(f"{name}\n")
    assert "logagent tail" in section


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_a_runbook_runs(command: str) -> None:
    _, _, *rest = shlex.split(command)
    result = CliRunner().invoke(cli.main, ["tail", str(LOG), *rest])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("name", RULES)
def test_an_alert_reads_what_is_logged_or_has_a_name_in_opentelemetry(name: str) -> None:
    _, _, table = RULES[name]
    read = fields(expressions(table))
    assert read - KNOWN_FIELDS[subject(table)] <= IN_AUTOFORGENEXUS | IN_OPENTELEMETRY | OPTIONAL


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric["name"])
def test_a_metric_reads_what_is_logged_and_has_few_series(metric: dict[str, Any]) -> None:
    known = KNOWN_FIELDS[subject(metric)] | IN_AUTOFORGENEXUS | IN_OPENTELEMETRY | OPTIONAL | OURS
    assert fields(expressions(metric)) <= known
    assert not fields(list(metric.get("by", {}).values())) & UNBOUNDED


@pytest.mark.parametrize("name", RULES)
def test_an_alert_is_about_one_user_or_address_only_where_that_is_its_subject(name: str) -> None:
    by = RULES[name][2].get("by", {})
    assert name in ABOUT_ONE or not fields(list(by.values() if isinstance(by, dict) else by)) & UNBOUNDED


@pytest.mark.parametrize(
    "name", [name for name, (_, _, table) in RULES.items() if table.get("kind") in {"ratio", "mean", "quantile"}]
)
def test_a_share_a_mean_or_a_quantile_needs_more_than_a_handful_of_events(name: str) -> None:
    assert RULES[name][2]["min_count"] >= 10


def test_a_broken_threshold_is_told_with_rule_time_expected_and_seen(tmp_path: Path) -> None:
    rules = (TOP / "rules/http.toml").read_text()
    broken = tmp_path / "http.toml"
    broken.write_text(rules.replace("above = 0.05\nrecover = 0.03", "above = 0.5\nrecover = 0.3"))
    result = CliRunner().invoke(cli.main, ["test", str(broken), "-k", "more than 5 %"])
    assert result.exit_code == 1
    told = result.output
    assert "✗ more than 5 % of failures fires after five minutes" in told
    assert re.search(r"at 18m, HighErrorRate.*\n\s+expected\s+firing\n\s+seen\s+inactive\n", told)
    assert tomli.loads(rules)["alert"][0]["above"] == 0.05
