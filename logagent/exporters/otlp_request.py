"""Bodies of OTLP trace requests: joined from encoded spans, compressed, and cut in two."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from logagent import __version__
from logagent.exporters.otlp_values import SCOPE_NAME
from logagent.exporters.otlp_wire import instrumentation_scope, resource_spans

if TYPE_CHECKING:
    from logagent.exporters.batches import Group

GZIP_MAGIC: Final = b"\x1f\x8b"
"""No request begins like this: its first byte is the tag of ``resource_spans``, 0x0a."""
GZIP_LEVEL: Final = 1


def request_body(groups: list[Group]) -> bytes:
    """Give one ``ExportTraceServiceRequest``."""
    scope = instrumentation_scope(SCOPE_NAME, __version__)
    return b"".join([resource_spans(group.resource, scope, group.fragments) for group in groups])


def compressed(body: bytes) -> bytes:
    """Give the body compressed, without a time in it: the same body gives the same bytes."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def compressed_request_body(groups: list[Group]) -> bytes:
    """Give one ``ExportTraceServiceRequest``, compressed."""
    return compressed(request_body(groups))


def is_compressed(payload: bytes) -> bool:
    """Say whether a stored payload is compressed; the configuration may have changed since it was stored."""
    return payload.startswith(GZIP_MAGIC)


def halves(payload: bytes) -> list[tuple[int, bytes]]:
    """Give two (span count, payload) that say together what the payload says.

    Raises ValueError where the payload is no request.
    """
    request = ExportTraceServiceRequest()
    packed = is_compressed(payload)
    try:
        request.ParseFromString(zlib.decompress(payload, wbits=zlib.MAX_WBITS | 16) if packed else payload)
    except Exception as error:  # zlib's and protobuf's errors have no common base
        msg = f"the stored request cannot be read: {error}"
        raise ValueError(msg) from error
    total = sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    middle = total // 2
    parts = [(middle, _slice(request, 0, middle)), (total - middle, _slice(request, middle, total))]
    return [(count, compressed(body) if packed else body) for count, body in parts]


def _slice(request: ExportTraceServiceRequest, start: int, stop: int) -> bytes:
    """Give the request's spans from the start-th to before the stop-th, each under its resource and scope."""
    part = ExportTraceServiceRequest()
    position = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            spans = scope.spans[max(start - position, 0) : max(stop - position, 0)]
            position += len(scope.spans)
            if spans:
                of_resource = part.resource_spans.add(resource=resource.resource, schema_url=resource.schema_url)
                of_scope = of_resource.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url)
                of_scope.spans.extend(spans)
    return part.SerializeToString()
