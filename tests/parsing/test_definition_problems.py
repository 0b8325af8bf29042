"""Everything that is wrong with a parser file, at once, with its place and what to try."""

from __future__ import annotations

import pytest
import tomli
from pydantic import ValidationError

from logagent.parsing.checks import semantic_problems
from logagent.parsing.compile import duration_nano
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.problems import definition_problems


def problems(toml: str) -> list[str]:
    try:
        definition = ParserDefinition.model_validate(tomli.loads(toml))
    except ValidationError as error:
        return [str(problem) for problem in definition_problems("own.toml", error)]
    return [str(problem) for problem in semantic_problems("own.toml", definition)]


def test_all_mistakes_of_form_are_told_at_once() -> None:
    assert problems("""
version = 3
name = "My Parser"
descripton = "x"
format = "jsn"
[record]
bodi = "message"
time = { field = "ts", formt = "auto" }
[failure]
same = "host"
[[span]]
kind = "a"
name = "a"
[[span]]
kind = "step"
[[span.line]]
mesage = "x"
role = "star"
""") == [
        "own.toml: version: input should be 1; try: version = 1",
        "own.toml: name: string should match pattern '^[a-z][a-z0-9_-]*$'; try: lower-case letters, digits and _, beginning with a letter",
        "own.toml: format: input should be 'json' or 'text'; did you mean `json`?",
        "own.toml: record.time.formt: unknown key `formt`; did you mean `format`?",
        "own.toml: record.bodi: unknown key `bodi`; did you mean `body`?",
        "own.toml: failure.same: input should be 'request' or 'process'; try: one of request, process",
        "own.toml: span[1].name: `name` is missing; try: add `name`",
        "own.toml: span[1].line[0].message: `message` is missing; try: add `message`",
        "own.toml: span[1].line[0].role: input should be 'start', 'end', 'fail', 'add', 'echo' or 'event'; did you mean `start`?",
        "own.toml: span[1].line[0].mesage: unknown key `mesage`; did you mean `message`?",
        "own.toml: descripton: unknown key `descripton`; did you mean `description`?",
    ]


def test_all_mistakes_of_meaning_are_told_at_once() -> None:
    assert problems("""
name = "own"
[match]
where = "name =="
[record]
time = { field = "ts", format = "epoch", zone = "Mars/Olympus" }
[failure]
window = "-1s"
[[span]]
kind = "a"
name = "a"
grace = "5"
[[span]]
kind = "step"
name = "x"
timeout = "soon"
[[span.line]]
message = "x"
role = "end"
[[span.line]]
message = "x"
role = "end"
where = "a = 1"
""") == [
        "own.toml: record.time.format: unknown time format 'epoch'; did you mean `epoch_s`?",
        "own.toml: record.time.zone: unknown time zone 'Mars/Olympus'; try: local, UTC, +02:00 or a name such as Europe/Berlin",
        "own.toml: match.where: column 7: the expression ends too early; try: join conditions with `and` or `or`",
        "own.toml: span[1].line[1].where: column 3: = is no operator here; try: use == to compare",
        'own.toml: failure.window: \'-1s\' is no duration; try: write for example "250ms", "2s" or "15m"',
        'own.toml: span[0].grace: \'5\' is no duration; try: write for example "250ms", "2s" or "15m"',
        'own.toml: span[1].timeout: \'soon\' is no duration; try: write for example "250ms", "2s" or "15m"',
    ]


def test_a_strptime_pattern_is_a_time_format() -> None:
    assert problems('name = "own"\n[record]\ntime = { field = "ts", format = "%d/%b/%Y:%H:%M:%S" }') == []


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("250ms", 250_000_000), ("2s", 2 * 10**9), ("15m", 900 * 10**9), ("1h", 3600 * 10**9), ("0s", 0)],
)
def test_durations_are_nanoseconds(text: str, nanos: int) -> None:
    assert duration_nano(text) == nanos


@pytest.mark.parametrize("text", ["", "x", "5", "-5s", "1 + ", "true", "name", '"2s"', "s"])
def test_what_is_no_duration_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match=r'is no duration; write for example "250ms", "2s" or "15m"'):
        duration_nano(text)
