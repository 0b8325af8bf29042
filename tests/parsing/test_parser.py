"""Lines become records: which dialect reads which line, and nothing that a line contains raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parser_harness import OBSERVED, dialect, parse, parser_of, shipped_parser, told

from logagent.parsing.compile import Wanted

AFN = {"asctime": "2026-11-22 09:43:32,754", "name": "autoforgenexus.llm", "levelname": "INFO", "message": "x"}
UUID = "813a2de0-b803-48d9-a2d1-3f336d140252"

NESTED = """
name = "nested"
priority = 5
[match]
keys = ["at", "deep.kind"]
[record]
time = { field = "at", format = "iso8601", zone = "UTC" }
body = ["deep.text", "text"]
request = "request"
process = "worker"
object = ["deep.inner", "other"]
[[span]]
kind = "step"
name = "{step.name}"
id = "id"
duration = { field = "took", unit = "s" }
[span.attributes]
"step.name" = "name"
"step.size" = "size"
[[span.line]]
message = "done"
where = 'deep.kind == "step" and not has(other.skip)'
role = "end"
set = { "step.fixed" = 1 }
"""


def test_each_line_is_read_by_the_first_definition_that_fits_it() -> None:
    lines: list[bytes | dict[str, Any]] = [
        AFN,
        {**AFN, "name": "shop"},
        {"ts": "2026-11-22T09:43:32Z", "msg": "x", "level": "warn"},
        {},
        b"INFO: started",
        b"[1, 2]",
        b'"text"',
        b"17",
        b"null",
        b"",
        b"{torn",
    ]
    names = [record.dialect.name for record in parse(shipped_parser(), *lines)]
    assert names == ["autoforgenexus", "python-json-logger", "json", "json", *["text"] * 7]


def test_a_line_that_nothing_understands_keeps_its_text_and_has_no_time_of_its_own() -> None:
    (record,) = parse(shipped_parser(), "caf\u00e9 \N{GRINNING FACE}".encode() + b"\xff\0")
    assert record.body == "caf\u00e9 \N{GRINNING FACE}\ufffd\0"
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (0, OBSERVED)
    assert (record.severity_number, record.severity_text) == (0, "")
    assert (record.data, record.line, record.exception) == (None, None, None)


def test_a_record_has_its_time_severity_body_logger_and_exception() -> None:
    (record,) = parse(shipped_parser(), {**AFN, "levelname": "ERROR", "exc_info": "ValueError: bad", "message": "oh"})
    assert record.time_unix_nano == 1_795_340_612_754_000_000
    assert (record.severity_number, record.severity_text) == (17, "ERROR")
    assert (record.body, record.logger) == ("oh", "autoforgenexus.llm")
    assert record.exception is not None
    assert (record.exception.type, record.exception.message) == ("ValueError", "bad")


def test_a_body_that_is_no_text_becomes_json_text_without_secrets() -> None:
    (record,) = parse(shipped_parser(), {**AFN, "message": {"password": "hunter2", "a": 1}})
    assert record.body == '{"password":"[REDACTED]","a":1}'


def test_a_line_that_was_cut_says_so() -> None:
    records = parse(shipped_parser(), AFN, b"x" * 50, cut={1: 1234})
    assert [record.cut_bytes for record in records] == [0, 1234]
    assert records[1].dialect.attributes(records[1]) == {"logagent.cut_bytes": 1234}


def test_ids_and_values_are_read_in_the_first_object_that_is_there() -> None:
    parser = parser_of(dialect(NESTED))
    line = {"at": "2026-11-22 09:43:32", "deep": {"kind": "step", "text": "done"}, "id": "top", "took": 9}
    values = {"id": "s1", "took": 1.5, "name": "embed", "size": 3}
    records = parse(
        parser,
        {**line, "deep": {**line["deep"], "inner": values}, "other": {"id": "no"}},  # type: ignore[dict-item]
        {**line, "other": values},
        line,
    )
    found = told(records)
    assert [one[0] for one in found] == ["s1", "s1", "top"]
    assert [one[4] for one in found] == [1_500_000_000, 1_500_000_000, 9_000_000_000]
    assert found[0][5] | {"step.name": "embed", "step.size": 3, "step.fixed": 1} == found[0][5]


def test_a_line_counts_only_where_its_condition_holds() -> None:
    parser = parser_of(dialect(NESTED))
    line = {"at": "2026-11-22 09:43:32", "deep": {"kind": "step", "text": "done"}}
    records = parse(
        parser, line, {**line, "deep": {"kind": "other", "text": "done"}}, {**line, "other": {"skip": True}},
        {**line, "deep": {"kind": ["step"], "text": "done"}}, {**line, "other": "no object"},
    )  # fmt: skip
    assert [record.line is not None for record in records] == [True, False, False, False, True]


def test_of_two_lines_with_one_message_the_logger_decides() -> None:
    parser = parser_of(
        dialect("""
name = "two"
[record]
body = "m"
logger = "l"
[[span]]
kind = "a"
name = "a"
id = "id"
[[span.line]]
message = "done"
logger = "one"
role = "end"
[[span]]
kind = "b"
name = "b"
id = "id"
[[span.line]]
message = ["done", "ended"]
role = "end"
""")
    )
    lines: list[dict[str, Any]] = [
        {"m": "done", "l": "one"},
        {"m": "done", "l": "two"},
        {"m": "ended"},
        {"m": "done", "l": ["one"]},
    ]
    kinds = [record.line.span.kind for record in parse(parser, *lines)]
    assert kinds == ["a", "b", "b", "b"]


def test_fields_that_no_definition_claims_are_attributes_under_their_dotted_path() -> None:
    (record,) = parse(
        shipped_parser(),
        {"ts": "2026-11-22T09:43:32Z", "msg": "x", "level": "warn", "disk": {"free": 12, "name": "sda"}, "n": None},
    )
    assert record.dialect.attributes(record) == {"disk.free": 12, "disk.name": "sda"}


def test_fields_that_a_definition_maps_are_not_there_twice() -> None:
    context = {"call_id": UUID, "model": "gpt-4o", "provider": "openai", "note": {"a": 1}, "duration_ms": 3.5}
    (record,) = parse(shipped_parser(), {**AFN, "message": "LLM call completed", "lineno": 5, "context": context})
    assert record.dialect.attributes(record) == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "code.line.number": 5, "context.note.a": 1, "logagent.kind": "llm", "logagent.id": UUID,
    }  # fmt: skip


def test_times_of_two_definitions_in_one_log_do_not_mix() -> None:
    def one(name: str, zone: str) -> Any:
        return dialect(f"""
name = "{name}"
[match]
keys = ["at"]
where = 'app == "{name}"'
[record]
time = {{ field = "at", format = "iso8601", zone = "{zone}" }}
body = "m"
""")

    parser = parser_of(one("here", "UTC"), one("there", "+09:00"))
    at = "2026-11-22 09:43:32,754"
    records = parse(parser, *({"at": at, "app": app, "m": ""} for app in ("here", "there", "here", "there")))
    hours = [(record.time_unix_nano - 1_795_340_612_754_000_000) / 3_600e9 for record in records]
    assert hours == [0, -9, 0, -9]


def test_a_time_is_read_the_same_whatever_stood_before_it() -> None:
    texts = [
        "2026-11-22 09:43:32,754", "2026-11-22 09:43:32,999", "2026-11-22 09:43:32.754", "2026-11-22 09:43:32,+12",
        "2026-11-22 09:43:32,1_2", "2026-11-22 09:43:32,754Z", "2026-11-22 09:43:32,754212", "2026-11-22 09:43:33,754",
        "2026-11-22 09:43:32,7542", "2026-11-22 09:43:32,75²", "2026-11-22T09:43:32.754212+00:00", "2026-11-22 09:43:32", "x",
    ]  # fmt: skip
    alone = {text: parse(shipped_parser(), {**AFN, "asctime": text})[0].time_unix_nano for text in texts}
    parser = shipped_parser()
    for before in texts:
        for text in texts:
            _, record = parse(parser, {**AFN, "asctime": before}, {**AFN, "asctime": text})
            assert record.time_unix_nano == alone[text], (before, text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([UUID, "0", "-", "2026-11-22 09:43:32,754", "INFO", "9" * 400, 2**64, 1e308, "ERROR"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_MESSAGES = [
    line_message
    for definition in (one.definition for one in shipped_parser().dialects)
    for span in definition.span
    for line in span.line
    for line_message in ([line.message] if isinstance(line.message, str) else line.message)
]
_TOP = [
    "asctime", "name", "levelname", "message", "process", "exc_info", "context", "metric", "lineno", "taskName", "ts",
    "timestamp", "level", "trace_id", "span_id", "request_id", "stack", "password",
]  # fmt: skip
_INNER = [
    "request_id", "call_id", "query_id", "timestamp", "duration_ms", "error", "error_type", "status_code", "method",
    "path", "endpoint", "provider", "model", "metadata", "tokens_used", "cost_usd", "operation", "table", "extra", "api_key",
]  # fmt: skip
_inner = st.dictionaries(st.sampled_from(_INNER), _JSON, max_size=6)
_fields = st.dictionaries(st.sampled_from(_TOP), _JSON | _inner, max_size=8)
_lines = st.one_of(
    st.builds(lambda fields, message: {**fields, "message": message}, _fields, st.sampled_from(_MESSAGES) | _JSON),
    st.builds(
        lambda fields, message, inner: {**AFN, **fields, "message": message, ("metric" if "metric" in message else "context"): inner},
        _fields, st.sampled_from(_MESSAGES), _inner,
    ),
).map(lambda data: json.dumps(data).encode())  # fmt: skip
_bytes = st.binary(max_size=80) | st.builds(
    lambda line, at, more: line[:at] + more + line[at:], _lines, st.integers(0, 200), st.binary(max_size=3)
)

PARSER, LEAN = shipped_parser(), shipped_parser(Wanted({"llm": {"context.extra"}}, everything=False))


@given(st.lists(_lines | _bytes, max_size=5))
@settings(deadline=None, max_examples=120)
def test_nothing_that_a_line_contains_raises(lines: list[bytes]) -> None:
    for parser in (PARSER, LEAN):
        records = parse(parser, *lines)
        assert len(records) == len(lines)
        for record, one in zip(records, told(records), strict=True):
            attributes = record.dialect.attributes(record)
            assert all(value.__class__ in (str, int, float, bool, list) for value in attributes.values())
            assert record.body.__class__ is str
            assert record.logger.__class__ is str
            assert record.severity_text.__class__ is str
            if one:
                assert one[0] is None or one[0].__class__ is str
                assert all(value is not None for value in one[5].values())
                json.dumps(one[5], allow_nan=False)


@given(st.lists(_lines, max_size=4))
@settings(deadline=None, max_examples=100)
def test_a_line_tells_the_same_whether_or_not_its_keys_were_learned(lines: list[bytes]) -> None:
    learned = parse(PARSER, *lines)
    general = shipped_parser_that_learns_nothing()
    for one, other in zip(learned, parse(general, *lines), strict=True):
        for name in (
            "time_unix_nano",
            "severity_number",
            "severity_text",
            "body",
            "logger",
            "exception",
            "trace_id",
            "span_id",
        ):
            assert getattr(one, name) == getattr(other, name)
        assert one.dialect.name == other.dialect.name
        assert (one.line is None) == (other.line is None)
        if one.line is not None:
            fast = one.line.new_reader(tuple(one.object or ()), one.data or {})(one.object)
            assert fast == other.line.read_any(other.data)(other.object)


_NOTHING_LEARNED: list[Any] = []


def shipped_parser_that_learns_nothing() -> Any:
    if not _NOTHING_LEARNED:
        parser: Any = shipped_parser()
        parser._learn = lambda _: parser._make_any
        _NOTHING_LEARNED.append(parser)
    return _NOTHING_LEARNED[0]


def deep(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + b"1" + closing * levels


@pytest.mark.parametrize("field", ["asctime", "name", "levelname", "message", "process", "exc_info", "context", "more"])
@pytest.mark.parametrize("levels", [100, 255, 900, 1000, 1015, 1024, 5000, 100_000])
def test_a_value_nested_to_any_depth_in_any_field_raises_nothing(field: str, levels: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        rest = json.dumps({key: value for key, value in AFN.items() if key != field}).encode()
        line = rest[:-1] + b', "' + field.encode() + b'": ' + deep(levels, opening, closing) + b"}"
        records = parse(PARSER, line)
        told(records)
        assert records[0].dialect.process_of(records[0].data or {}) is not None
        assert len(records[0].dialect.attributes(records[0])) < 200


def test_a_lean_reader_reads_only_what_rules_read() -> None:
    context = {
        "call_id": UUID,
        "model": "gpt-4o",
        "provider": "openai",
        "user_id": "u",
        "note": 1,
        "extra": 5,
        "duration_ms": 3.5,
    }
    line = {**AFN, "message": "LLM call completed", "context": context}
    (full,), (lean,) = told(parse(PARSER, line)), told(parse(LEAN, line))
    assert lean[:5] == full[:5]
    assert lean[5] == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "context.extra": 5,
    }  # fmt: skip
    assert lean[5].items() <= full[5].items()
    assert full[5]["user.id"] == "u"
    assert full[5]["context.note"] == 1
