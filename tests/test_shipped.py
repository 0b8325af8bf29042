"""Where the shipped parsers and rules are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from logagent import shipped
from logagent.errors import UnreachableError


def test_a_checkout_has_the_shipped_files_at_its_top() -> None:
    top = Path(__file__).parents[1]
    assert shipped.parser_files() == sorted((top / "parsers").glob("*.toml"))
    assert shipped.rule_files() == sorted((top / "rules").glob("*.toml"))


def test_an_installed_package_has_them_inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "logagent"
    for kind in ("parsers", "rules"):
        for directory in (package / "_shipped" / kind, tmp_path / kind):
            directory.mkdir(parents=True)
            (directory / "b.toml").touch()
            (directory / "a.toml").touch()
            (directory / "notes.md").touch()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert shipped.parser_files() == [package / "_shipped/parsers" / name for name in ("a.toml", "b.toml")]
    assert shipped.rule_files() == [package / "_shipped/rules" / name for name in ("a.toml", "b.toml")]


def test_an_installation_that_lost_them_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "logagent")
    with pytest.raises(UnreachableError, match="shipped rules are missing") as caught:
        shipped.rule_files()
    assert (caught.value.exit_code, caught.value.hint) == (3, "install logagent again")
