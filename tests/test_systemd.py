"""The service's files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tomli
from click.testing import CliRunner

from logagent.cli import main
from logagent.settings import read_settings

_DIRECTORY = Path(__file__).parents[1] / "systemd"
_UNIT = (_DIRECTORY / "logagent.service").read_text()

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


def _options_of_unit() -> dict[str, str]:
    lines = [line for line in _UNIT.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_check_accepts_the_default_configuration() -> None:
    result = CliRunner().invoke(main, ["check", "-c", str(_DIRECTORY / "logagent.toml")])
    assert result.exit_code == 0, result.output


def test_every_option_that_the_default_configuration_shows_in_a_comment_exists(tmp_path: Path) -> None:
    text = (_DIRECTORY / "logagent.toml").read_text()
    file = tmp_path / "logagent.toml"
    file.write_text("\n".join(_uncommented(line) for line in text.splitlines()))
    tomli.loads(file.read_text())
    _, problems = read_settings(file, {"OTLP_TOKEN": "x"})
    assert problems == []


def _uncommented(line: str) -> str:
    return line.removeprefix("# ") if re.match(r"# (\[|\w+ = )", line) else line


def test_the_service_has_its_own_user_that_may_read_logs() -> None:
    options = _options_of_unit()
    assert (options["User"], options["Group"]) == ("logagent", "logagent")
    assert options["SupplementaryGroups"].split() == ["adm", "systemd-journal"]
    assert "u logagent " in (_DIRECTORY / "logagent.sysusers").read_text()


def test_the_service_checks_its_configuration_first_and_is_started_again() -> None:
    options = _options_of_unit()
    assert options["ExecStartPre"].startswith("logagent check ")
    assert (options["Restart"], options["StateDirectory"]) == ("always", "logagent")


@needs_systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "logagent.service"
    unit.write_text(_UNIT.replace("=logagent check", "=/bin/true check").replace("=logagent run", "=/bin/true run"))
    result = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
def test_systemd_finds_the_unit_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / "logagent.service"
    unit.write_text(_UNIT)
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout
