"""The package as it is installed: built, put into a fresh environment without the checkout, and used there."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_TOP = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("wheel")  # one worker builds it, once


@dataclass(frozen=True)
class Installation:
    """A fresh environment that holds the wheel and what the wheel says it needs."""

    directory: Path
    elsewhere: Path

    @property
    def package(self) -> Path:
        return next(self.directory.glob("lib/python*/site-packages/logagent"))

    def run(self, program: str, *arguments: str, code: int = 0) -> str:
        result = subprocess.run(
            [str(self.directory / "bin" / program), *arguments],
            cwd=self.elsewhere,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.elsewhere)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, and the wheel that was built from it alone."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory), str(_TOP)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return directory


@pytest.fixture(scope="module")
def installation(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=False, symlinks=True)
    wheel = next(distributions.glob("*.whl"))
    install = [sys.executable, "-m", "pip", "--python", str(directory), "install", "--no-index", "--no-deps"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True, timeout=300)
    site = next(directory.glob("lib/python*/site-packages"))
    metadata = next(site.glob("logagent-*.dist-info"))
    for name in _needed(importlib.metadata.Distribution.at(metadata)):
        _link(importlib.metadata.distribution(name), site)
    return Installation(directory, tmp_path_factory.mktemp("elsewhere"))


def _needed(distribution: importlib.metadata.Distribution) -> set[str]:
    """Names of all that a distribution needs here, and of all that these need."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        for requirement in map(Requirement, waiting.pop().requires or []):
            name = canonicalize_name(requirement.name)
            if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                found.add(name)
                waiting.append(importlib.metadata.distribution(name))
    return found


def _link(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """Makes an installed distribution, and nothing beside it, known to another environment."""
    for file in distribution.files or []:
        if ".." not in file.parts and "__pycache__" not in file.parts:
            link = site / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(distribution.locate_file(file))))


def _digests(directory: Path, pattern: str) -> dict[str, str]:
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob(pattern))
        if file.is_file()
    }


def test_the_program_runs_from_the_wheel_and_not_from_the_checkout(installation: Installation) -> None:
    where = installation.run("python", "-c", "import logagent; print(logagent.__file__)").strip()
    assert Path(where).is_relative_to(installation.directory)
    assert installation.run("logagent", "--version").startswith("logagent ")


def test_check_finds_every_shipped_parser_and_rule_from_another_directory(installation: Installation) -> None:
    (installation.elsewhere / "logagent.toml").write_text('[receivers.app]\ntype = "filelog"\ninclude = ["*.log"]\n')
    report = json.loads(installation.run("logagent", "check", "-c", "logagent.toml", "--json"))
    rules = "".join(file.read_text() for file in (_TOP / "rules").glob("*.toml"))
    assert report["problems"] == []
    assert report["parsers"] == len(list((_TOP / "parsers").glob("*.toml"))) > 0
    assert report["rules"] == sum(rules.count(f"\n[[{table}]]") for table in ("metric", "alert", "budget", "slo")) > 0


@pytest.mark.parametrize("kind", ["parsers", "rules"])
def test_the_shipped_files_are_those_of_the_repository(installation: Installation, kind: str) -> None:
    shipped = _digests(installation.package / "_shipped" / kind, "*.toml")
    assert shipped == _digests(_TOP / kind, "*.toml")
    assert shipped


def test_every_file_of_the_package_is_in_the_wheel_and_the_page_with_it(installation: Installation) -> None:
    for pattern in ("*.py", "static/*", "py.typed"):
        wanted = _digests(_TOP / "logagent", pattern)
        installed = {
            path: digest
            for path, digest in _digests(installation.package, pattern).items()
            if not path.startswith("_shipped/")
        }
        assert installed == wanted
        assert wanted


def test_the_service_files_the_documents_and_the_licence_come_with_it(installation: Installation) -> None:
    share = installation.directory / "share"
    assert _digests(share / "logagent" / "systemd", "*") == _digests(_TOP / "systemd", "*")
    assert _digests(share / "doc" / "logagent", "*.md") == _digests(_TOP / "docs", "*.md")
    metadata = next(installation.package.parent.glob("logagent-*.dist-info"))
    assert (metadata / "licenses" / "LICENSE").read_bytes() == (_TOP / "LICENSE").read_bytes()


def test_lines_become_spans_with_nothing_but_what_the_wheel_needs(installation: Installation) -> None:
    line = '{"asctime": "2026-11-22 09:00:00,000", "levelname": "INFO", "name": "src.x", "message": "%s", "request_id": "r1"}'
    log = installation.elsewhere / "app.log"
    log.write_text("".join(f"{line % message}\n" for message in ("Request started", "Request completed")))
    (installation.elsewhere / "once.toml").write_text(
        '[state]\ndir = "state"\n'
        '[receivers.app]\ntype = "filelog"\ninclude = ["*.log"]\nstart_at = "beginning"\nparser = "python-json-logger"\n'
        '[exporters.prometheus]\nlisten = ""\ntextfile = "metrics.prom"\n'
        '[exporters.file]\npath = "out.ndjson"\n'
    )
    summary = json.loads(installation.run("logagent", "run", "--once", "-c", "once.toml"))
    assert (summary["lines"], summary["spans"], summary["dropped"]) == (2, 1, 0)
    assert "http_requests_total" in (installation.elsewhere / "metrics.prom").read_text()


def test_the_page_is_served_from_the_wheel(installation: Installation) -> None:
    show = "from importlib.resources import files; print((files('logagent.web') / 'static' / 'index.html').read_text())"
    assert installation.run("python", "-c", show) == (_TOP / "logagent/web/static/index.html").read_text() + "\n"
