from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from otlp_samples import outcome_of

from logagent.clock import ManualClock
from logagent.exporters.http_post import REASON_LIMIT, Poster, retry_after_seconds
from logagent.exporters.otlp import OtlpExporter, traces_url
from logagent.exporters.protocol import Splitter
from logagent.model import Delivery, DeliveryOutcome, OutboxItem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from logagent.exporters.protocol import Exporter

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOW = 1_790_000_000 * 10**9
SECRET = "sk-very-secret-token"
PROTOBUF = "application/x-protobuf"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def exporter_to(endpoint: str, **changes: object) -> OtlpExporter:
    options: dict[str, object] = {
        "headers": {"Authorization": f"Bearer {SECRET}"},
        "clock": ManualClock(NOW),
        **changes,
    }
    return OtlpExporter("otlp", endpoint=endpoint, **options)  # type: ignore[arg-type]  # as the test says


def item_of(exporter: OtlpExporter, count: int = 2) -> OutboxItem:
    exporter.add(outcome_of(count))
    [draft] = exporter.take()
    return OutboxItem(1, draft.exporter, draft.signal, draft.count, draft.pack(), NOW)


@asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    application = web.Application(client_max_size=100 * 2**20)
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


async def deliver(handler: Handler, count: int = 2, **changes: object) -> Delivery:
    async with receiver(handler) as endpoint:
        exporter = exporter_to(endpoint, **changes)
        try:
            return await exporter.deliver(item_of(exporter, count))
        finally:
            await exporter.close()


def answering(
    status: int, body: bytes = b"", content_type: str = PROTOBUF, headers: Mapping[str, str] | None = None
) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, body=body, headers={"Content-Type": content_type, **(headers or {})})

    return handler


@asynccontextmanager
async def raw_receiver(answer: bytes, *, reset: bool = False) -> AsyncIterator[str]:
    """Answers these bytes, whatever they are, and hangs up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if reset:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def deliver_raw(answer: bytes, *, reset: bool = False) -> Delivery:
    async with raw_receiver(answer, reset=reset) as endpoint:
        exporter = exporter_to(endpoint)
        try:
            return await exporter.deliver(item_of(exporter))
        finally:
            await exporter.close()


def partial(rejected: int, message: str) -> bytes:
    success = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return ExportTraceServiceResponse(partial_success=success).SerializeToString()


def test_it_is_an_exporter() -> None:
    exporter: Exporter = exporter_to("http://127.0.0.1:4318")
    assert exporter.name == "otlp"
    assert isinstance(exporter, Splitter)


@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_the_receiver_gets_path_headers_and_spans(compression: str) -> None:
    seen: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(path=request.path, headers=request.headers, body=await request.read())
        return web.Response(content_type=PROTOBUF)

    delivery = await deliver(handler, compression=compression, headers={"X-Key": f"{SECRET}\n"})
    assert delivery == Delivery(DeliveryOutcome.DELIVERED)
    assert seen["path"] == "/v1/traces"
    assert seen["headers"]["Content-Type"] == PROTOBUF
    assert seen["headers"].get("Content-Encoding") == ("gzip" if compression == "gzip" else None)
    assert seen["headers"]["X-Key"] == SECRET
    assert seen["headers"]["User-Agent"].startswith("logagent/")
    request = ExportTraceServiceRequest.FromString(seen["body"])
    assert len(request.resource_spans[0].scope_spans[0].spans) == 2


async def test_an_item_stored_compressed_is_sent_as_such_when_compression_was_turned_off_since() -> None:
    item = item_of(exporter_to("http://unused"))
    assert item.payload.startswith(b"\x1f\x8b")
    bodies: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    async with receiver(handler) as endpoint:
        exporter = exporter_to(endpoint, compression="none")
        await exporter.deliver(item)
        await exporter.close()
    assert bodies == [gzip.decompress(item.payload)]


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("http://h:4318/", "http://h:4318/v1/traces"),
        ("https://h/api/otlp/", "https://h/api/otlp/v1/traces"),
        ("https://h/v1/traces", "https://h/v1/traces"),
        ("https://h/v1/traces/", "https://h/v1/traces"),
        ("https://h/otlp?key=a", "https://h/otlp/v1/traces?key=a"),
    ],
)
def test_the_path_is_put_behind_the_endpoint_once(endpoint: str, url: str) -> None:
    assert traces_url(endpoint) == url


async def test_partial_success_is_delivered_with_what_was_refused_and_why() -> None:
    delivery = await deliver(answering(200, partial(1, "too old")))
    assert delivery == Delivery(DeliveryOutcome.DELIVERED, "1 of 2 spans refused: too old", rejected=1)


async def test_a_warning_without_refusal_is_delivered_and_told() -> None:
    assert await deliver(answering(200, partial(0, "slow down"))) == Delivery(DeliveryOutcome.DELIVERED, "slow down")


@pytest.mark.parametrize(("claimed", "counted"), [(-5, 0), (10**12, 2)])
async def test_a_nonsensical_count_of_refused_spans_is_clamped(claimed: int, counted: int) -> None:
    assert (await deliver(answering(200, partial(claimed, "?")))).rejected == counted


@pytest.mark.parametrize("rejected", ['"2"', "2"])
async def test_partial_success_is_understood_in_json_too(rejected: str) -> None:
    body = b'{"partialSuccess":{"rejectedSpans":%b,"errorMessage":"no"}}' % rejected.encode()
    delivery = await deliver(answering(200, body, "application/json"))
    assert (delivery.outcome, delivery.rejected) == (DeliveryOutcome.DELIVERED, 2)


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"\xff\xff\xff garbage", PROTOBUF, f"{PROTOBUF})"),
        (b"\xff\xff\xff garbage", "application/octet-stream", "application/octet-stream)"),
        (b"OK", "text/plain", "text/plain: OK)"),
        (b"<?xml version='1.0'?>", "application/xml", "application/xml)"),
        (partial(0, "fine"), "image/png", "image/png)"),
        (b'{"partialSuccess":', "application/json", 'application/json: {"partialSuccess":)'),
        (b'{"partialSuccess":{"rejectedSpans":"many"}}', "application/json", '"many"}})'),
        (b'{"partialSuccess":{"rejectedSpans":[1]}}', "application/json", "[1]}})"),
        (b'{"partialSuccess":{"errorMessage":7}}', "application/json", "7}})"),
        (b'{"partialSuccess":[1]}', "application/json", "[1]})"),
        (b"[]", "application/json", "[])"),
        (b"null", "application/json", "null)"),
        (b'"OK"', "application/json", '"OK")'),
        (b'{"error":"log in first"}', "application/json", '"log in first"})'),
        (b'{"errors":["upstream"]}', "text/plain", '["upstream"]})'),
    ],
)
async def test_success_with_a_body_that_is_not_otlps_is_retried_and_told(
    body: bytes, content_type: str, said: str
) -> None:
    delivery = await deliver(answering(200, body, content_type))
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert delivery.reason.startswith("answered 200 with a body that is not OTLP's; check endpoint and proxies (")
    assert delivery.reason.endswith(said)


@pytest.mark.parametrize(("body", "content_type"), [(b"[" * 60_000, "application/json"), (b"\n" * 70_000, PROTOBUF)])
async def test_success_with_a_long_body_that_is_not_otlps_is_retried(body: bytes, content_type: str) -> None:
    delivery = await deliver(answering(200, body, content_type))
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert len(delivery.reason) <= REASON_LIMIT


async def test_a_secret_in_a_body_that_is_not_otlps_is_not_told() -> None:
    delivery = await deliver(answering(200, f"hello {SECRET}".encode(), "text/plain"))
    assert SECRET not in delivery.reason


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", PROTOBUF),
        (b"", "text/plain"),
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b"{}", "text/plain"),
        (b'{"partialSuccess":null}', "application/json"),
        (b'{"partialSuccess":{}}', "application/json"),
        (b'{"accepted":2,"errors":[]}', "application/json"),
        (ExportTraceServiceResponse().SerializeToString(), PROTOBUF),
        (partial(0, ""), "application/octet-stream"),
    ],
)
async def test_success_in_few_words_is_delivered(body: bytes, content_type: str) -> None:
    assert await deliver(answering(200, body, content_type)) == Delivery(DeliveryOutcome.DELIVERED)


async def test_success_with_a_web_page_is_no_success() -> None:
    delivery = await deliver(answering(200, b"<html>log in", "text/html; charset=utf-8"))
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert "web page" in delivery.reason


async def test_a_redirect_is_not_followed_and_names_its_target_without_secrets() -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(
            status=302, headers={"Location": f"https://user:{SECRET}@login.example/v1/traces?next={SECRET}"}
        )

    delivery = await deliver(handler)
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert delivery.reason == "answered 302: redirected to https://login.example/v1/traces; set endpoint to that"
    assert paths == ["/v1/traces"]


@pytest.mark.parametrize("location", ["http://[", "//[::1", "http://h:99999999/", ""])
async def test_a_redirect_to_nowhere_is_retried(location: str) -> None:
    assert (await deliver(answering(307, headers={"Location": location}))).outcome is DeliveryOutcome.RETRY


@pytest.mark.parametrize(
    ("status", "count", "outcome"),
    [
        (400, 2, DeliveryOutcome.SPLIT),
        (413, 2, DeliveryOutcome.SPLIT),
        (400, 1, DeliveryOutcome.REJECTED),
        (413, 1, DeliveryOutcome.REJECTED),
        (422, 2, DeliveryOutcome.REJECTED),
        (410, 2, DeliveryOutcome.REJECTED),
        *((status, 2, DeliveryOutcome.RETRY) for status in (401, 403, 404, 405, 408, 415, 429)),
        *((status, 2, DeliveryOutcome.RETRY) for status in (304, 500, 501, 502, 503, 504, 599)),
    ],
)
async def test_each_status_has_its_outcome(status: int, count: int, outcome: DeliveryOutcome) -> None:
    delivery = await deliver(answering(status), count)
    assert delivery.outcome is outcome
    assert f"answered {status}" in delivery.reason


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        (b"\x08\x03\x12\x11span id is zeroed", PROTOBUF, "answered 400: span id is zeroed"),
        (b"bad\r\n\x1b[31mthing", "text/plain", "answered 400: bad [31mthing"),
        (b'{"message":"bad"}', "application/json", 'answered 400: {"message":"bad"}'),
        (b"<html>", "text/html", "answered 400"),
        (b"\xff\xff", PROTOBUF, "answered 400"),
    ],
)
async def test_the_reason_tells_what_the_other_end_said(body: bytes, content_type: str, told: str) -> None:
    assert (await deliver(answering(400, body, content_type))).reason == told


async def test_a_long_explanation_is_cut() -> None:
    assert len((await deliver(answering(500, b"x" * 10**6, "text/plain"))).reason) == REASON_LIMIT


async def test_secrets_that_the_other_end_repeats_are_not_told() -> None:
    body = f"key {SECRET} (Bearer {SECRET}) of pass-word is wrong".encode()
    async with receiver(answering(401, body, "text/plain")) as endpoint:
        exporter = exporter_to(endpoint.replace("//", "//me:pass-word@"), headers={"X-Key": f"Bearer {SECRET}"})
        delivery = await exporter.deliver(item_of(exporter))
        await exporter.close()
    assert delivery.reason == "answered 401: key [REDACTED] ([REDACTED]) of [REDACTED] is wrong"


async def test_credentials_in_the_endpoint_are_sent_as_basic_authorization_and_not_told() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response()

    async with receiver(handler) as endpoint:
        exporter = exporter_to(endpoint.replace("//", "//me:pass-word@"), headers={})
        await exporter.deliver(item_of(exporter))
        await exporter.close()
    assert seen == ["Basic bWU6cGFzcy13b3Jk"]
    refused = exporter_to("http://me:pass-word@127.0.0.1:9/?key=key-in-query", headers={})
    reason = (await refused.deliver(item_of(refused))).reason
    await refused.close()
    assert "pass-word" not in reason
    assert "key-in-query" not in reason


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7.0),
        (503, "1.5", 1.5),
        (503, "999999", 3600.0),
        (429, "-3", 0.0),
        (502, "soon", None),
        (429, "", None),
    ],
)
async def test_retry_after_is_passed_on(status: int, header: str, seconds: float | None) -> None:
    delivery = await deliver(answering(status, headers={"Retry-After": header}))
    assert (delivery.outcome, delivery.retry_after_seconds) == (DeliveryOutcome.RETRY, seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Mon, 21 Sep 2026 14:13:30 GMT", 10.0),
        ("Mon, 21 Sep 2026 14:13:00 GMT", 0.0),
        ("Mon, 21 Sep 2099 14:13:00 GMT", 3600.0),
        ("nan", None),
        ("inf", None),
        ("9" * 5000, None),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_seconds(text, NOW) == seconds


async def test_a_refused_connection_is_retried() -> None:
    exporter = exporter_to("http://127.0.0.1:9")
    delivery = await exporter.deliver(item_of(exporter))
    await exporter.close()
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert "http://127.0.0.1:9/v1/traces: ClientConnectorError" in delivery.reason


@pytest.mark.parametrize("endpoint", ["ftp://h", "http://" + "x" * 70 + ".example"])
async def test_an_endpoint_that_cannot_be_reached_by_http_is_retried(endpoint: str) -> None:
    exporter = exporter_to(endpoint)
    delivery = await exporter.deliver(item_of(exporter))
    await exporter.close()
    assert delivery.outcome is DeliveryOutcome.RETRY


@pytest.mark.parametrize("endpoint", ["http://[::1", "nonsense", "http://h:99999999"])
def test_an_endpoint_that_is_no_url_is_refused_at_once(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        exporter_to(endpoint)


async def test_an_answer_that_does_not_come_is_retried() -> None:
    release = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        await release.wait()
        return web.Response()

    async with receiver(handler) as endpoint:
        exporter = exporter_to(endpoint, timeout_seconds=0.05)
        delivery = await exporter.deliver(item_of(exporter))
        release.set()
        await exporter.close()
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert "no answer within 0.05 s" in delivery.reason


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_cut_off_or_unreadable_is_retried(answer: bytes, *, reset: bool) -> None:
    assert (await deliver_raw(answer, reset=reset)).outcome is DeliveryOutcome.RETRY


async def test_a_compressed_answer_is_read_no_further_than_the_bound() -> None:
    body = gzip.compress(bytes(50 * 2**20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    delivery = await deliver_raw(head + body)
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert delivery.reason.startswith("answered 200 with a body that is not OTLP's")


async def test_a_proxy_that_the_environment_names_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        hosts.append(request.headers["Host"])
        return web.Response()

    async with receiver(handler) as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("//", "//me:proxy-password@"))
        monkeypatch.setenv("no_proxy", "direct.invalid")
        for host in ("collector.invalid", "direct.invalid"):
            exporter = exporter_to(f"http://{host}:4318")
            delivery = await exporter.deliver(item_of(exporter))
            await exporter.close()
    assert hosts == ["collector.invalid:4318"]
    assert delivery.outcome is DeliveryOutcome.RETRY
    assert "proxy-password" not in delivery.reason


async def test_credentials_in_netrc_do_not_meet_the_configured_header(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert (await deliver(answering(200))).outcome is DeliveryOutcome.DELIVERED


async def test_a_session_is_opened_again_after_it_was_closed() -> None:
    async with receiver(answering(200)) as endpoint:
        exporter = exporter_to(endpoint)
        for _ in range(2):
            assert (await exporter.deliver(item_of(exporter))).outcome is DeliveryOutcome.DELIVERED
            await exporter.close()


def test_nothing_is_kept_in_the_ledger_and_nothing_waits_without_spans() -> None:
    exporter = exporter_to("http://h")
    exporter.restore({})
    assert exporter.take() == []


def test_an_item_is_split_in_halves() -> None:
    exporter = exporter_to("http://h")
    assert [count for count, _ in exporter.split(item_of(exporter, 5))] == [2, 3]


def test_short_header_values_make_no_holes_into_reasons() -> None:
    poster = Poster("http://h/", {"X-Scope": "on"}, 1.0)
    assert poster.shown("connection refused") == "connection refused"
