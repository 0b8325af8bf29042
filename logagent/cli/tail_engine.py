"""What is behind ``tail``: the agent's own pipeline, without ledger and exporters."""

from __future__ import annotations

import dataclasses
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from logagent.catalog import load_catalog
from logagent.cli.tail_files import RECEIVER
from logagent.cli.tail_open import STDIN
from logagent.cli.terminal import is_tty
from logagent.errors import LogagentError
from logagent.pipeline import build_pipeline
from logagent.receivers.discovery import Patterns
from logagent.settings import load_settings
from logagent.settings.components import FilelogSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from logagent.cli.tail_run import Engine


class NothingToReadError(LogagentError):
    """No configured file."""

    exit_code = 2


def engine_maker(config: Path | None) -> Callable[[], Engine]:
    """What makes pipelines of a configuration, without its rules; of the default one, or none, where no path is given."""
    settings = load_settings(config, os.environ)
    catalog = dataclasses.replace(load_catalog(settings), metrics=(), rules=())
    return partial(build_pipeline, catalog, settings, receivers=[RECEIVER])


def tailed_paths(paths: Sequence[str], config: Path | None) -> list[str]:
    """What to read: the paths given, else a pipe's content, else the configuration's log files, else what is typed."""
    if paths:
        return list(dict.fromkeys(paths))
    if not config and not is_tty(sys.stdin):
        return [STDIN]
    found = [
        path
        for receiver in load_settings(config, os.environ).receivers.values()
        if isinstance(receiver, FilelogSettings)
        for path in Patterns(receiver.include, receiver.exclude).paths()
    ]
    if not found and config:
        raise NothingToReadError(f"no file matches the receivers of {config}", f"logagent check -c {config}")
    return found or [STDIN]
