"""Types of options that refer to the world: paths, globs, addresses, regular expressions, headers."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, Strict, ValidationInfo

from logagent.model import Scalar
from logagent.patterns import PatternError, compile_pattern
from logagent.settings.values import Kind, custom_error
from logagent.zones import zone_of

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""RFC 9110, section 5.6.2: a token."""
_LARGEST_PORT = 65_535


def base_directory(info: ValidationInfo) -> Path:
    """What relative paths are relative to: the directory of the configuration file, as the loader passes it."""
    return Path(info.context["directory"]) if info.context else Path.cwd()


def _require_text(value: str) -> str:
    if not value or "\0" in value:
        raise custom_error("an empty path", "the path of a file or directory")
    return value


def _absolute_path(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    joined = base_directory(info) / Path(_require_text(value)).expanduser()
    return Path(os.path.normpath(joined))


def _absolute_path_or_none(value: Any, info: ValidationInfo) -> Any:
    return None if value == "" else _absolute_path(value, info)


def _absolute_glob(value: str, info: ValidationInfo) -> str:
    expanded = os.path.expanduser(_require_text(value))  # noqa: PTH111 - Path would normalise the pattern
    if os.path.isabs(expanded):  # noqa: PTH117 - the same
        return os.path.normpath(expanded)
    return os.path.normpath(os.path.join(glob.escape(str(base_directory(info))), expanded))  # noqa: PTH118 - the same


def _absolute_unless_name(value: str, info: ValidationInfo) -> str:
    return _absolute_glob(value, info) if "/" in value or not value else value


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9464`` or ``[::1]:9464``. Raises ValueError where it is neither."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed) or any(character.isspace() for character in host):
        raise ValueError(address)
    if not (port.isascii() and port.isdigit()) or int(port) > _LARGEST_PORT:
        raise ValueError(address)
    return host[1:-1] if bracketed else host, int(port)


def _check_address(value: str) -> str:
    try:
        if value:
            split_address(value)
    except ValueError:
        raise custom_error("not an address", 'host and port, for example "127.0.0.1:9464", or "" for none') from None
    return value


def _check_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in value):
        raise custom_error("not a URL", 'a URL such as "http://127.0.0.1:4318"')
    return value


def _check_zone(value: str) -> str:
    try:
        zone_of(value)
    except ValueError:
        raise custom_error("an unknown time zone", "local, UTC, +02:00 or an IANA name such as Europe/Berlin") from None
    return value


def _check_regex(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        said = str(error) if isinstance(error, re.error) else "too large"
        raise custom_error(
            f"not a regular expression: {said}",
            "single quotes around it, and a backslash before characters meant literally",
        ) from None
    try:
        compile_pattern(value)
    except PatternError as error:
        raise custom_error(str(error), error.hint) from None
    return value


def _check_header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise custom_error("not a header's name", 'letters, digits and dashes, for example "X-Api-Key"')
    return name


def _check_header_value(value: SecretStr) -> SecretStr:
    if any(ord(character) < ord(" ") and character != "\t" for character in value.get_secret_value()):
        raise custom_error("a header's value with control characters", "the value on one line")
    return value


def _check_scalar(value: Any) -> Any:
    if not isinstance(value, str | bool | int | float):
        raise custom_error("not a string, number or boolean", 'text in double quotes, for example "eu-west-1"')
    return value


PathOption = Annotated[Path, BeforeValidator(_absolute_path), Kind("path")]
"""A path, absolute once loaded."""

OptionalPath = Annotated[Path | None, BeforeValidator(_absolute_path_or_none), Kind("path")]
"""A path, absolute once loaded; None for the empty text."""

Glob = Annotated[str, AfterValidator(_absolute_glob), Kind("glob")]
"""A pattern with ``*``, ``?``, ``[…]`` and ``**``, absolute once loaded."""

ExcludeGlob = Annotated[str, AfterValidator(_absolute_unless_name), Kind("glob")]
"""The same, but a pattern without a slash stays one: it is compared with the file's name only."""

Globs = Annotated[tuple[Glob, ...], Strict(strict=False)]
ExcludeGlobs = Annotated[tuple[ExcludeGlob, ...], Strict(strict=False)]
Texts = Annotated[tuple[str, ...], Strict(strict=False)]

Address = Annotated[str, AfterValidator(_check_address), Kind("address")]
"""``host:port``, or empty for none."""

Url = Annotated[str, AfterValidator(_check_url), Kind("URL")]

ZoneName = Annotated[str, AfterValidator(_check_zone), Kind("time zone")]

Regex = Annotated[str, AfterValidator(_check_regex), Kind("regular expression")]
Regexes = Annotated[tuple[Regex, ...], Strict(strict=False)]

Headers = Annotated[
    dict[Annotated[str, AfterValidator(_check_header_name)], Annotated[SecretStr, AfterValidator(_check_header_value)]],
    Kind("table of secret strings", secret=True),
]
"""HTTP header name -> value; the values never show."""

ResourceAttributes = Annotated[
    dict[str, Annotated[Scalar, BeforeValidator(_check_scalar)]], Kind("table of strings, numbers and booleans")
]
