"""``logagent check``."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from logagent.cli import check, main
from logagent.errors import ConfigurationError, Problem
from logagent.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

Check = Callable[..., Result]

_SIX_MISTAKES = """\
[service]
nmae = "shop"

[receivers.app]
type = "filelog"
include = ["/var/log/shop/*.log"]
start_at = "begining"

[exporters.otlp]
timeout = 30
headers = { Authorization = "Bearer ${SHOP_TOKEN}" }

[exporters.langfus]

[limits]
open_spans = "many"
"""

_SIX_PROBLEMS = """\
{file}: service.nmae (line 2): unknown option "nmae"
    try: name
{file}: receivers.app.start_at (line 7): not "end" or "beginning": "begining"
    try: "beginning"
{file}: exporters.otlp.timeout (line 10): a duration needs a unit: 30
    try: "30s" for seconds or "30ms" for milliseconds
{file}: exporters.otlp.headers.Authorization (line 11): the environment has no variable SHOP_TOKEN
    try: set SHOP_TOKEN before starting, or write $${{SHOP_TOKEN}} for the text itself
{file}: exporters.langfus.type (line 13): unknown exporter type "langfus"; known: file, otlp, prometheus
    try: type = "file" or another of the known types
{file}: limits.open_spans (line 16): expected an integer, found a string
    try: open_spans = 10000
6 problems
"""

_CATALOG_PROBLEM = Problem("rules.d/a.toml", "metric[0] (line 2)", "unknown field", "duration")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the configuration is."""
    return tmp_path / "logagent.toml"


@pytest.fixture
def run_check(monkeypatch: pytest.MonkeyPatch, file: Path) -> Check:
    """Check a text, with a catalog that is well unless problems of it are given."""

    def run_check(text: str, *arguments: str, catalog_problems: tuple[Problem, ...] = ()) -> Result:
        def load_catalog(settings: Settings) -> SimpleNamespace:
            assert isinstance(settings, Settings)
            if catalog_problems:
                raise ConfigurationError(list(catalog_problems))
            return SimpleNamespace(parsers=["a", "b"], rules=["c"])

        monkeypatch.setattr(check, "load_catalog", load_catalog)
        monkeypatch.delenv("SHOP_TOKEN", raising=False)
        file.write_text(text)
        return CliRunner().invoke(main, ["check", "-c", str(file), *arguments])

    return run_check


def test_six_mistakes_are_six_problems_in_one_go_each_with_what_to_try(run_check: Check, file: Path) -> None:
    result = run_check(_SIX_MISTAKES)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == _SIX_PROBLEMS.format(file=file)


def test_problems_of_parsers_and_rules_come_with_those_of_the_configuration(run_check: Check) -> None:
    result = run_check("[receivers.stdin]\n[limits]\nlne = 1\n", catalog_problems=(_CATALOG_PROBLEM,))
    assert result.exit_code == 2
    assert 'unknown option "lne"\n    try: line\n' in result.stderr
    assert "rules.d/a.toml: metric[0] (line 2): unknown field\n    try: duration\n2 problems\n" in result.stderr


def test_a_configuration_without_mistakes_is_counted(run_check: Check, file: Path) -> None:
    result = run_check("[receivers.stdin]\n[exporters.prometheus]\n[exporters.otlp]\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"ok: {file}: 1 receiver, 2 exporters, 2 parsers, 1 rule\n"


def test_json_has_every_problem_with_its_parts(run_check: Check, file: Path) -> None:
    result = run_check(_SIX_MISTAKES, "--json", catalog_problems=(_CATALOG_PROBLEM,))
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, report["ok"], report["file"]) == (2, "", False, str(file))
    assert len(report["problems"]) == 7
    assert report["problems"][0] == {
        "file": str(file),
        "place": "service.nmae (line 2)",
        "message": 'unknown option "nmae"',
        "hint": "name",
    }
    assert all(problem["hint"] for problem in report["problems"])


def test_json_of_a_configuration_without_mistakes_has_the_counts(run_check: Check, file: Path) -> None:
    result = run_check("[receivers.stdin]\n", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "file": str(file),
        "receivers": 1,
        "exporters": 0,
        "parsers": 2,
        "rules": 1,
        "problems": [],
    }


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_secret_never_shows(run_check: Check, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    text = (
        '[receivers.stdin]\nparser = "${SECRET}"\nservice = ["${SECRET}"]\n[exporters.otlp]\nendpoint = "${SECRET}"\n'
    )
    text += 'headers = { A = "s3cret\\n" }\n[limits]\nline = "${SECRET}"\n'
    result = run_check(text, *arguments)
    assert result.exit_code == 2
    assert "s3cret" not in result.output


def test_a_file_that_is_not_there_is_a_problem(run_check: Check, file: Path) -> None:
    result = run_check("", "-c", f"{file}.missing")
    assert result.exit_code == 2
    assert result.stderr == (
        f"{file}.missing: there is no such file\n    try: the path of an existing file\n1 problem\n"
    )


def test_without_a_file_the_defaults_are_checked(run_check: Check, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    run_check("")
    monkeypatch.setattr(load, "DEFAULT_FILE", file.parent / "missing.toml")
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.stdout) == (
        0,
        "ok: no configuration file, so the defaults: 0 receivers, 0 exporters, 2 parsers, 1 rule\n",
    )
