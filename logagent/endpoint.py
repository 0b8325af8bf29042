"""Request paths → route templates (``/prompts/7f3a…`` → ``/prompts/{id}``), so that a label has few values."""

from __future__ import annotations

import re

_MAX_SEGMENTS = 12
_MAX_LENGTH = 200
_MAX_CACHED = 4_096
_MAX_CACHED_LENGTH = 512

_IDENTIFIER = re.compile(
    r"""
    [0-9]+                                                                   # a number
    |[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}                    # a UUID
    |(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}                                       # a long hexadecimal number
    |[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}                                # a ULID
    """,
    re.VERBOSE,
)
_MANY_DIGITS = 6

_templates: dict[str, str] = {}


def endpoint(path: str) -> str:
    """Give the template of a path: ids become ``{id}``, the query string goes; at most 12 segments and 200 characters.

    An id is a number, a UUID, a ULID, a hexadecimal number of 8 or more digits, or anything with 6 or more decimal digits.
    """
    known = _templates.get(path)
    if known is not None:
        return known
    template = _template(path)
    if len(path) <= _MAX_CACHED_LENGTH:
        if len(_templates) >= _MAX_CACHED:
            _templates.clear()
        _templates[path] = template
    return template


def _template(path: str) -> str:
    bare = path[: 4 * _MAX_LENGTH].partition("?")[0].partition("#")[0]
    segments = bare.split("/", _MAX_SEGMENTS + 1)
    if len(segments) > _MAX_SEGMENTS + 1:
        segments[-1] = "…"
    return "/".join(map(_segment, segments))[:_MAX_LENGTH]


def _segment(segment: str) -> str:
    if _IDENTIFIER.fullmatch(segment) or sum(map(str.isdecimal, segment)) >= _MANY_DIGITS:
        return "{id}"
    return segment
