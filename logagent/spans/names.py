"""What a log is called through its rotations."""

from __future__ import annotations

import re

_ROTATION = re.compile(
    r"(?:\.log(?:[.\-_]\d[\d.\-_T:]*)?|[.\-_]\d{4}[\d.\-_T:]{4,}|\.\d{1,4}(?!\.log))?(?:\.(?:gz|old|bak|log))*$"
)
"""A number after the name, a date before or after ``.log``; ``worker-1.log`` and ``worker-2.log`` are two logs."""


def stem(source: str) -> str:
    """A log's name without what rotation adds to it."""
    return _ROTATION.sub("", source) or source
