from __future__ import annotations

from typing import Any

import pytest

from logagent.expr import compile_value, parse
from logagent.fields import (
    KNOWN_FIELDS,
    NAMES,
    NUMBERS,
    TEXTS,
    is_sensitive,
    resolve_failure,
    resolve_record,
    resolve_span,
    severity_name,
)
from logagent.model import ExceptionInfo, Failure, LogRecord, ParentFound, Resource, Severity, Span, StatusCode

Datum = Any
"""Whatever a field holds."""

RESOURCE = Resource("backend")


class Dialect:
    name = "json"


def make_span(**changes: object) -> Span:
    attributes: Any = changes.pop("attributes", {})
    span = Span("request", "r1", "GET /", 2, 1_000_000_000, 2_500_000_000, attributes, RESOURCE)
    for name, item in changes.items():
        setattr(span, name, item)
    return span


def make_record(data: dict[str, Any] | None = None, **changes: object) -> LogRecord:
    severity: Any = changes.pop("severity_number", Severity.ERROR)
    record = LogRecord(1_500_000_000, 2, severity, "ERR", "text", "app", data, Dialect(), RESOURCE, "in", "a.log")  # type: ignore[arg-type]
    for name, item in changes.items():
        setattr(record, name, item)
    return record


def of_span(name: str, **changes: object) -> Datum:
    return compile_value(parse(f'field("{name}")'), resolve_span)(make_span(**changes))


def of_record(name: str, data: dict[str, Any] | None = None, **changes: object) -> Datum:
    return compile_value(parse(f'field("{name}")'), resolve_record)(make_record(data, **changes))


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("kind", {}, "request"),
        ("name", {}, "GET /"),
        ("id", {}, "r1"),
        ("duration", {}, 1.5),
        ("status", {}, "ok"),
        ("status", {"status": StatusCode.ERROR}, "error"),
        ("error", {"status": StatusCode.ERROR}, True),
        ("error", {}, False),
        ("status_message", {}, None),
        ("incomplete", {"incomplete": True}, True),
        ("service", {}, "backend"),
        ("severity", {}, "INFO"),
        ("parent", {"parent_found": ParentFound.EXPLICIT}, "explicit"),
        ("trace_id", {}, None),
        ("trace_id", {"trace_id": b"\x01" * 16}, "01" * 16),
        ("endpoint", {}, None),
        ("endpoint", {"attributes": {"url.path": "/a/12"}}, "/a/{id}"),
        ("endpoint", {"attributes": {"url.path": "/a/12", "http.route": "/a/{key}"}}, "/a/{key}"),
        ("endpoint", {"attributes": {"url.path": 12, "http.route": ["x"]}}, None),
        ("http.route", {"attributes": {"http.route": "/x"}}, "/x"),
        ("it's \\ odd", {"attributes": {"it's \\ odd": 1}}, 1),
        ("never.seen", {}, None),
    ],
)
def test_a_span_field_reads_what_its_name_says(name: str, changes: dict[str, Any], expected: object) -> None:
    assert of_span(name, **changes) == expected


@pytest.mark.parametrize(
    ("name", "data", "changes", "expected"),
    [
        ("time", None, {}, 1.5),
        ("severity", None, {}, "ERROR"),
        ("level", None, {"severity_number": 0}, "UNSET"),
        ("severity_number", None, {}, 17),
        ("severity_text", None, {}, "ERR"),
        ("body", None, {}, "text"),
        ("message", {"message": "other"}, {}, "text"),
        ("logger", None, {}, "app"),
        ("service", None, {}, "backend"),
        ("receiver", None, {}, "in"),
        ("source", None, {}, "a.log"),
        ("parser", None, {}, "json"),
        ("kind", None, {}, "log"),
        ("trace_id", None, {}, None),
        ("exception.type", None, {}, None),
        ("exception.type", None, {"exception": ExceptionInfo("KeyError", "", "")}, "KeyError"),
        ("exception.message", None, {"exception": ExceptionInfo("KeyError", "", "")}, None),
        ("user", None, {}, None),
        ("user", {"user": 0}, {}, 0),
        ("user.id", {"user": {"id": 7}}, {}, 7),
        ("user.id", {"user.id": 8, "user": {"id": 7}}, {}, 8),
        ("user.id", {"user": "x"}, {}, None),
        ("user.id", {"user": None}, {}, None),
        ("user.id", None, {}, None),
        ("a x.b", {"a x": {"b": 1}}, {}, 1),
        ("password", {"password": "p"}, {}, "[REDACTED]"),
        ("config.api_key.value", {"config": {"api_key": {"value": "p"}}}, {}, "[REDACTED]"),
    ],
)
def test_a_record_field_reads_what_its_name_says(
    name: str, data: dict[str, Any] | None, changes: dict[str, Any], expected: object
) -> None:
    assert of_record(name, data, **changes) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_type", "KeyError"),
        ("error.type", "KeyError"),
        ("message", "'x'"),
        ("logger", "app.db"),
        ("time", 3.0),
        ("kind", "error"),
        ("service", "backend"),
        ("severity", "ERROR"),
        ("user.id", 7),
        ("a x.b", 2),
        ("plain", 1),
        ("secret", "[REDACTED]"),
        ("exception.type", None),
    ],
)
def test_a_failure_field_reads_the_failure_and_then_its_record(name: str, expected: object) -> None:
    record = make_record({"user": {"id": 7}, "a x": {"b": 2}, "plain": 1, "secret": "s"})
    failure = Failure(3_000_000_000, "KeyError", "'x'", "app.db", record)
    assert compile_value(parse(f'field("{name}")'), resolve_failure)(failure) == expected


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db.Password",
        "userPassword",
        "AUTHORIZATION",
        "headers.authorization",
        "x-api-key",
        "apiKey",
        "api_key",
        "client_secret",
        "access_token",
        "token",
        "refreshToken",
        "set-cookie",
        "private_key",
    ],
)
def test_a_name_of_a_secret_is_sensitive(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "prompt_tokens",
        "token_count",
        "usage.total_tokens",
        "max_tokens",
        "tokens",
        "token_type",
        "author",
        "key",
        "secretary",
    ],
)
def test_a_name_that_only_resembles_a_secret_is_not_sensitive(name: str) -> None:
    assert not is_sensitive(name)


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "UNSET"), (1, "TRACE"), (8, "DEBUG"), (9, "INFO"), (16, "WARN"), (24, "FATAL"), (99, "UNSET"), (-3, "UNSET")],
)
def test_a_severity_number_has_the_name_of_its_range(number: int, name: str) -> None:
    assert severity_name(number) == name


def test_sources_that_promise_a_type_keep_it() -> None:
    span, record = make_span(), make_record()
    failure = Failure(1, "E", "m", "l", record)
    for text in TEXTS | NUMBERS:
        results = []
        for x in (span, record, failure):
            try:
                results.append(eval(text, {"x": x, **NAMES}))
            except AttributeError:
                continue
        assert results
        assert all(result.__class__ in ({str} if text in TEXTS else {int, float}) for result in results)


def test_every_built_in_field_can_be_read() -> None:
    for name in KNOWN_FIELDS["span"]:
        of_span(name)
    for name in KNOWN_FIELDS["log"]:
        of_record(name)
