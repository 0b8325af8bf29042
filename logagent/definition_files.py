"""TOML files of definitions: which there are, and what stands in them."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from logagent.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def own_files(patterns: Iterable[str]) -> list[Path]:
    """The operator's files. One that is named without a wildcard must be there: a typing error would drop its rules."""
    return [
        Path(path)
        for pattern in patterns
        for path in (sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern])  # noqa: PTH207 - the patterns are absolute
    ]


def decoded(files: Iterable[Path], problems: list[Problem]) -> list[tuple[Path, Mapping[str, Any]]]:
    """The decoded files; those that cannot be read or decoded become problems."""
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for file in files:
        try:
            found.append((file, tomli.loads(file.read_text(encoding="utf-8"))))
        except OSError as error:
            reason = error.strerror or "unreadable"
            problems.append(
                Problem(str(file), "", f"cannot be read: {reason}", "a file that the agent's user may read")
            )
        except UnicodeDecodeError:
            problems.append(Problem(str(file), "", "is not UTF-8", "save the file as UTF-8"))
        except tomli.TOMLDecodeError as error:
            problems.append(Problem(str(file), f"line {error.lineno}", f"no TOML: {error.msg}", "see https://toml.io"))
        except RecursionError:
            problems.append(Problem(str(file), "", "is nested too deeply", "a few levels of tables and lists"))
        except ValueError:  # an integer of more digits than Python converts
            problems.append(Problem(str(file), "", "holds a number that is too large", "at most 64 bits"))
    return found
