from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from logagent.cli import main

if TYPE_CHECKING:
    from pathlib import Path

Tail = Callable[..., subprocess.CompletedProcess[bytes]]

REQUEST = (
    b'"context": {"request_id": "813a2de0-b803-48d9-a2d1-3f336d140252", "timestamp": "2026-11-22T09:43:40.606370+00:00"'
)
LOGGER = b'"name": "autoforgenexus.observability", "levelname": "INFO", "process": 1'
LINES = [
    b'{"asctime": "2026-11-22 09:43:40,610", %b, "message": "Request started", %b, "method": "GET", "path": "/api/v1/prompts"}}'
    % (LOGGER, REQUEST),
    b'INFO:     127.0.0.1:1 - "GET /api/v1/prompts HTTP/1.1" 200 OK',
    b'{"asctime": "2026-11-22 09:43:40,618", %b, "message": "Request completed successfully", %b, "path": "/api/v1/prompts", '
    % (LOGGER, REQUEST)
    + b'"method": "GET", "status_code": 200, "duration_ms": 12.123}}',
    b'{"ts": "2026-11-22T09:43:41Z", "level": "warning", "logger": "app.orders", "message": "stock is low", "sku": "A-1", "left": 2}',
    b'{"ts": "2026-11-22T09:43:42Z", "level": "error", "logger": "app.orders", "message": "no stock", "sku": "A-1"}',
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM", "FORCE_COLOR", "COLUMNS")
    }
    return {**kept, "TERM": "xterm", "TZ": "UTC", "HOME": str(tmp_path), "PYTHONUTF8": "1"}


@pytest.fixture
def tail(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Tail:
    """Runs the command: in this process, or in one of its own where it has a standard input."""

    def run(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["tail", *map(str, arguments)]
        if stdin is not None:
            program = [sys.executable, "-c", "from logagent.cli import main; main()", *command]
            return subprocess.run(program, input=stdin, capture_output=True, env=environment, timeout=60, check=False)
        monkeypatch.setattr(sys, "argv", ["logagent", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfdbinary.readouterr()
        return subprocess.CompletedProcess(command, int(ended.value.code or 0), said.out, said.err)

    return run
