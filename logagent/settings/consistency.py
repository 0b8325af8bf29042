"""What is wrong with options that are each well: two that want the same thing, or files of no use."""

from __future__ import annotations

import fnmatch
import ssl
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from logagent.settings.components import (
    FilelogSettings,
    FileSettings,
    OtlpSettings,
    PrometheusSettings,
    StdinSettings,
    WebhookSettings,
)
from logagent.settings.lines import Place

if TYPE_CHECKING:
    from logagent.errors import Problem
    from logagent.settings.models import Settings

_ALL_INTERFACES = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - compared with, not bound to


def inconsistencies(settings: Settings) -> Iterator[tuple[Place, Problem]]:
    """Each place with a problem that only shows beside another option."""
    for check in (_listeners, _written_files, _own_output, _certificates, _standard_input):
        for place, message, hint in check(settings):
            yield place, settings.problem(place, message, hint)


_Found = Iterator[tuple[Place, str, str]]


def _listeners(settings: Settings) -> _Found:
    taken: list[tuple[str, int, str]] = []
    for name, exporter in settings.exporters.items():
        address = exporter.address if isinstance(exporter, PrometheusSettings) else None
        if address is None or address[1] == 0:
            continue
        host, port = address
        rival = next((owner for other, used, owner in taken if used == port and _overlap(host, other)), None)
        if rival:
            message = f"exporters.{rival} already listens on port {port}"
            yield ("exporters", name, "listen"), message, 'another port, or listen = "" in one of the two'
        taken.append((host, port, name))


def _overlap(host: str, other: str) -> bool:
    return host == other or not _ALL_INTERFACES.isdisjoint((host, other))


def _outputs(settings: Settings) -> Iterator[tuple[Place, Path]]:
    for name, exporter in settings.exporters.items():
        if isinstance(exporter, FileSettings):
            yield ("exporters", name, "path"), exporter.path
        elif isinstance(exporter, PrometheusSettings) and exporter.textfile:
            yield ("exporters", name, "textfile"), exporter.textfile


def _written_files(settings: Settings) -> _Found:
    writers: dict[Path, str] = {}
    for place, path in _outputs(settings):
        writer = ".".join(map(str, place))
        if path in writers:
            yield place, f"{writers[path]} already writes to this file", "a file of its own for each exporter"
        writers.setdefault(path, writer)


def _own_output(settings: Settings) -> _Found:
    for place, path in _outputs(settings):
        for name, receiver in settings.receivers.items():
            if isinstance(receiver, FilelogSettings) and _reads(receiver, path):
                message = f"receivers.{name} would read what is written here, for ever"
                yield place, message, f"another directory, or this file in the exclude of receivers.{name}"


def _reads(receiver: FilelogSettings, path: Path) -> bool:
    included = any(_matches(path, glob) for glob in receiver.include)
    return included and not any(
        _matches(path, glob) if "/" in glob else fnmatch.fnmatchcase(path.name, glob) for glob in receiver.exclude
    )


def _matches(path: PurePath, glob: str) -> bool:
    """Whether a glob finds a path: ``**`` stands for any number of directories."""
    return _match_parts(path.parts, PurePath(glob).parts)


def _match_parts(parts: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return _match_parts(parts, globs[1:]) or (bool(parts) and _match_parts(parts[1:], globs))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], globs[0]) and _match_parts(parts[1:], globs[1:])


def _certificates(settings: Settings) -> _Found:
    for name, exporter in settings.exporters.items():
        if isinstance(exporter, OtlpSettings | WebhookSettings) and exporter.tls.model_fields_set:
            try:
                exporter.tls.context()
            except OSError as error:
                of_format = isinstance(error, ssl.SSLError)
                reason = "not PEM, encrypted or not a pair" if of_format else (error.strerror or "unreadable").lower()
                hint = "unencrypted PEM files that the agent may read"
                yield ("exporters", name, "tls"), f"these files are of no use: {reason}", hint


def _standard_input(settings: Settings) -> _Found:
    readers = [name for name, receiver in settings.receivers.items() if isinstance(receiver, StdinSettings)]
    for name in readers[1:]:
        yield (
            ("receivers", name),
            f"receivers.{readers[0]} already reads the standard input",
            "one receiver of type stdin",
        )
