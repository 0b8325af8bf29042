"""Where the parsers and rules are that come with the program."""

from __future__ import annotations

from pathlib import Path

from logagent.errors import UnreachableError

_PACKAGE = Path(__file__).resolve().parent


def parser_files() -> list[Path]:
    """The shipped parser definitions, by name. Raises UnreachableError where the installation lost them."""
    return _files("parsers")


def rule_files() -> list[Path]:
    """The shipped rule files, by name. Raises UnreachableError where the installation lost them."""
    return _files("rules")


def _files(kind: str) -> list[Path]:
    """The wheel has them inside the package, a checkout beside it."""
    for directory in (_PACKAGE / "_shipped" / kind, _PACKAGE.parent / kind):
        files = sorted(directory.glob("*.toml"))
        if files:
            return files
    raise UnreachableError(f"the shipped {kind} are missing from {_PACKAGE}", "install logagent again")
