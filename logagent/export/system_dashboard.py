"""The dashboard of the system: the application as its log tells of it, its alerts, and the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent import telemetry
from logagent.alert_metrics import metrics_of, stems
from logagent.alerting.rules.window_tables import LimitTable
from logagent.export.panels import GREEN, RED, Panel, Query, Row, on_instances, or_zero, quantile, rate, series
from logagent.export.window_alerts import WindowExpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.catalog import Catalog
    from logagent.settings import Settings

_SHARES = (0.5, 0.95, 0.99)


def system_rows(catalog: Catalog, settings: Settings, prefix: str) -> list[Row]:
    """Its rows; those of metrics that no rule defines are left out."""
    known = {rule.name for rule in catalog.metrics}
    return [
        Row("Requests", list(_known(_requests(prefix), prefix, known))),
        Row("LLM calls", list(_known(_llm(prefix), prefix, known))),
        Row("Database", list(_known(_database(prefix), prefix, known))),
        Row("Errors and log", list(_known(_errors(prefix), prefix, known))),
        Row("Alerts", [*_alerts(), *(_watched(catalog, prefix) if settings.rules.prometheus else ())]),
        Row("logagent: reading", _reading()),
        Row("logagent: delivery and state", _delivery()),
    ]


def _known(panels: Iterator[tuple[str, Panel]], prefix: str, known: set[str]) -> Iterator[Panel]:
    return (panel for metric, panel in panels if metric.removeprefix(prefix) in known)


def _latency(title: str, metric: str) -> Panel:
    queries = [Query(quantile(share, metric), f"P{share * 100:g}") for share in _SHARES]
    return Panel(title, queries, "s")


def _requests(prefix: str) -> Iterator[tuple[str, Panel]]:
    total, seconds = f"{prefix}http_requests_total", f"{prefix}http_request_duration_seconds"
    yield total, Panel("Requests", [Query(rate(total, "endpoint"), "{{endpoint}}")], "reqps", stacked=True)
    failed = or_zero(rate(total, matchers='status_code=~"5.."'))
    share = Query(f"({failed}) / {rate(total)}", "failed")
    yield total, Panel("Failed requests", [share], "percentunit", description="Status 500 and above.")
    yield seconds, _latency("Request duration", seconds)
    slow = Query(f"topk(10, {quantile(0.95, seconds, 'endpoint')})", "{{endpoint}}")
    yield seconds, Panel("P95 of the slowest endpoints", [slow], "s")


def _llm(prefix: str) -> Iterator[tuple[str, Panel]]:
    total, seconds = f"{prefix}llm_requests_total", f"{prefix}llm_duration_seconds"
    by = Query(or_zero(rate(total, "model, outcome")), "{{model}} {{outcome}}")
    yield total, Panel("LLM calls", [by], "reqps", stacked=True)
    yield seconds, _latency("LLM call duration", seconds)


def _database(prefix: str) -> Iterator[tuple[str, Panel]]:
    total, seconds = f"{prefix}db_queries_total", f"{prefix}db_query_duration_seconds"
    slow = f"{prefix}db_slow_queries_total"
    by = Query(or_zero(rate(total, "operation, outcome")), "{{operation}} {{outcome}}")
    yield total, Panel("Queries", [by], "ops", stacked=True, width=8)
    yield (
        seconds,
        Panel(
            "Query duration",
            [Query(quantile(share, seconds), f"P{share * 100:g}") for share in _SHARES],
            "s",
            width=8,
        ),
    )
    yield slow, Panel("Slow queries", [Query(or_zero(rate(slow, "table")), "{{table}}")], "ops", width=8)


def _errors(prefix: str) -> Iterator[tuple[str, Panel]]:
    errors, records = f"{prefix}errors_total", f"{prefix}log_records_total"
    yield errors, Panel("Errors", [Query(or_zero(rate(errors, "error_type")), "{{error_type}}")], "ops", stacked=True)
    yield records, Panel("Log records", [Query(rate(records, "severity"), "{{severity}}")], "ops", stacked=True)


def _alerts() -> list[Panel]:
    firing = f"sum by (alertname, severity) ({series(telemetry.ALERTS_FIRING.name)}) > 0"
    changes = f"sum by (alertname, state) (increase({series(telemetry.ALERTS.name)}[$__rate_interval]))"
    return [
        Panel("Alerts that fire", [Query(or_zero(firing), "{{alertname}} {{severity}}")], thresholds=[(1, RED)]),
        Panel("Changes of alerts", [Query(or_zero(changes), "{{alertname}} {{state}}")]),
    ]


def _watched(catalog: Catalog, prefix: str) -> Iterator[Panel]:
    """What alerts on windows look at, with their limits."""
    named, metrics = stems(catalog.rules), metrics_of(catalog.rules)
    suffixes = ("", "_bucket", "_sum", "_count")
    names = [f"{prefix}{metric.name}{suffix}" for metric in metrics for suffix in suffixes]
    for rule in catalog.rules:
        if not isinstance(rule, LimitTable) or rule.name not in named:
            continue
        expression = on_instances(WindowExpressions(rule, prefix + named[rule.name], "").measure(), names)
        legend = " ".join(f"{{{{{label}}}}}" for label in rule.by) or rule.kind
        colours = (GREEN, RED) if rule.above is not None else (RED, GREEN)
        unit = "percentunit" if rule.kind == "ratio" else "s" if rule.measured == "duration" else "short"
        about = f"{rule.kind} over {rule.window:g} s; the line is the limit of the alert."
        queries = [Query(or_zero(expression), legend)]
        yield Panel(rule.name, queries, unit, description=about, thresholds=[(rule.limit, colours[1])], base=colours[0])


def _reading() -> list[Panel]:
    def by_receiver(row: telemetry.Row) -> list[Query]:
        return [Query(f"sum by (receiver) ({series(row.name)})", "{{receiver}}")]

    dropped = or_zero(rate(telemetry.DROPPED.name, "reason"))
    spans = or_zero(rate(telemetry.SPANS.name, "kind, outcome"))
    waiting = or_zero(f"sum by (kind) ({series(telemetry.OPEN_SPANS.name)})")
    return [
        Panel("Lines", [Query(rate(telemetry.RECEIVER_LINES.name, "receiver"), "{{receiver}}")], "ops", width=8),
        Panel("Bytes", [Query(rate(telemetry.RECEIVER_BYTES.name, "receiver"), "{{receiver}}")], "Bps", width=8),
        Panel("Records by parser", [Query(rate(telemetry.RECORDS.name, "parser"), "{{parser}}")], "ops", width=8),
        Panel("Not read yet", by_receiver(telemetry.LAG_BYTES), "bytes", width=8),
        Panel("Age of what is not read yet", by_receiver(telemetry.LAG_SECONDS), "s", width=8),
        Panel("Open files", by_receiver(telemetry.OPEN_FILES), width=8),
        Panel("Lost, skipped or cut, by reason", [Query(dropped, "{{reason}}")], "ops", width=8),
        Panel("Spans", [Query(spans, "{{kind}} {{outcome}}")], "ops", width=8),
        Panel("Open spans", [Query(waiting, "{{kind}}")], width=8),
    ]


def _delivery() -> list[Panel]:
    delivered = or_zero(rate(telemetry.EXPORTED.name, "exporter, signal, outcome"))
    waiting = or_zero(f"sum by (exporter) ({series(telemetry.OUTBOX_ITEMS.name)})")
    bytes_waiting = f"sum({series(telemetry.OUTBOX_BYTES.name)})"
    commits = [Query(quantile(share, telemetry.COMMIT_DURATION.name), f"P{share * 100:g}") for share in (0.5, 0.99)]
    errors = or_zero(rate(telemetry.RULE_ERRORS.name, "rule"))
    secrets = or_zero(rate(telemetry.REDACTIONS.name, "rule"))
    most = f"topk(10, max by (metric) ({series(telemetry.SERIES.name)}))"
    version = f"count by (version) ({series(telemetry.BUILD_INFO.name)})"
    memory, processor = series("process_resident_memory_bytes"), series("process_cpu_seconds_total")
    return [
        Panel("Delivered", [Query(delivered, "{{exporter}} {{signal}} {{outcome}}")], "ops", width=8),
        Panel("Batches that wait for delivery", [Query(waiting, "{{exporter}}")], width=8),
        Panel("Bytes that wait for delivery", [Query(bytes_waiting, "bytes")], "bytes", width=8),
        Panel("Commit to the ledger", commits, "s", width=8),
        Panel("Values that rules could not use", [Query(errors, "{{rule}}")], "ops", width=8),
        Panel("Secrets replaced", [Query(secrets, "{{rule}}")], "ops", width=8),
        Panel("Series of the largest metrics", [Query(most, "{{metric}}")], width=8),
        Panel("Memory", [Query(f"sum by (instance) ({memory})", "{{instance}}")], "bytes", width=8),
        Panel(
            "Processor time",
            [Query(f"sum by (instance) (rate({processor}[$__rate_interval]))", "{{instance}}")],
            "percentunit",
            width=8,
        ),
        Panel("Agents by version", [Query(version, "{{version}}")], kind="stat", width=8),
    ]
