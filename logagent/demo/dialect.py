"""The sample application's log file: JSON objects in the AutoForgeNexus shape, uvicorn's text lines between them."""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROTATE_BYTES = 400_000
"""Reached in less than a minute, so that a demonstration shows a rotation."""
ROTATED_FILES = 3
ACCESS = logging.getLogger("uvicorn.access")
SERVER = logging.getLogger("uvicorn.error")


class DialectFormatter(logging.Formatter):
    """One JSON object per record, keys in the order in which python-json-logger writes them; uvicorn's records as text.

    ``asctime`` is local time with milliseconds after a comma, as the standard library writes it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, or of uvicorn's tracebacks the lines, without the last end."""
        if record.name.startswith("uvicorn"):
            trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
            return f"{record.levelname + ':':<10}{record.getMessage()}{trace}"
        line: dict[str, object] = {
            "asctime": self.formatTime(record),
            "name": record.name,
            "levelname": record.levelname,
            "message": record.getMessage(),
            "pathname": record.pathname,
            "lineno": record.lineno,
            "funcName": record.funcName,
            "process": record.process,
            "thread": record.thread,
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        for extra in ("context", "metric"):
            if extra in record.__dict__:
                line[extra] = record.__dict__[extra]
        return json.dumps(line, default=str)


def open_log(path: Path, rotate_bytes: int = ROTATE_BYTES) -> logging.Handler:
    """Send the application's loggers to a file that is renamed and begun anew when it is full; gives the handler."""
    handler = RotatingFileHandler(path, maxBytes=rotate_bytes, backupCount=ROTATED_FILES, encoding="utf-8")
    handler.setFormatter(DialectFormatter())
    for name in ("autoforgenexus", "uvicorn"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Undo ``open_log``."""
    for name in ("autoforgenexus", "uvicorn"):
        logging.getLogger(name).removeHandler(handler)
    handler.close()
