"""What ``prometheus_rules`` writes: accepted by promtool, readable, and honest about what it cannot say."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from promtool_comparison import PROMTOOL, configured, exported

from logagent.catalog import load_catalog
from logagent.export.prometheus_rules import prometheus_rules
from logagent.export.rule_groups import quoted
from logagent.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")
RATIO = """
group = "shop"
[[alert]]
name = "HttpErrors"
kind = "ratio"
from = "request"
bad = "error"
by = { route = "endpoint" }
window = "5m"
min_count = 20
above = 0.1
severity = "critical"
summary = "{{ value | percent }} of {{ count }} requests to {{ labels.route }} fail in {{ window | duration }}, see {{ trace_id }}"
runbook_url = "https://runbooks.example.org/{{ errors }}"
"""
DISTINCT = """
[[alert]]
name = "Users"
kind = "distinct"
from = "request"
value = "user.id"
window = "5m"
above = 10
severity = "critical"
labels = { team = "growth" }
"""


def check(file: Path) -> tuple[int, str]:
    assert PROMTOOL is not None
    asked = subprocess.run([PROMTOOL, "check", "rules", "--lint-fatal", str(file)], capture_output=True, check=False)
    return asked.returncode, asked.stderr.decode()


@needs_promtool
@pytest.mark.parametrize("counted", [True, False])
def test_promtool_accepts_all_shipped_rules(tmp_path: Path, *, counted: bool) -> None:
    file = tmp_path / "logagent.toml"
    file.write_text(
        f'[service]\nnamespace = "a b-c"\n[rules]\nprometheus = {str(counted).lower()}\n[receivers.stdin]\n'
    )
    settings = load_settings(file, {})
    found = prometheus_rules(load_catalog(settings), settings)
    (tmp_path / "rules.yml").write_text(found.text)
    assert check(tmp_path / "rules.yml") == (0, "")
    catalog = load_catalog(settings)
    assert sorted(found.decided + found.computed) == sorted(rule.name for rule in catalog.rules)


@needs_promtool
def test_texts_and_labels_that_would_break_yaml_or_templates_are_kept_as_they_are(tmp_path: Path) -> None:
    hostile = 'a "quoted" {{ label }}\\n # \\\\ é \\u2028 %d'
    found = exported(
        tmp_path,
        RATIO.replace(
            "runbook_url", f'labels = {{ note = "{hostile.replace(chr(34), chr(92) + chr(34))}" }}\nrunbook_url'
        ),
    )
    (tmp_path / "rules.yml").write_text(found.text)
    assert check(tmp_path / "rules.yml") == (0, "")
    assert r'note: "a \"quoted\" {{ \"{{\" }} label }}\n # \\ é \u2028 %d"' in found.text
    assert r'runbook_url: "https://runbooks.example.org/{{ \"{{\" }} errors }}"' in found.text


def test_a_quoted_text_has_only_what_yaml_lets_stand() -> None:
    assert quoted("tab\t nul\0 next\x85 bom\ufeff emoji 🙂") == r'"tab\t nul\u0000 next\u0085 bom\ufeff emoji 🙂"'


@needs_promtool
def test_prometheus_fills_in_the_texts(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    (tmp_path / "rules.yml").write_text(exported(tmp_path, RATIO).text)
    name = "alert_http_errors"
    alert = {
        "exp_labels": {"severity": "critical", "service": "app", "route": '/a "b"'},
        "exp_annotations": {
            "summary": '25% of 80 requests to /a "b" fail in 5 min 0 s, see …',
            "runbook_url": "https://runbooks.example.org/{{ errors }}",
        },
    }
    series = [
        {"series": f'{name}_{what}_total{{route="/a \\"b\\""}}', "values": f"0+{step}x40"}
        for what, step in (("events", 4), ("bad", 1))
    ]
    test = {
        "interval": "15s",
        "input_series": series,
        "alert_rule_test": [{"eval_time": "10m", "alertname": "HttpErrors", "exp_alerts": [alert]}],
    }
    (tmp_path / "test.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [test]})
    )
    answer = subprocess.run(
        [PROMTOOL, "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_what_promql_cannot_say_is_decided_in_logagent_and_warned_of(tmp_path: Path) -> None:
    found = exported(tmp_path, DISTINCT)
    assert (found.decided, found.computed) == ([], ["Users"])
    assert found.warnings == ["Users: decided in logagent, all groups as one: Prometheus has no such kind of rule"]
    assert r'expr: "sum by (severity) (logagent_alerts_firing{alertname=\"Users\"}) > 0"' in found.text
    assert '          computed_by: "logagent"\n' in found.text
    assert "      # decided in logagent: Prometheus has no such kind of rule\n" in found.text


def test_without_the_option_nothing_asks_for_metrics_that_are_not_counted(tmp_path: Path) -> None:
    found = exported(tmp_path, RATIO, options="")
    assert found.computed == ["HttpErrors"]
    assert "alert_http_errors" not in found.text
    assert "[rules] prometheus is not true" in found.warnings[0]


def test_names_that_prometheus_does_not_know_are_told_once_for_all_rules(tmp_path: Path) -> None:
    warnings = exported(
        tmp_path,
        RATIO + RATIO.partition("[[alert]]")[1] + RATIO.partition("[[alert]]")[2].replace("HttpErrors", "Other"),
    ).warnings
    assert warnings == ["HttpErrors, Other: texts have … for what Prometheus does not know: `trace_id`"]


def test_rules_of_one_group_and_interval_stand_together(tmp_path: Path) -> None:
    longer = RATIO.partition("[[alert]]")[2].replace("HttpErrors", "Daily").replace('window = "5m"', 'window = "1d"')
    text = exported(tmp_path, f"{RATIO}\n[[alert]]{longer}").text
    assert [line.strip() for line in text.splitlines() if "- name:" in line] == [
        '- name: "shop:15s"',
        '- name: "shop:1m"',
    ]


def test_the_labels_of_a_group_win_over_those_of_the_agent(tmp_path: Path) -> None:
    text = exported(
        tmp_path,
        RATIO.replace('by = { route = "endpoint" }', 'by = ["service"]').replace("labels.route", "labels.service"),
    ).text
    assert "          service:" not in text


def test_a_catalog_without_rules_is_an_empty_file_of_rules(tmp_path: Path) -> None:
    _, catalog = configured(tmp_path, "")
    assert catalog.rules == ()
    assert exported(tmp_path, "").text.endswith("groups: []\n")


def test_a_forecast_of_an_odd_confidence_is_warned_of(tmp_path: Path) -> None:
    budget = """
[[budget]]
name = "Month"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 100
period = "month"
thresholds = [{ at = 1.0, basis = "forecast", confidence = 0.7 }]
"""
    assert (
        "a forecast of confidence 0.7: taken as the nearest of 0.1, 0.5, 0.9" in exported(tmp_path, budget).warnings[0]
    )
    assert exported(tmp_path, budget.replace("0.7", "0.9")).warnings == []
