"""Notifications, posted as JSON."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from logagent.clock import ManualClock
from logagent.exporters.webhook import WebhookExporter
from logagent.model import Alert, AlertState, Delivery, DeliveryOutcome, Notification, OutboxItem, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from logagent.exporters.protocol import Exporter

NOON = 1_790_000_000 * 10**9
SECRET = "hook-secret-token"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def alert(state: AlertState, **labels: str) -> Alert:
    ends = NOON if state is AlertState.RESOLVED else 0
    own = {"alertname": "Slow", "severity": "critical", **labels}
    return Alert("Slow", own, {"summary": "2 slow"}, state, "match", 2.5, NOON, NOON - 10**9, ends)


def notification(*destinations: str) -> Notification:
    firing = (alert(AlertState.FIRING, table="a"),)
    resolved = (alert(AlertState.RESOLVED, table="b"),)
    return Notification("4f" * 16, destinations, "pager", {"alertname": "Slow"}, "changed", NOON, firing, resolved)


def exporter_to(url: str) -> WebhookExporter:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return WebhookExporter("hook", url=url, headers=headers, timeout_seconds=2.0, clock=ManualClock(NOON))


def item_of(exporter: WebhookExporter) -> OutboxItem:
    exporter.add(Outcome(notifications=[notification("hook")]))
    [draft] = exporter.take()
    return OutboxItem(1, draft.exporter, draft.signal, draft.count, draft.pack(), NOON)


@asynccontextmanager
async def receiver(status: int, seen: list[Any], headers: dict[str, str] | None = None) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Authorization"), request.content_type, json.loads(await request.read())))
        return web.Response(status=status, text=f"no {SECRET}", headers=headers)

    application = web.Application()
    application.router.add_post("/hook", handle)
    async with TestServer(application) as server:
        yield str(server.make_url("/hook"))


async def deliver(status: int, headers: dict[str, str] | None = None) -> tuple[Delivery, list[Any]]:
    seen: list[Any] = []
    async with receiver(status, seen, headers) as url:
        exporter = exporter_to(url)
        try:
            return await exporter.deliver(item_of(exporter)), seen
        finally:
            await exporter.close()


def test_it_is_an_exporter() -> None:
    exporter: Exporter = exporter_to("http://127.0.0.1:1/")
    assert exporter.name == "hook"


def test_only_what_is_meant_for_it_is_taken() -> None:
    exporter = exporter_to("http://127.0.0.1:1/")
    exporter.add(Outcome(notifications=[notification("other"), notification("other", "hook")]))
    assert [draft.count for draft in exporter.take()] == [2]
    assert exporter.take() == []


async def test_the_receiver_gets_alertmanagers_payload_and_the_headers() -> None:
    delivery, [(authorization, content_type, body)] = await deliver(200)
    assert delivery.outcome is DeliveryOutcome.DELIVERED
    assert (authorization, content_type) == (f"Bearer {SECRET}", "application/json")
    assert (body["version"], body["id"], body["route"], body["reason"]) == ("4", "4f" * 16, "pager", "changed")
    assert (body["receiver"], body["status"], body["time"]) == ("hook", "firing", "2026-09-21T14:13:20.000Z")
    assert body["commonLabels"] == {"alertname": "Slow", "severity": "critical"}
    assert body["commonAnnotations"] == {"summary": "2 slow"}
    assert [(one["status"], one["labels"]["table"], one["endsAt"]) for one in body["alerts"]] == [
        ("firing", "a", "0001-01-01T00:00:00Z"),
        ("resolved", "b", "2026-09-21T14:13:20.000Z"),
    ]


async def test_a_resend_is_the_same_bytes() -> None:
    exporter = exporter_to("http://127.0.0.1:1/")
    assert item_of(exporter).payload == item_of(exporter).payload


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, DeliveryOutcome.DELIVERED),
        (302, DeliveryOutcome.RETRY),
        (400, DeliveryOutcome.REJECTED),
        (401, DeliveryOutcome.RETRY),
        (404, DeliveryOutcome.RETRY),
        (429, DeliveryOutcome.RETRY),
        (500, DeliveryOutcome.RETRY),
        (503, DeliveryOutcome.RETRY),
    ],
)
async def test_each_status_has_its_outcome_and_no_reason_tells_a_secret(status: int, outcome: DeliveryOutcome) -> None:
    delivery, _ = await deliver(status, {"Location": "https://elsewhere.example/"} if status == 302 else None)
    assert delivery.outcome is outcome
    assert SECRET not in delivery.reason


async def test_retry_after_is_passed_on() -> None:
    delivery, _ = await deliver(429, {"Retry-After": "7"})
    assert delivery.retry_after_seconds == 7.0


async def test_a_refused_connection_is_retried() -> None:
    exporter = exporter_to("http://127.0.0.1:1/hook")
    delivery = await exporter.deliver(item_of(exporter))
    await exporter.close()
    assert delivery.outcome is DeliveryOutcome.RETRY
