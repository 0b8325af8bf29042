"""A local OTLP/HTTP receiver: a process that stores what it is sent and looks into it only when asked.

Bodies are appended to a file as they came, compressed, so that receiving costs next to nothing beside the agent.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACES_PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"
_LENGTH = struct.Struct(">Q")
_GZIP_MAGIC = b"\x1f\x8b"
_STOP_SECONDS = 10


class SpanId(NamedTuple):
    """Which span."""

    trace_id: bytes
    span_id: bytes


@dataclass(slots=True)
class Received:
    """What came in: each span with every start time that its copies had."""

    requests: int = 0
    copies: int = 0
    starts: dict[SpanId, set[int]] = field(default_factory=dict)
    """In nanoseconds since the Unix epoch; one each unless the sender is wrong."""

    def add(self, body: bytes) -> None:
        """Take one request's body into account, gzip or plain."""
        self.requests += 1
        for resource in decoded(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.copies += 1
                    self.starts.setdefault(SpanId(span.trace_id, span.span_id), set()).add(span.start_time_unix_nano)

    @property
    def restarted(self) -> list[SpanId]:
        """The spans of which two copies differ in their start."""
        return [span for span, starts in self.starts.items() if len(starts) > 1]


def decoded(body: bytes) -> ExportTraceServiceRequest:
    """Give the request in a body, gzip or plain."""
    return ExportTraceServiceRequest.FromString(gzip.decompress(body) if body.startswith(_GZIP_MAGIC) else body)


def stored_bodies(path: Path) -> Iterator[bytes]:
    """Give the bodies that a sink stored, in the order in which they came."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(head)[0])


def received(path: Path) -> Received:
    """Give what a sink has stored."""
    found = Received()
    for body in stored_bodies(path):
        found.add(body)
    return found


@contextmanager
def sink(path: Path, *, delay_seconds: float = 0.0) -> Iterator[str]:
    """Run a sink in a process of its own, storing into ``path``, for as long as the ``with`` lasts; gives its endpoint.

    It answers at a random moment up to ``delay_seconds`` after it has stored a body.
    """
    command = [sys.executable, "-m", "benchmarks.otlp_sink", str(path), str(delay_seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert process.stdout is not None
    try:
        with process.stdout as stream:
            endpoint = stream.readline().strip()
            if not endpoint:
                raise RuntimeError("the OTLP sink did not start; its own message says why")
            yield endpoint
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


async def serve(file: BinaryIO, delay_seconds: float) -> None:
    """Receive until SIGTERM; the first line on stdout is the endpoint."""

    async def handle(request: web.BaseRequest) -> web.Response:
        body = await request.content.read()
        if request.path != TRACES_PATH:
            return web.Response(status=404)
        file.write(_LENGTH.pack(len(body)) + body)
        file.flush()
        if delay_seconds:
            await asyncio.sleep(random.uniform(0, delay_seconds))
        return web.Response(content_type=PROTOBUF)

    runner = web.ServerRunner(web.Server(handle, auto_decompress=False, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Serve into the file that the command line names, with the delay that follows it."""
    with Path(sys.argv[1]).open("wb") as file:
        asyncio.run(serve(file, float(sys.argv[2])))


if __name__ == "__main__":
    main()
