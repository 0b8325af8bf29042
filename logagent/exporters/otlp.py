"""The OTLP exporter: spans over HTTP as protobuf (OTLP specification 1.x, "OTLP/HTTP")."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from logagent.clock import SystemClock
from logagent.exporters.batches import Batches
from logagent.exporters.http_post import Answer, Poster, PostError
from logagent.exporters.otlp_request import compressed_request_body, halves, is_compressed, request_body
from logagent.exporters.otlp_values import SCOPE_NAME
from logagent.exporters.otlp_wire import SpanEncoder
from logagent.model import Delivery, DeliveryOutcome, Signal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from logagent.clock import Clock
    from logagent.model import OutboxDraft, OutboxItem, Outcome

_RESOURCE_OF: Final = attrgetter("resource")
TRACES_PATH: Final = "/v1/traces"
TOO_MUCH: Final = frozenset({400, 413})
"""The batch, or one thing in it: halving it finds which."""
PROTOBUF_TYPES: Final = frozenset({"application/x-protobuf", "application/protobuf", "application/octet-stream"})
"""The last is what aiohttp gives where an answer names no type."""
JSON_TYPES: Final = frozenset({"application/json", "text/plain"})
"""The last is how Go's net/http labels a ``{}`` that its handler does not."""


class OtlpExporter:
    """Posts spans to ``{endpoint}/v1/traces``; an endpoint that ends so already is kept as it is.

    ``headers`` are sent with every request and never shown. The time-out is for one attempt as a whole.
    Raises ValueError for an endpoint that is no absolute URL.
    """

    def __init__(  # noqa: PLR0913 - one argument for each option
        self,
        name: str,
        *,
        endpoint: str,
        headers: Mapping[str, str] | None = None,
        compression: Literal["gzip", "none"] = "gzip",
        timeout_seconds: float = 10.0,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._poster = Poster(traces_url(endpoint), headers or {}, timeout_seconds, tls)
        self._encoder = SpanEncoder()
        pack = compressed_request_body if compression == "gzip" else request_body
        self._batches = Batches(name, Signal.TRACES, pack)

    def add(self, outcome: Outcome) -> None:
        """Encode the outcome's spans, which have their ids."""
        for resource, spans in groupby(outcome.spans, _RESOURCE_OF):
            self._batches.extend(resource, SCOPE_NAME, list(map(self._encoder.encode, spans)))

    def take(self) -> list[OutboxDraft]:
        """Give the requests that the spans since the last call make."""
        return self._batches.take()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Keep nothing: a request is whole in itself."""

    async def deliver(self, item: OutboxItem) -> Delivery:
        """Make one attempt."""
        headers = {"Content-Type": "application/x-protobuf"}
        if is_compressed(item.payload):
            headers["Content-Encoding"] = "gzip"
        try:
            answer = await self._poster.post(item.payload, headers)
        except PostError as error:
            return Delivery(DeliveryOutcome.RETRY, str(error))
        return self._delivery(answer, item.count)

    def split(self, item: OutboxItem) -> list[tuple[int, bytes]]:
        """Give the item's halves. Raises ValueError where it is no request."""
        return halves(item.payload)

    async def close(self) -> None:
        """Close the session."""
        await self._poster.close()

    def _delivery(self, answer: Answer, count: int) -> Delivery:
        status = answer.status
        if 200 <= status < 300:  # noqa: PLR2004 - success (RFC 9110)
            return self._success(answer, count)
        delivery = self._poster.refusal(answer, _said(answer), option="endpoint", now=self._clock.now())
        if status in TOO_MUCH and count > 1:
            return Delivery(DeliveryOutcome.SPLIT, delivery.reason)
        return delivery

    def _success(self, answer: Answer, count: int) -> Delivery:
        if answer.content_type in {"text/html", "application/xhtml+xml"}:
            # A login page or a web interface takes everything and keeps nothing.
            reason = f"answered {answer.status} with a web page: this is no OTLP receiver; check endpoint"
            return Delivery(DeliveryOutcome.RETRY, reason)
        try:
            rejected, message = _partial_success(answer)
        except ValueError:
            # A captive portal or a dying proxy says yes to everything, and keeps nothing either.
            reason = f"answered {answer.status} with a body that is not OTLP's; check endpoint and proxies"
            said = f" ({answer.content_type}{_said(answer)})"
            return Delivery(DeliveryOutcome.RETRY, self._poster.shown(reason + said))
        rejected = min(max(rejected, 0), count)
        if rejected:
            message = f"{rejected} of {count} spans refused" + (f": {message}" if message else "")
        return Delivery(DeliveryOutcome.DELIVERED, self._poster.shown(message), rejected=rejected)


def traces_url(endpoint: str) -> str:
    """Give the URL that spans are posted to; a query stays behind the path."""
    address, mark, query = endpoint.partition("?")
    address = address.rstrip("/")
    if not address.endswith(TRACES_PATH):
        address += TRACES_PATH
    return address + mark + query


def _partial_success(answer: Answer) -> tuple[int, str]:
    """Give how many spans were refused, and why. Raises ValueError where the answer is not OTLP's.

    OTLP has unknown fields ignored: an object of other names is an answer in which nothing was refused, unless it tells
    of an error itself.
    """
    if answer.truncated:
        raise ValueError
    if not answer.body:
        return 0, ""
    if answer.content_type in JSON_TYPES:
        return _partial_success_of_json(orjson.loads(answer.body))
    if answer.content_type not in PROTOBUF_TYPES:
        raise ValueError
    try:
        partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    except DecodeError as error:
        raise ValueError from error
    return partial.rejected_spans, partial.error_message


def _partial_success_of_json(response: Any) -> tuple[int, str]:
    if not isinstance(response, dict) or response.get("error") or response.get("errors"):
        raise ValueError
    # In protobuf's JSON null is as good as nothing.
    partial = response.get("partialSuccess") or {}
    if not isinstance(partial, dict):
        raise ValueError  # noqa: TRY004 - what came is wrong, not what was called
    # A 64-bit integer is a string in protobuf's JSON, and a number where the other end does not know that.
    rejected = partial.get("rejectedSpans") or 0
    message = partial.get("errorMessage") or ""
    if not (isinstance(rejected, str | int) and isinstance(message, str)):
        raise ValueError  # noqa: TRY004 - the same
    return int(rejected), message


def _said(answer: Answer) -> str:
    """Give what an answer says about its status, with a colon before it."""
    message = ""
    if answer.content_type in {"application/x-protobuf", "application/protobuf"}:
        try:
            # google.rpc.Status has its code and message where this has its count and message.
            message = ExportTracePartialSuccess.FromString(answer.body).error_message
        except DecodeError:
            return ""
    elif answer.content_type in {"application/json", "text/plain"}:
        message = answer.body.decode("utf-8", "replace")
    return f": {message}" if message.strip() else ""
