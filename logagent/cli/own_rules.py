"""Commands that take rules of their own in place of the configured ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from logagent.settings import Settings


def rule_files_at(path: Path) -> list[Path]:
    """A rule file, or the files below a directory. Raises UnreachableError where there is neither."""
    if not path.exists():
        raise UnreachableError(f"{path} does not exist", "a rule file or a directory of them")
    return sorted(path.rglob("*.toml")) if path.is_dir() else [path]


def with_rules(settings: Settings, files: Iterable[Path]) -> Settings:
    """The settings with the rules of these files alone."""
    own = settings.rules.model_copy(update={"shipped": [], "paths": [str(file.absolute()) for file in files]})
    return settings.model_copy(update={"rules": own})
