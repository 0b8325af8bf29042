"""``logagent replay``: history through the rules, in its own time."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from logagent.cli import main
from tests.webhook import hook

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = """
[[metric]]
name = "lines_total"
type = "counter"
help = "Lines."
from = "log"
by = { level = "level" }

[[alert]]
name = "Errors"
kind = "event"
from = "log"
where = 'level == "ERROR"'
by = ["logger"]
resolve_after = "5m"
summary = "{{ count }} errors"
"""


def line(minutes: float, level: str = "INFO", logger: str = "app") -> str:
    time = (BEGIN + timedelta(minutes=minutes)).isoformat()
    return json.dumps({"timestamp": time, "level": level, "logger": logger, "message": "hello"}) + "\n"


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two halves of a history, the older one compressed; the newer one is named first."""
    old, new = tmp_path / "app.log.1.gz", tmp_path / "app.log"
    old.write_bytes(gzip.compress((line(0) + line(1, "ERROR") + line(2)).encode()))
    new.write_text(line(3, "ERROR") + line(30, "ERROR") + line(40, "ERROR", "db"))
    return [new, old]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules.d"
    directory.mkdir()
    (directory / "own.toml").write_text(RULES)
    return directory


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_several_files_are_one_history_in_the_order_of_their_times(
    logs: list[Path], rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(*logs, "--rules", rules, "--json", capsys=capsys)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["lines"], told["records"]) == (6, 6)
    assert (told["from"], told["to"]) == ("2026-03-01T12:00:00.000Z", "2026-03-01T12:40:00.000Z")
    assert [(one["fired"][11:16], (one["resolved"] or "")[11:16], one["labels"], one["summary"]) for one in told["alerts"]] == [
        ("12:01", "12:08", {"logger": "app"}, "2 errors"),
        ("12:30", "12:35", {"logger": "app"}, "1 errors"),
        ("12:40", "", {"logger": "db"}, "1 errors"),
    ]  # fmt: skip


def test_people_see_alerts_budgets_and_metrics(
    logs: list[Path], rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(*logs, "--rules", rules, "--metrics", capsys=capsys)
    assert code == 0
    assert "3 alerts, 0 notifications" in out
    assert "2026-03-01 12:01:00  Errors{logger=app}  for 7 min 0 s" in out
    assert "2026-03-01 12:40:00  Errors{logger=db}  still firing at the end" in out
    assert 'lines_total{level="ERROR"} 4.0' in out


def test_the_shipped_rules_apply_where_none_are_named(logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(*logs, capsys=capsys)
    assert code == 0
    assert "LlmMonthlyBudget: 0 of 1000 USD" in out


def test_notifications_are_delivered_for_real_where_export_says_so(
    logs: list[Path],
    rules: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with hook() as (url, seen):
        config = tmp_path / "logagent.toml"
        config.write_text(f'[receivers.stdin]\n[exporters.hook]\ntype = "webhook"\nurl = "{url}"\n')
        code, out, err = run(*logs, "-c", config, "--rules", rules, "--export", "hook", "--json", capsys=capsys)
        assert (code, err) == (0, "")
        assert [one["reason"] for one in seen] == ["new", "resolved", "new", "resolved", "changed"]
        assert json.loads(out)["notifications"] == len(seen)
        assert run(*logs, "-c", config, "--rules", rules, "--json", capsys=capsys)[0] == 0
        assert len(seen) == 5


@pytest.fixture
def in_logs(logs: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(logs[0].parent)
    return logs[0].parent


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nothing.log"], 3, "nothing.log does not exist"),
        (["."], 3, ". is a directory"),
        (["app.log", "--export", "hok"], 2, "there is no exporter `hok`"),
        (["app.log", "--rules", "no.d"], 3, "no.d does not exist"),
        (["broken.gz"], 3, "broken.gz is damaged"),
    ],
)
def test_what_cannot_be_replayed_is_told(
    arguments: list[str], code: int, told: str, in_logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (in_logs / "broken.gz").write_bytes(gzip.compress(b"x" * 100)[:-12])
    ended, _, err = run(*arguments, capsys=capsys)
    assert (ended, told in err) == (code, True), err
