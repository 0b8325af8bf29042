"""What a dotted field name means on a span, a log record and a failure, as Python source that reads it.

The source reads a variable ``x``, never raises, and gives ``None`` where the field is missing. It may use the names in
``NAMES``, which are part of the globals of everything that ``logagent.expr`` generates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from logagent.endpoint import endpoint
from logagent.model import ParentFound, Severity
from logagent.sensitive_keys import SensitiveKeys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.model import Span

Datum = Any
"""A value out of somebody's log line: a scalar, a list, an object or None."""

REDACTED = "[REDACTED]"

_SEVERITY_NAMES = {
    number: max(severity for severity in Severity if severity <= number).name for number in range(Severity.FATAL + 4)
}


def severity_name(number: int) -> str:
    """Give the name of the OpenTelemetry range that a severity number is in: ``ERROR`` for 17 to 20; ``UNSET`` for none."""
    return _SEVERITY_NAMES.get(number, "UNSET")


def span_endpoint(span: Span) -> str | None:
    """Give a request's route template, or its path with ids replaced; None where the span has neither."""
    route = span.attributes.get("http.route")
    if route.__class__ is str and route:
        return route
    path = span.attributes.get("url.path")
    return endpoint(path) if path.__class__ is str and path else None


def path_value(data: Mapping[str, Any] | None, name: str, parts: tuple[str, ...]) -> Datum:
    """Read the value under a dotted name: as one key, else through nested objects."""
    if data is None:
        return None
    value: Datum = data.get(name)
    if value is not None:
        return value
    value = data
    for part in parts:
        if value.__class__ is not dict:
            return None
        value = value.get(part)
    return value


NAMES: dict[str, object] = {
    "span_endpoint": span_endpoint,
    "path_value": path_value,
    "severity_names": _SEVERITY_NAMES,
    "parent_names": {found: found.value for found in ParentFound},
}
"""What the sources use by name."""

_SPAN_FIELDS = {
    "kind": "x.kind",
    "name": "x.name",
    "id": "x.id",
    "duration": "((x.end_unix_nano - x.start_unix_nano) / 1e9)",
    "status": '("error" if x.status == 2 else "ok")',
    "status_message": "(x.status_message or None)",
    "error": "(x.status == 2)",
    "incomplete": "x.incomplete",
    "service": "x.resource.service_name",
    "severity": 'severity_names.get(x.severity_number, "UNSET")',
    "parent": "parent_names[x.parent_found]",
    "trace_id": "(x.trace_id.hex() or None)",
    "endpoint": "span_endpoint(x)",
}

_RECORD_FIELDS = {
    "time": "(x.time_unix_nano / 1e9)",
    "severity": 'severity_names.get(x.template.severity_number, "UNSET")',
    "level": 'severity_names.get(x.template.severity_number, "UNSET")',
    "severity_number": "(+x.template.severity_number)",
    "severity_text": "x.severity_text",
    "body": "x.body",
    "message": "x.body",
    "logger": "x.template.logger",
    "service": "x.resource.service_name",
    "receiver": "x.receiver",
    "source": "x.source",
    "parser": "x.dialect.name",
    "kind": '"log"',
    "exception.type": "((x.exception.type or None) if x.exception is not None else None)",
    "exception.message": "((x.exception.message or None) if x.exception is not None else None)",
    "exception.stacktrace": "((x.exception.stacktrace or None) if x.exception is not None else None)",
    "trace_id": "(x.trace_id.hex() or None)",
}

_FAILURE_FIELDS = {
    "error_type": "x.error_type",
    "error.type": "x.error_type",
    "message": "x.message",
    "logger": "x.logger",
    "time": "(x.time_unix_nano / 1e9)",
    "kind": '"error"',
}

NUMBERS = frozenset((_SPAN_FIELDS["duration"], _RECORD_FIELDS["time"], _RECORD_FIELDS["severity_number"]))
"""Sources whose value is a number, always."""

TEXTS = frozenset(
    (
        *map(_SPAN_FIELDS.__getitem__, ("kind", "name", "status", "service", "severity", "parent")),
        "x.logger",
        "x.template.logger",
        "x.error_type",
    )
)
"""Sources whose value is text, always."""

TEMPLATE_FIELDS = frozenset(("severity", "level", "severity_number", "severity_text", "logger", "parser", "kind"))
"""Fields of a record that all records of one template share."""

ATTRIBUTES = "x.attributes"
"""Where the source of a span's attribute begins; generated code may read it once."""

_SPAN_ATTRIBUTES = (
    "http.request.method",
    "http.route",
    "http.request.body.size",
    "http.response.body.size",
    "http.response.status_code",
    "url.path",
    "url.full",
    "url.query",
    "client.address",
    "server.address",
    "server.port",
    "user_agent.original",
    "user.id",
    "session.id",
    "error.type",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.max_tokens",
    "gen_ai.request.model",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.tool.name",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cost",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.total_tokens",
    "db.collection.name",
    "db.namespace",
    "db.operation.name",
    "db.query.summary",
    "db.query.text",
    "db.response.returned_rows",
    "db.system.name",
)

KNOWN_FIELDS: dict[str, frozenset[str]] = {
    "span": frozenset((*_SPAN_FIELDS, *_SPAN_ATTRIBUTES)),
    "log": frozenset(_RECORD_FIELDS),
    "error": frozenset((*_FAILURE_FIELDS, *_RECORD_FIELDS)),
}
"""Subject (``span``, ``log``, ``error``) → the names that are known beforehand; any other may exist in the data."""


def resolve_span(name: str) -> str:
    """Give source that reads a field of a Span: a built-in, else an attribute under its dotted name."""
    return _SPAN_FIELDS.get(name) or f"{ATTRIBUTES}.get({name!r})"


def resolve_record(name: str) -> str:
    """Give source that reads a field of a LogRecord: a built-in, else a key or path of the decoded line.

    A key that looks sensitive reads as ``[REDACTED]``.
    """
    return _record_source(name, "x")


def resolve_failure(name: str) -> str:
    """Give source that reads a field of a Failure, else of the record that told of it."""
    return _FAILURE_FIELDS.get(name) or _record_source(name, "x.record")


def _record_source(name: str, record: str) -> str:
    built_in = _RECORD_FIELDS.get(name)
    if built_in is not None:
        return built_in.replace("x.", f"{record}.")
    if is_sensitive(name):
        return repr(REDACTED)
    parts = tuple(name.split("."))
    if len(parts) == 1:
        return f"({record}.data.get({name!r}) if {record}.data else None)"
    return f"path_value({record}.data, {name!r}, {parts!r})"


_judge = SensitiveKeys()


def is_sensitive(name: str) -> bool:
    """Tell whether a dotted path names a secret: ``password``, ``headers.x-api-key``; not ``token_count``."""
    return any(_judge(part) for part in name.split("."))
