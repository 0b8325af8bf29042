"""Settings → receivers and exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from logagent.exporters.file import FileExporter
from logagent.model import Signal
from logagent.receivers.filelog import FilelogReceiver
from logagent.receivers.stdin import StdinReceiver
from logagent.settings import (
    FilelogSettings,
    FileSettings,
    OtlpSettings,
    PrometheusSettings,
    Settings,
    StdinSettings,
    WebhookSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.clock import Clock
    from logagent.exporters.protocol import Exporter
    from logagent.receivers.protocol import Receiver

CHUNK_BYTES = 128 * 1024
"""Lines of one chunk, decoded, still fit a processor's second-level cache; larger chunks measured slower."""

QUIET_SECONDS = 1.0
"""How long a rotated file must be silent before its successor is read: a writer with several processes may still hold
it, and lines are kept in order."""


def build_receivers(settings: Settings, clock: Clock) -> list[Receiver]:
    """The receivers of a configuration."""
    found: list[Receiver] = []
    limits = settings.limits
    for name, options in settings.receivers.items():
        match options:
            case FilelogSettings():
                found.append(
                    FilelogReceiver(
                        name,
                        include=options.include,
                        exclude=options.exclude,
                        start_at=options.start_at,
                        max_line_bytes=limits.line,
                        chunk_bytes=CHUNK_BYTES,
                        quiet_seconds=QUIET_SECONDS,
                        hold_seconds=limits.rotated_hold,
                        clock=clock,
                    )
                )
            case StdinSettings():
                found.append(StdinReceiver(name, clock=clock, max_line_bytes=limits.line, chunk_bytes=CHUNK_BYTES))
            case _ as never:
                assert_never(never)
    return found


def build_exporters(settings: Settings, clock: Clock) -> dict[str, Exporter]:
    """The exporters that deliver through the outbox, by name."""
    found: dict[str, Exporter] = {}
    for name, options in settings.exporters.items():
        match options:
            case OtlpSettings():
                found[name] = _otlp(name, options, clock)
            case FileSettings():
                signals = [Signal(signal) for signal in options.signals]
                found[name] = FileExporter(name, path=options.path, signals=signals)
            case WebhookSettings():
                found[name] = _webhook(name, options, clock)
            case PrometheusSettings():
                continue
            case _ as never:
                assert_never(never)
    return found


def _otlp(name: str, options: OtlpSettings, clock: Clock) -> Exporter:
    from logagent.exporters.otlp import OtlpExporter  # noqa: PLC0415 - an HTTP client, which not everybody needs

    return OtlpExporter(
        name,
        endpoint=options.endpoint,
        headers=_revealed(options),
        compression=options.compression,
        timeout_seconds=options.timeout,
        tls=options.tls.context() if options.endpoint.startswith("https") else None,
        clock=clock,
    )


def _webhook(name: str, options: WebhookSettings, clock: Clock) -> Exporter:
    from logagent.exporters.webhook import WebhookExporter  # noqa: PLC0415 - an HTTP client, which not everybody needs

    return WebhookExporter(
        name,
        url=options.url,
        headers=_revealed(options),
        timeout_seconds=options.timeout,
        tls=options.tls.context() if options.url.startswith("https") else None,
        clock=clock,
    )


def prometheus_settings(settings: Settings) -> list[PrometheusSettings]:
    """The components that show metrics instead of delivering them."""
    return [options for options in settings.exporters.values() if isinstance(options, PrometheusSettings)]


def _revealed(options: OtlpSettings | WebhookSettings) -> Mapping[str, str]:
    return {name: value.get_secret_value() for name, value in options.headers.items()}
