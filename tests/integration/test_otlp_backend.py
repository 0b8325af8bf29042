"""A real OTLP backend, that nobody here has written, understands every span as it was meant."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.child import run
from benchmarks.configuration import AGENT
from tests.agent_harness import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOG = Path(__file__).parents[1] / "data" / "autoforgenexus" / "afn_pjl2.log"
SPANS = 58
DEADLINE_SECONDS = 20.0
KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
CONFIGURATION = """\
[service]
name = "backend"
namespace = "autoforge"
[state]
dir = "state"
[receivers.app]
type = "filelog"
include = ["{log}"]
timezone = "UTC"
[exporters.otlp]
endpoint = "{endpoint}"
[exporters.file]
path = "spans.ndjson"
signals = ["traces"]
"""

_found = importlib.util.find_spec("rotel")
ROTEL = Path(_found.origin).with_name("rotel-agent") if _found and _found.origin else None

pytestmark = pytest.mark.skipif(ROTEL is None, reason="rotel is not installed (pip install --pre rotel)")


@contextmanager
def rotel(directory: Path) -> Iterator[tuple[str, Path]]:
    """The collector, which takes everything and says on standard output what it got; gives its endpoint and that."""
    grpc, http = free_port(), free_port()
    output = directory / "rotel.out"
    command = [
        str(ROTEL), "start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed",
        "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}",
        "--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log"),
    ]  # fmt: skip
    with output.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=directory)
        try:
            _wait_for_port(http)
            yield f"http://127.0.0.1:{http}", output
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def test_every_span_arrives_with_its_name_ids_parent_times_status_attributes_and_events(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").touch()
    with rotel(tmp_path) as (endpoint, output):
        (tmp_path / "agent.toml").write_text(CONFIGURATION.format(log=LOG, endpoint=endpoint))
        done = run([AGENT, "run", "--once", "-c", str(tmp_path / "agent.toml")])
        assert (done.exit_code, json.loads(done.output)["undelivered"]) == (0, 0)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while output.read_text().count("\nSpan #") < SPANS:
            assert time.monotonic() < deadline, output.read_text()[-2000:]
            time.sleep(0.02)
    said = output.read_bytes().decode()
    assert said.count("\nSpan #") == SPANS
    assert "     -> service.name: Str(backend)\n" in said
    assert "     -> service.namespace: Str(autoforge)\n" in said
    # The file exporter wrote the same spans in the other encoding.
    spans = [
        span
        for line in (tmp_path / "spans.ndjson").read_bytes().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert len(spans) == SPANS
    assert [span["name"] for span in spans if told(span) not in said] == []
    assert sum(bool(span.get("events")) for span in spans) >= 10
    parents = {span["spanId"] for span in spans}
    assert sum(span.get("parentSpanId", "") in parents for span in spans) >= 15


def told(span: Mapping[str, Any]) -> str:
    """What rotel says of a span."""
    lines = [
        f"    Trace ID       : {span['traceId']}",
        f"    Parent ID      : {span.get('parentSpanId', '')}",
        f"    ID             : {span['spanId']}",
        f"    Name           : {span['name']}",
        f"    Kind           : SPAN_KIND_{KINDS[span['kind']]}",
        f"Start time: {span['startTimeUnixNano']}",
        f"End time: {span['endTimeUnixNano']}",
    ]
    if status := span.get("status"):
        lines += ["    Status code    : STATUS_CODE_ERROR", f"    Status message : {status.get('message', '')}"]
    lines += ["Attributes:", *(f"     -> {each['key']}: {_shown(each['value'])}" for each in span["attributes"])]
    for number, event in enumerate(span.get("events", ())):
        if not number:
            lines.append("Events:")
        lines += [
            f"SpanEvent #{number}",
            f"     -> Name: {event['name']}",
            f"     -> Timestamp: {event['timeUnixNano']}",
            "     -> DroppedAttributesCount: 0",
            "     -> Attributes::",
            *(f"          -> {each['key']}: {_shown(each['value'])}" for each in event["attributes"]),
        ]
    return "\n".join(lines) + "\n"


def _shown(value: Mapping[str, Any]) -> str:
    [(kind, content)] = value.items()
    if kind == "boolValue":
        content = str(content).lower()
    if kind == "doubleValue" and float(content).is_integer():
        content = int(content)
    return (
        f"{ {'stringValue': 'Str', 'boolValue': 'Bool', 'intValue': 'Int', 'doubleValue': 'Double'}[kind] }({content})"
    )
