"""The agent's configuration for the generator's lines: what the benchmark and the torture tests start it with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

RULES = Path(__file__).with_name("rules.toml")
AGENT = str(Path(sys.executable).with_name("logagent"))
"""The installed program of the environment that this runs in."""


def write_configuration(path: Path, *, log: Path, otlp: str = "", listen: str = "") -> Path:
    """Write a configuration and give the textfile that it names; state and textfile stand beside it.

    Without ``otlp``, an endpoint, only the textfile is written. There is no namespace, so metrics have no prefix.
    """
    textfile = path.with_suffix(".prom")
    lines = [
        "[service]",
        'name = "bench"',
        "[state]",
        f"dir = {json.dumps(str(path.with_suffix('.state')))}",
        "[receivers.app]",
        'type = "filelog"',
        f"include = [{json.dumps(str(log))}]",
        'start_at = "beginning"',
        'timezone = "UTC"',
        "[exporters.prometheus]",
        f"listen = {json.dumps(listen)}",
        f"textfile = {json.dumps(str(textfile))}",
        "[rules]",
        f"paths = [{json.dumps(str(RULES))}]",
    ]
    if otlp:
        lines += ["[exporters.otlp]", f"endpoint = {json.dumps(otlp)}"]
    path.write_text("\n".join(lines) + "\n")
    return textfile
