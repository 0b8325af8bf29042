"""``logagent export``: what people and scripts see of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from logagent.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULES = """
[[alert]]
name = "Slow"
kind = "event"
from = "request"
where = "duration > 1s"

[[slo]]
name = "Availability"
bad = "error"
objective = 99
low_traffic = "none"
summary = "{{ value }} times too fast"
"""


@pytest.fixture
def export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "logagent.toml").write_text('[receivers.stdin]\n[rules]\nshipped = []\npaths = ["rules.toml"]\n')

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["logagent", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_rules_are_written_with_a_warning_of_what_stays_with_logagent(
    export: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = export("prometheus-rules", "-o", tmp_path / "new" / "rules", "-c", tmp_path / "logagent.toml")
    file = tmp_path / "new" / "rules" / "logagent.rules.yml"
    assert (code, out) == (0, f"wrote {file}\n1 rules for Prometheus to decide, 1 that logagent decides\n")
    assert err == "warning: Slow: decided in logagent, all groups as one: Prometheus has no such kind of rule\n"
    assert '- alert: "Availability"' in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == ["logagent.rules.yml"]


def test_a_report_for_programs_is_one_json_object(export: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = export("prometheus-rules", "-o", tmp_path, "-c", tmp_path / "logagent.toml", "--json")
    report = json.loads(out)
    assert (code, err, report["kind"]) == (0, "", "prometheus-rules")
    assert report["files"] == [str(tmp_path / "logagent.rules.yml")]
    assert len(report["warnings"]) == 1


def test_dashboards_and_schemas_are_three_files_each(
    export: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    assert export("grafana", "-o", tmp_path / "boards", "-c", tmp_path / "logagent.toml")[0] == 0
    assert export("schema", "-o", tmp_path / "schemas")[0] == 0
    written = sorted(path.name for name in ("boards", "schemas") for path in (tmp_path / name).iterdir())
    assert written == [
        *("logagent-cost.json", "logagent-parser.schema.json", "logagent-rules.schema.json", "logagent-slo.json"),
        *("logagent-system.json", "logagent.schema.json"),
    ]
    for name in ("boards", "schemas"):
        for path in (tmp_path / name).iterdir():
            json.loads(path.read_text())


def test_other_rules_can_stand_in_for_the_configured_ones(
    export: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text(RULES.replace("Availability", "Mine"))
    code, _, _ = export(
        "prometheus-rules", "-o", tmp_path, "-c", tmp_path / "logagent.toml", "--rules", tmp_path / "own"
    )
    text = (tmp_path / "logagent.rules.yml").read_text()
    assert code == 0
    assert '"Mine"' in text
    assert "Availability" not in text


def test_the_same_rules_are_written_the_same(export: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for name in ("first", "second"):
        for kind in ("prometheus-rules", "grafana", "schema"):
            assert export(kind, "-o", tmp_path / name, "-c", tmp_path / "logagent.toml")[0] == 0
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()


def test_a_mistake_in_the_rules_is_told_and_nothing_is_written(
    export: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(RULES.replace("objective = 99", "objective = 100"))
    code, out, err = export("prometheus-rules", "-o", tmp_path / "new", "-c", tmp_path / "logagent.toml")
    assert (code, out) == (2, "")
    assert "slo[0].objective" in err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("arguments", [("prometheus-rules",), ("graphite", "-o", "x"), ()])
def test_wrong_usage_ends_with_2(export: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...]) -> None:
    assert export(*arguments)[0] == 2


def test_a_place_that_cannot_be_written_is_one_line_and_leaves_nothing_behind(
    export: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    code, _, err = export("schema", "-o", tmp_path / "file")
    assert code == 3
    assert "cannot be written: " in err
    (tmp_path / "out" / "logagent.schema.json").mkdir(parents=True)
    assert export("schema", "-o", tmp_path / "out")[0] == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["logagent.schema.json"]


def test_rules_that_are_not_there_end_with_3(export: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "empty"):
        code, _, err = export("grafana", "-o", tmp_path, "-c", tmp_path / "logagent.toml", "--rules", path)
        assert (code, "error: " in err) == (3, True)


def test_the_help_shows_each_example_on_a_line_of_its_own(export: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = export("--help")
    assert code == 0
    assert "\n    logagent export schema -o ~/.local/share/logagent\n" in out
