"""The webhook exporter: notifications about alerts, posted as JSON in the shape that Alertmanager's webhooks have."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from logagent.clock import SystemClock
from logagent.exporters.http_post import Answer, Poster, PostError
from logagent.model import AlertState, Delivery, DeliveryOutcome, OutboxDraft, Signal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from logagent.clock import Clock
    from logagent.model import Alert, Notification, OutboxItem, Outcome

PAYLOAD_VERSION = "4"
"""Of Alertmanager's webhook payload (its documentation, "webhook_config")."""
_NO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: how the format says that an alert has not ended."""


class WebhookExporter:
    """Posts the notifications that are meant for it, one a request, in their order.

    ``headers`` are sent with every request and never shown. Raises ValueError for a URL that is none.
    """

    def __init__(  # noqa: PLR0913 - one argument for each option
        self,
        name: str,
        *,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._poster = Poster(url, headers or {}, timeout_seconds, tls)
        self._drafts: list[OutboxDraft] = []

    def add(self, outcome: Outcome) -> None:
        """Keep the outcome's notifications that are for this destination."""
        for notification in outcome.notifications:
            if self.name in notification.destinations:
                count = len(notification.firing) + len(notification.resolved)
                self._drafts.append(
                    OutboxDraft(self.name, Signal.ALERTS, count, _packer(payload(notification, self.name)))
                )

    def take(self) -> list[OutboxDraft]:
        """Give the requests that the notifications since the last call make."""
        drafts, self._drafts = self._drafts, []
        return drafts

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Keep nothing: a request is whole in itself."""

    async def deliver(self, item: OutboxItem) -> Delivery:
        """Make one attempt."""
        try:
            answer = await self._poster.post(item.payload, {"Content-Type": "application/json"})
        except PostError as error:
            return Delivery(DeliveryOutcome.RETRY, str(error))
        return self._delivery(answer)

    async def close(self) -> None:
        """Close the session."""
        await self._poster.close()

    def _delivery(self, answer: Answer) -> Delivery:
        if 200 <= answer.status < 300:  # noqa: PLR2004 - success (RFC 9110)
            return Delivery(DeliveryOutcome.DELIVERED)
        said = answer.body[:200].decode("utf-8", "replace").strip()
        return self._poster.refusal(answer, said and f": {said}", option="url", now=self._clock.now())


def _packer(body: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: orjson.dumps(body)


def payload(notification: Notification, receiver: str) -> dict[str, Any]:
    """The body: Alertmanager's keys, and ``id``, ``route``, ``reason`` and ``time`` of ours."""
    alerts = [*notification.firing, *notification.resolved]
    return {
        "version": PAYLOAD_VERSION,
        "id": notification.id,
        "route": notification.route,
        "reason": notification.reason,
        "time": _time(notification.time_unix_nano),
        "receiver": receiver,
        "status": AlertState.FIRING.value if notification.firing else AlertState.RESOLVED.value,
        "groupKey": f"{notification.route}:{orjson.dumps(dict(notification.group)).decode()}",
        "truncatedAlerts": 0,
        "groupLabels": dict(notification.group),
        "commonLabels": _common([alert.labels for alert in alerts]),
        "commonAnnotations": _common([alert.annotations for alert in alerts]),
        "externalURL": "",
        "alerts": [_alert(alert) for alert in alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "status": alert.state.value,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": _time(alert.starts_unix_nano),
        "endsAt": _time(alert.ends_unix_nano) if alert.ends_unix_nano else _NO_TIME,
        "generatorURL": "",
        "fingerprint": hashlib.sha256(orjson.dumps(alert.labels, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16],
        "value": alert.value,
        "reason": alert.reason,
    }


def _common(tables: list[dict[str, str]]) -> dict[str, str]:
    first, *others = tables
    return {name: text for name, text in first.items() if all(other.get(name) == text for other in others)}


def _time(unix_nano: int) -> str:
    return datetime.fromtimestamp(unix_nano / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
