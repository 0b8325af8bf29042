"""The samples inside parser files, run."""

from __future__ import annotations

import pytest
from parser_harness import SHIPPED, TEXT

from logagent.parsing.definition import ParserDefinition
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.redaction import Redactor
from logagent.parsing.samples import Difference, run_samples

ALL = [CompiledDialect(definition, Redactor(), zone="UTC") for definition in SHIPPED]


@pytest.mark.parametrize("definition", SHIPPED, ids=lambda definition: definition.name)
def test_every_shipped_parser_has_samples_and_does_what_they_say(definition: ParserDefinition) -> None:
    assert definition.sample
    assert [str(difference) for difference in run_samples(definition, ALL)] == []


LINE = '{"ts": "2026-11-20T09:00:00.5Z", "level": "warn", "msg": "disk almost full", "disk": {"free": 12}}'
START = '{"levelname": "INFO", "message": "Request started", "asctime": "2026-11-20 09:00:00,000", "context": {"request_id": "r", "method": "GET"}}'
END = '{"levelname": "INFO", "message": "Request finished", "asctime": "2026-11-20 09:00:02,000", "context": {"request_id": "r", "status_code": 200}}'


def differences(**sample: object) -> list[str]:
    definition = ParserDefinition(name="own", sample=[sample])
    return [str(difference) for difference in run_samples(definition, ALL)]


def test_a_sample_that_holds_makes_no_difference() -> None:
    record = {
        "body": "disk almost full", "severity": "WARN", "disk.free": 12, "time": "2026-11-20T09:00:00.5Z", "parser": "json",
    }  # fmt: skip
    assert differences(lines=[LINE], records=[record]) == []


def test_start_and_end_lines_are_put_together() -> None:
    span = {
        "kind": "request", "id": "r", "request": "r", "start": "2026-11-20T09:00:00Z", "duration_seconds": 2.0,
        "http.request.method": "GET", "http.response.status_code": 200,
    }  # fmt: skip
    assert differences(lines=[START, END], spans=[span]) == []
    assert differences(lines=[START], spans=[{"duration_seconds": 2.0}]) == [
        "own: sample 1: spans[0].duration_seconds: expected 2.0, found nothing"
    ]


def test_each_difference_says_where_it_is_and_what_was_found() -> None:
    assert differences(
        lines=[LINE, "text"], records=[{"body": "disk", "disk.free": 13, "logger": ""}, {"severity": "INFO", "x": 1}]
    ) == [
        "own: sample 1: records[0].body: expected 'disk', found 'disk almost full'",
        "own: sample 1: records[0].disk.free: expected 13, found 12",
        "own: sample 1: records[1].severity: expected 'INFO', found 'UNSET'",
        "own: sample 1: records[1].x: expected 1, found nothing",
    ]


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ({"lines": [LINE], "records": []}, "own: sample 1: records: expected 0, found 1"),
        ({"lines": [LINE], "spans": [{}]}, "own: sample 1: spans: expected 1, found 0"),
        ({"lines": LINE}, "own: sample 1: lines: expected 'a list of texts', found "),
        ({"records": []}, "own: sample 1: lines: expected 'a list of texts', found nothing"),
        ({"lines": [LINE], "records": {"body": "x"}}, "own: sample 1: records: expected 'a list of tables', found "),
        ({"lines": [LINE], "record": []}, "own: sample 1: record: expected 'did you mean `records`?', found 'record'"),
    ],
)
def test_a_sample_that_is_itself_wrong_says_so(sample: dict[str, object], text: str) -> None:
    (found,) = differences(**sample)
    assert found.startswith(text)


def test_samples_are_numbered_from_one() -> None:
    definition = ParserDefinition(name="own", sample=[{"lines": []}, {"lines": ["x"], "records": []}])
    assert run_samples(definition, ALL) == [Difference("own", 2, "records", 0, 1)]


def test_a_definition_may_be_tested_beside_the_text_parser_alone() -> None:
    definition = ParserDefinition(
        name="own", record={"body": "m"}, sample=[{"lines": ['{"m": "x"}'], "records": [{"body": "x"}]}]
    )
    dialects = [CompiledDialect(definition, Redactor()), CompiledDialect(TEXT, Redactor())]
    assert run_samples(definition, dialects) == []
