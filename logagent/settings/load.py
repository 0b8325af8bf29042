"""From the configuration file to ``Settings``, or to everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from logagent.errors import ConfigurationError, Problem
from logagent.settings.consistency import inconsistencies
from logagent.settings.document import Document, read_document
from logagent.settings.lines import Place, line_of
from logagent.settings.models import Settings
from logagent.settings.problems import problems_of
from logagent.settings.substitution import Substitution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_FILE = Path("/etc/logagent/logagent.toml")
_SYSTEM_STATE_DIRECTORY = Path("/var/lib/logagent")


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of a configuration file; of the default file, if there is one, where no path is given.

    Raises ConfigurationError with every problem of the file.
    """
    settings, problems = read_settings(path, environment)
    if problems:
        raise ConfigurationError(problems)
    return settings


def read_settings(path: Path | None, environment: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """The settings as far as they can be told, and the problems: each option in error has its default."""
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    document = read_document(path) if path else Document("", {})
    directory = (path.parent if path else Path()).absolute()
    return _validate(document, directory, environment)


def default_state_directory(environment: Mapping[str, str]) -> Path:
    """``/var/lib/logagent`` as root, else below the XDG base directory for state (XDG Base Directory Specification)."""
    if os.geteuid() == 0:
        return _SYSTEM_STATE_DIRECTORY
    state_home = environment.get("XDG_STATE_HOME", "")
    if os.path.isabs(state_home):  # noqa: PTH117 - an empty text is no path
        return Path(state_home) / "logagent"
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".local/state/logagent"


def _validate(document: Document, directory: Path, environment: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    substitution = Substitution(environment, directory)
    data = substitution.apply(document.data)
    found: dict[Place, Problem] = {}
    for item in substitution.unresolved:
        found[item.place] = document.problem(item.place, item.message, item.hint)
    _remove(data, found)
    context = {"directory": directory, "document": document}
    while True:
        _set_state_directory(data, environment)
        try:
            settings = Settings.model_validate(data, context=context)
        except ValidationError as error:
            problems = problems_of(error, Settings, document)
            for place, problem in problems.items():
                missing_by_syntax = place[-1] in document.broken_keys and not _has(data, place)
                if not missing_by_syntax and not _told(place, found):
                    found[place] = problem
            _remove(data, problems)
        else:
            break
    found.update(inconsistencies(settings))
    if document.file and not document.data.get("receivers") and not document.problems:
        hint = 'a table [receivers.app] with type = "filelog" and include = ["/path/to/*.log"]'
        found["receivers",] = document.problem(("receivers",), "there is no receiver, so nothing would be read", hint)
    in_order = sorted(found.items(), key=lambda item: line_of(item[0], document.lines) or 0)
    return settings, [*document.problems, *(problem for _, problem in in_order)]


def _set_state_directory(data: dict[str, Any], environment: Mapping[str, str]) -> None:
    state = data.setdefault("state", {})
    if isinstance(state, dict):
        state.setdefault("dir", str(default_state_directory(environment)))


def _told(place: Place, found: Mapping[Place, Problem]) -> bool:
    """Whether a problem was told of the place, of something inside it or around it."""
    return any(place[: len(other)] == other[: len(place)] for other in found)


def _has(data: Any, place: Place) -> bool:
    for part in place:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def _remove(data: dict[str, Any], places: Iterable[Place]) -> None:
    """Take out the options at these places, so that the rest can be looked at; for one that is missing, its table."""
    options = {place[: _before_list(place)] for place in places}
    missing = {option[:-1] for option in options if not _has(data, option)}
    for place in options | missing:
        if not place:
            data.clear()
        elif _has(data, place):
            table = data
            for key in place[:-1]:
                table = table[str(key)]
            del table[str(place[-1])]


def _before_list(place: Place) -> int:
    return next((at for at, part in enumerate(place) if isinstance(part, int)), len(place))
