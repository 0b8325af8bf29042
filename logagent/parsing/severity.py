"""Severity as loggers write it → OpenTelemetry's severity number (logs data model, appendix B)."""

from __future__ import annotations

from typing import Any

_NAMES = {
    "trace": 1, "finest": 1, "finer": 2, "verbose": 1, "trc": 1, "silly": 1,
    "debug": 5, "fine": 5, "dbg": 5, "config": 6, "http": 6,
    "info": 9, "information": 9, "informational": 9, "inf": 9, "default": 9, "success": 9, "log": 9,
    "notice": 10,
    "warn": 13, "warning": 13, "wrn": 13,
    "error": 17, "err": 17, "severe": 17, "exception": 17, "fail": 17, "failure": 17,
    "critical": 18, "crit": 18, "dpanic": 18, "panic": 21, "alert": 19, "emerg": 21, "emergency": 21,
    "fatal": 21, "ftl": 21,
}  # fmt: skip
_SYSLOG = {0: 21, 1: 19, 2: 18, 3: 17, 4: 13, 5: 10, 6: 9, 7: 5}
_TENS = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}
_PYTHON = {10: 5, 20: 9, 30: 13, 40: 17, 50: 18}


_LONGEST_NUMBER = 3
_HIGHEST = 24
"""FATAL4 of the logs data model."""


def severity_number(value: Any, numbers: str = "tens") -> int:
    """1 to 24, or 0 where the value is no severity.

    ``numbers`` says how a number is meant: ``tens`` (bunyan, pino), ``python`` (logging), ``syslog``, ``otel``.
    """
    if value.__class__ is str:
        text = value.strip().lower()
        if text.isdecimal() and len(text) <= _LONGEST_NUMBER:
            return severity_number(int(text), numbers)
        return _NAMES.get(text, 0)
    if value.__class__ is int:
        if numbers == "otel":
            return value if 0 <= value <= _HIGHEST else 0
        table = {"syslog": _SYSLOG, "python": _PYTHON}.get(numbers, _TENS)
        return table.get(value, 0)
    return 0
