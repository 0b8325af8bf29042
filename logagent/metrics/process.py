"""The agent's process and platform metrics, as prometheus_client collects and writes them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

_registry = CollectorRegistry()
ProcessCollector(registry=_registry)
PlatformCollector(registry=_registry)


def process_metrics(*, openmetrics: bool) -> bytes:
    """Give ``process_*`` and ``python_info``, to end an exposition with: in OpenMetrics ``# EOF`` is its last line."""
    if openmetrics:
        text: bytes = generate_openmetrics(_registry)  # type: ignore[no-untyped-call]  # prometheus_client leaves it so
        return text
    return generate_latest(_registry)
