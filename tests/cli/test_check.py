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
from logagent.settings.components import Exporter
from logagent.settings.schema import component_types

if TYPE_CHECKING:
    from pathlib import Path

Check = Callable[..., Result]

_SIX_MISTAKES = """\
[service]
nmae = "shop"

[receivers.app]
type = "filelog"
include = ["logagent.*"]
start_at = "begining"

[exporters.otlp]
timeout = 30
headers = { Authorization = "Bearer ${SHOP_TOKEN}" }

[exporters.langfus]

[limits]
open_spans = "many"
"""

_SIX_PROBLEMS = """\
error: {file}:2:1: service.nmae: unknown option "nmae"
  did you mean `name`?
error: {file}:7:1: receivers.app.start_at: not "end" or "beginning": "begining"
  did you mean `beginning`?
error: {file}:10:1: exporters.otlp.timeout: a duration needs a unit: 30
  try: "30s" for seconds or "30ms" for milliseconds
error: {file}:11: exporters.otlp.headers.Authorization: the environment has no variable SHOP_TOKEN
  try: set SHOP_TOKEN before starting, or write $${{SHOP_TOKEN}} for the text itself
error: {file}:13: exporters.langfus.type: unknown exporter type "langfus"; known: {types}
  try: type = "file" or another of the known types
error: {file}:16:1: limits.open_spans: expected an integer, found a string
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
            return SimpleNamespace(parsers=["a", "b"], metrics=["c"], rules=["d"], files=())

        monkeypatch.setattr(check, "load_catalog", load_catalog)
        monkeypatch.delenv("SHOP_TOKEN", raising=False)
        file.write_text(text)
        return CliRunner().invoke(main, ["check", "-c", str(file), *arguments])

    return run_check


def test_six_mistakes_are_six_problems_in_one_go_each_with_what_to_try(run_check: Check, file: Path) -> None:
    result = run_check(_SIX_MISTAKES)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == _SIX_PROBLEMS.format(file=file, types=", ".join(sorted(component_types(Exporter))))


def test_problems_of_parsers_and_rules_come_with_those_of_the_configuration(run_check: Check) -> None:
    result = run_check("[receivers.stdin]\n[limits]\nlne = 1\n", catalog_problems=(_CATALOG_PROBLEM,))
    assert result.exit_code == 2
    assert 'unknown option "lne"\n  did you mean `line`?\n' in result.stderr
    assert "error: rules.d/a.toml:2: metric[0]: unknown field\n  try: duration\n2 problems\n" in result.stderr


def test_a_configuration_without_mistakes_is_counted(run_check: Check, file: Path) -> None:
    result = run_check("[receivers.stdin]\n[exporters.prometheus]\n[exporters.otlp]\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"ok: {file}: 1 receiver, 2 exporters, 2 parsers, 2 rules\n"


def test_json_has_every_problem_with_its_parts(run_check: Check, file: Path) -> None:
    result = run_check(_SIX_MISTAKES, "--json", catalog_problems=(_CATALOG_PROBLEM,))
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, report["ok"], report["file"]) == (2, "", False, str(file))
    assert len(report["problems"]) == 7
    assert report["problems"][0] == {
        "file": str(file),
        "line": 2,
        "column": 1,
        "key": "service.nmae",
        "message": 'unknown option "nmae"',
        "hint": "did you mean `name`?",
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
        "rules": 2,
        "problems": [],
        "warnings": [],
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
        f"error: {file}.missing: there is no such file\n  try: the path of an existing file\n1 problem\n"
    )


def test_without_a_file_the_defaults_are_checked(run_check: Check, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    run_check("")
    monkeypatch.setattr(load, "DEFAULT_FILE", file.parent / "missing.toml")
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.stdout) == (
        0,
        "ok: no configuration file, so the defaults: 0 receivers, 0 exporters, 2 parsers, 2 rules\n",
    )


_EVERYTHING_WRONG = {
    "logagent.toml": """\
[receivers.app]
type = "filelog"
include = ["app.log"]
start_at = "begining"

[limits]
line = "1 Mib

[rules]
paths = ["rules/*.toml"]
[parsers]
paths = ["parsers/*.toml"]
""",
    "rules/a-broken.toml": "version = 1\n[[alert]\n",
    "rules/b.toml": """\
version = 1

[[metric]]
name = "slow_total"
type = "counter"
help = "Slow queries"
from = "query"
where = "duration >> 1s"
by = { kind = "kind", table = "db.collection.name +" }

[[alert]]
name = "Slow"
kind = "event"
from = "log"
where = 'body == "x" and level == "wran"'
severity = "warning"
sumary = "x"
""",
    "parsers/own.toml": """\
version = 1
name = "own"
description = "Mine"
format = "json"

[match]
where = 'event == "done" and and'

[record]
bodi = ["msg"]
""",
    "parsers/time.toml": """\
version = 1
name = "own2"
description = "Mine"
format = "json"

[match]
where = 'event = "done"'

[record.time]
field = "t"
zone = "Mars/Olympus"
""",
}


def _write_all(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    (directory / "app.log").touch()
    return directory / "logagent.toml"


def test_mistakes_of_settings_parsers_rules_and_expressions_come_in_one_go_each_with_line_and_hint(
    tmp_path: Path,
) -> None:
    config = _write_all(tmp_path, _EVERYTHING_WRONG)
    result = CliRunner().invoke(main, ["check", "--json", "-c", str(config)])
    found = json.loads(result.stdout)["problems"]
    assert result.exit_code == 2
    assert all(item["line"] and item["hint"] and item["message"] for item in found), found
    places = {(item["file"].removeprefix(f"{tmp_path}/"), item["line"], item["column"], item["key"]) for item in found}
    assert places >= {
        ("logagent.toml", 4, 1, "receivers.app.start_at"),
        ("logagent.toml", 7, 14, ""),
        ("rules/b.toml", 8, 19, "metric[0].where"),
        ("rules/b.toml", 9, 51, "metric[0].by.table"),
        ("rules/b.toml", 15, 35, "alert[0].where"),
        ("rules/b.toml", 17, 1, "alert[0].sumary"),
        ("parsers/own.toml", 10, 1, "record.bodi"),
        ("parsers/time.toml", 7, 16, "match.where"),
        ("parsers/time.toml", 11, 1, "record.time.zone"),
    }
    assert ("rules/a-broken.toml", 2) in {place[:2] for place in places}


def test_the_people_s_form_of_an_expression_s_mistake_points_at_its_column_in_the_file(tmp_path: Path) -> None:
    config = _write_all(tmp_path, _EVERYTHING_WRONG)
    said = CliRunner().invoke(main, ["check", "-c", str(config)]).stderr
    assert f"error: {tmp_path}/rules/b.toml:15:35: alert[0].where: `wran` is no level\n  did you mean `WARN`?\n" in said
    assert "try: did you mean" not in said


def test_a_pattern_that_matches_nothing_is_warned_of_and_the_exit_code_stays_0(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    files = {
        "logagent.toml": '[receivers.app]\ntype = "filelog"\ninclude = ["app.log", "*.txt"]\n'
        '[rules]\npaths = ["rules/*.toml", "ruels/*.toml"]\n'
    }
    config = _write_all(tmp_path, files)
    result = CliRunner().invoke(main, ["check", "-c", str(config)])
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: ")
    assert [line for line in result.stderr.splitlines() if not line.startswith("  ")] == [
        f"warning: {config}:3: receivers.app.include[1]: no file matches {tmp_path}/*.txt",
        f"warning: {config}:5: rules.paths[1]: no file matches {tmp_path}/ruels/*.toml",
    ]
    report = json.loads(CliRunner().invoke(main, ["check", "--json", "-c", str(config)]).stdout)
    assert report["ok"] is True
    assert [(item["line"], item["key"]) for item in report["warnings"]] == [
        (3, "receivers.app.include[1]"),
        (5, "rules.paths[1]"),
    ]


def test_a_pattern_all_of_whose_files_are_excluded_is_warned_of(tmp_path: Path) -> None:
    files = {"logagent.toml": '[receivers.app]\ntype = "filelog"\ninclude = ["app.*"]\nexclude = ["*.log"]\n'}
    result = CliRunner().invoke(main, ["check", "-c", str(_write_all(tmp_path, files))])
    assert result.exit_code == 0
    assert "exclude leaves out every file that" in result.stderr


def test_a_pattern_that_came_through_a_reference_is_shown_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    files = {"logagent.toml": '[receivers.app]\ntype = "filelog"\ninclude = ["/${SECRET}/*.log"]\n'}
    result = CliRunner().invoke(main, ["check", "-c", str(_write_all(tmp_path, files))])
    assert "no file matches /${SECRET}/*.log" in result.stderr
    assert "s3cret" not in result.output


def test_mistakes_in_the_tests_of_rules_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[[test]]\nname = "x"\nexpect = [{ at = "1 minute", alert = "A", state = "firing" }]\n'
    )
    config = tmp_path / "logagent.toml"
    config.write_text('[receivers.stdin]\n[rules]\npaths = ["own.toml"]\n')
    result = CliRunner().invoke(main, ["check", "-c", str(config)])
    assert result.exit_code == 2
    assert "own.toml:3:" in result.output
    assert "test[0].expect[0].at: not a duration" in result.output
