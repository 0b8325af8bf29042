"""The repository as a whole: what may stand in it, how long its files are, what keeps it in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_TOP = Path(__file__).parents[1]
_MADE = {".git", ".venv", "build", "dist", "node_modules"}
_LONGEST = 600
_PROJECT = tomli.loads((_TOP / "pyproject.toml").read_text())
_LOCK = (_TOP / "requirements-dev.lock").read_text()


def _texts(*directories: str) -> dict[str, str]:
    """Path → content of the repository's own files, those that tools make left out."""
    found = {}
    for start in map(_TOP.joinpath, directories or [""]):
        for directory, names, files in os.walk(start):
            names[:] = [
                name for name in names if name not in _MADE and not re.search("_cache|__pycache__|^\\.[hb]", name)
            ]
            for file in map(Path(directory).joinpath, files):
                found[str(file.relative_to(_TOP))] = file.read_text(encoding="utf-8", errors="replace")
    return found


def _files_with(pattern: str, texts: dict[str, str]) -> list[str]:
    own = str(Path(__file__).relative_to(_TOP))
    return [path for path, text in texts.items() if path != own and re.search(pattern, text)]


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    places = [str(_TOP)]
    if len(_TOP.parent.parts) > 1 and _TOP.parent not in {Path("/tmp"), Path("/home"), Path("/root"), Path("/opt")}:
        places.append(f"{_TOP.parent}/")
    pattern = "|".join(rf"(?<![\w./-]){re.escape(place)}" for place in places)
    assert _files_with(pattern, _texts()) == []


def test_no_file_names_a_package_registry() -> None:
    assert _files_with(r"pypi\.org|pythonhosted\.org|debian\.org|npmjs\.|index-url|find-links +", _texts()) == [
        "Makefile"
    ]
    makefile = (_TOP / "Makefile").read_text()
    assert set(re.findall(r"\S*(?:index-url|find-links)\S*", makefile)) == {
        "--no-emit-index-url",
        "--no-emit-find-links",
    }


def test_nothing_is_left_to_do() -> None:
    found = _files_with(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", _texts("logagent", "tests", "benchmarks"))
    assert [path for path in found if not path.startswith("tests/data/")] == []


def test_no_file_of_the_package_is_too_long() -> None:
    assert [path for path, text in _texts("logagent").items() if text.count("\n") > _LONGEST] == []


def test_no_module_is_named_for_nothing_in_particular() -> None:
    vague = re.compile(r"/(utils?|common|misc|helpers?|types)(\.py$|/)")
    assert [path for path in _texts("logagent") if vague.search(path)] == []


@pytest.mark.parametrize("script", [".ci/run"])
def test_a_script_can_be_executed_and_is_valid(script: str) -> None:
    assert os.access(_TOP / script, os.X_OK)
    subprocess.run(["bash", "-n", script], cwd=_TOP, check=True)


def test_imports_keep_to_the_layers() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=_TOP, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def _pins() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", _LOCK, re.MULTILINE))


def test_the_lock_pins_every_declared_dependency_to_a_version_in_its_range() -> None:
    pins = _pins()
    declared = [*_PROJECT["project"]["dependencies"], *_PROJECT["dependency-groups"]["dev"]]
    for requirement in map(Requirement, [*declared, *_PROJECT["build-system"]["requires"]]):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_lock_has_hashes_for_every_package_and_for_the_wheels_of_all_platforms() -> None:
    entries = re.split(r"\n(?=[a-z0-9-]+==)", _LOCK.partition("\naiofiles==")[2])
    assert all("--hash=sha256:" in entry for entry in entries)
    for name in ("orjson", "pydantic-core", "watchfiles", "aiohttp"):
        entry = next(entry for entry in entries if entry.startswith(f"{name}=="))
        assert entry.count("--hash=sha256:") > 30, name
