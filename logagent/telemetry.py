"""The agent's own metrics: one row each. Counted per batch, kept in the ledger with everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of the agent's own."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    durable: bool = True
    """Whether its series live in the ledger; what tells of the running process alone does not."""


RECEIVER_BYTES = Row("logagent_receiver_bytes_total", "counter", ("receiver",), "Bytes read by a receiver.")
RECEIVER_LINES = Row("logagent_receiver_lines_total", "counter", ("receiver",), "Lines read by a receiver.")
RECORDS = Row(
    "logagent_records_total", "counter", ("receiver", "parser"), "Records by the parser definition that read them."
)
DROPPED = Row("logagent_dropped_total", "counter", ("reason",), "Everything lost, skipped or cut, by reason.")
LAG_BYTES = Row(
    "logagent_receiver_lag_bytes", "gauge", ("receiver",), "Bytes that exist and are not yet read.", durable=False
)
LAG_SECONDS = Row(
    "logagent_receiver_lag_seconds",
    "gauge",
    ("receiver",),
    "Seconds since the oldest unread bytes were seen.",
    durable=False,
)
OPEN_FILES = Row("logagent_open_files", "gauge", ("receiver",), "Files held open by a receiver.", durable=False)
SPANS = Row("logagent_spans_total", "counter", ("kind", "outcome"), "Spans rebuilt from lines.")
OPEN_SPANS = Row(
    "logagent_open_spans", "gauge", ("kind",), "Spans that have begun and not yet been closed.", durable=False
)
SPAN_PARENT = Row("logagent_span_parent_total", "counter", ("how",), "Child spans by how their parent was found.")
EXPORTED = Row(
    "logagent_exported_total", "counter", ("exporter", "signal", "outcome"), "Items by what became of their delivery."
)
OUTBOX_ITEMS = Row("logagent_outbox_items", "gauge", ("exporter",), "Batches that wait for delivery.", durable=False)
OUTBOX_BYTES = Row("logagent_outbox_bytes", "gauge", (), "Bytes that wait for delivery.", durable=False)
COMMIT_DURATION = Row(
    "logagent_commit_duration_seconds",
    "histogram",
    (),
    "Time that a commit to the ledger took.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    durable=False,
)
COMMITS_FAILED = Row(
    "logagent_commits_failed_total",
    "counter",
    (),
    "Commits that the ledger refused; they were tried again.",
    durable=False,
)
SERIES = Row("logagent_series", "gauge", ("metric",), "Series of a derived metric.", durable=False)
RULE_ERRORS = Row("logagent_rule_errors_total", "counter", ("rule",), "Values that a rule could not use.")
REDACTIONS = Row("logagent_redactions_total", "counter", ("rule",), "Secrets replaced, by redaction rule.")
CONFIG_RELOADS = Row("logagent_config_reloads_total", "counter", ("outcome",), "Configurations loaded.", durable=False)
BUILD_INFO = Row("logagent_build_info", "gauge", ("version", "python"), "1, with the version as label.", durable=False)
ALERTS_FIRING = Row("logagent_alerts_firing", "gauge", ("alertname", "severity"), "Alerts firing now.", durable=False)
ALERTS = Row("logagent_alerts_total", "counter", ("alertname", "state", "reason"), "Changes of alert states.")
BUDGET_SPENT = Row(
    "logagent_budget_spent",
    "gauge",
    ("budget", "group"),
    "Spent in the current period, in the budget's unit.",
    durable=False,
)
BUDGET_LIMIT = Row("logagent_budget_limit", "gauge", ("budget", "group"), "The budget's limit.", durable=False)
BUDGET_UNPRICED = Row(
    "logagent_budget_unpriced",
    "gauge",
    ("budget", "group"),
    "Calls of the current period that have no price.",
    durable=False,
)
BUDGET_PROJECTED = Row(
    "logagent_budget_projected",
    "gauge",
    ("budget", "group", "level"),
    "What the current period will come to; `level` is the chance that it will be no more; with too little history 0.5 only, the run rate.",
    durable=False,
)
BUDGET_FORECAST_30D = Row(
    "logagent_budget_forecast_30d",
    "gauge",
    ("budget", "group", "level"),
    "What the next 30 days will come to; `level` is the chance that it will be no more; with too little history 0.5 only, the run rate.",
    durable=False,
)
BUDGET_BURN_RATE = Row(
    "logagent_budget_burn_rate",
    "gauge",
    ("budget", "group", "window"),
    "How many times faster than evenly the limit is spent.",
    durable=False,
)
SLO_VALID = Row("logagent_slo_valid_events_total", "counter", ("slo", "group"), "Events that an SLO counted.")
SLO_BAD = Row("logagent_slo_bad_events_total", "counter", ("slo", "group"), "Of those, the bad ones.")
SLO_OBJECTIVE = Row(
    "logagent_slo_objective_ratio", "gauge", ("slo", "group"), "Part of the events that is to be good.", durable=False
)
SLO_BURN_RATE = Row(
    "logagent_slo_burn_rate",
    "gauge",
    ("slo", "group", "window"),
    "How many times faster than evenly the error budget is spent.",
    durable=False,
)
SLO_BUDGET_REMAINING = Row(
    "logagent_slo_error_budget_remaining_ratio",
    "gauge",
    ("slo", "group"),
    "Part of the period's error budget that is left; below 0 where it is overspent.",
    durable=False,
)
LEDGER_SET_ASIDE = Row(
    "logagent_ledger_set_aside_total",
    "counter",
    (),
    "Ledgers that were corrupt or gone and were begun anew since the agent started.",
    durable=False,
)
LEDGER_ROLLED_BACK = Row(
    "logagent_ledger_rolled_back_total",
    "counter",
    (),
    "Ledgers that were found to lack their last commits since the agent started.",
    durable=False,
)

ROWS = tuple(value for value in list(globals().values()) if isinstance(value, Row))
