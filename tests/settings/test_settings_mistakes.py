"""What a mistake in the configuration is told as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from logagent.errors import ConfigurationError, Problem
from logagent.settings import load_settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

Problems = Callable[[str], list[Problem]]
_RECEIVER = "[receivers.stdin]\n"


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """The problems of a text, loaded from a file of a directory of its own."""

    def problems(text: str) -> list[Problem]:
        file = tmp_path / "logagent.toml"
        file.write_text(text)
        with pytest.raises(ConfigurationError) as caught:
            load_settings(file, {"TOKEN": "s3cret"})
        return caught.value.problems

    return problems


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("[service]\nnmae = 1", "service.nmae (line 2)", 'unknown option "nmae"', "did you mean `name`?"),
        ("[service]\nzzz = 1", "service.zzz (line 2)", 'unknown option "zzz"', "one of environment, name, namespace"),
        ("[service]\nseries = 1", "service.series (line 2)", 'unknown option "series"', "series in the table [limits]"),
        ("[limit]\nline = 1", "limit (line 1)", 'unknown table "limit"', "did you mean `limits`?"),
        (
            "[exporters.otlp]\ntls = { ca = 1 }",
            "exporters.otlp.tls.ca (line 2)",
            'unknown option "ca"',
            "one of ca_file, cert_file, insecure_skip_verify, key_file",
        ),
        (
            "[service]\nname = 1",
            "service.name (line 2)",
            "expected a string, found an integer",
            'name = "autoforgenexus-backend"',
        ),
        (
            "service = 1",
            "service (line 1)",
            "expected a table, found an integer",
            "a table, as [name] on a line of its own",
        ),
        ("[limits]\nnesting = true", "limits.nesting (line 2)", "expected an integer, found a boolean", "nesting = 6"),
        ("[limits]\nnesting = 1.5", "limits.nesting (line 2)", "expected an integer, found a number", "nesting = 6"),
        ("[limits]\nnesting = 0", "limits.nesting (line 2)", "too small: 0", "at least 1"),
        ("[limits]\nnesting = 101", "limits.nesting (line 2)", "too large: 101", "at most 100"),
        ('[limits]\nline = "1B"', "limits.line (line 2)", "too small: 1", 'at least "1KiB"'),
        (
            "[limits]\nline = 5",
            "limits.line (line 2)",
            "a size needs a unit: 5",
            '"5B" for bytes or a larger unit, for example "1MiB"',
        ),
        (
            '[exporters.otlp]\ntimeout = "5 minutes"',
            "exporters.otlp.timeout (line 2)",
            'not a duration: "5 minutes"',
            'a number with one of the units ms, s, m, h, d, for example "250ms" or "5m"',
        ),
        (
            '[exporters.otlp]\ncompression = "gzp"',
            "exporters.otlp.compression (line 2)",
            'not "gzip" or "none": "gzp"',
            "did you mean `gzip`?",
        ),
        (
            '[exporters.file]\npath = "x"\nsignals = ["metrics"]',
            "exporters.file.signals[0] (line 3)",
            'not "logs" or "traces": "metrics"',
            '"logs" or "traces"',
        ),
        ("[exporters.file]", "exporters.file.path (line 1)", "the option path is missing", 'path = "out.ndjson"'),
        (
            '[receivers.a]\ntype = "filelog"\ninclude = []',
            "receivers.a.include (line 3)",
            "empty",
            'include = ["/var/log/autoforge/*.log"]',
        ),
        (
            '[receivers.a]\ntype = "filelog"\ninclude = "/x"',
            "receivers.a.include (line 3)",
            "expected a list, found a string",
            'include = ["/var/log/autoforge/*.log"]',
        ),
        (
            '[receivers.stdin]\ntimezone = "Berlin"',
            "receivers.stdin.timezone (line 2)",
            'an unknown time zone: "Berlin"',
            "local, UTC, +02:00 or an IANA name such as Europe/Berlin",
        ),
        (
            "[receivers.journald]",
            "receivers.journald.type (line 1)",
            'unknown receiver type "journald"; known: filelog, stdin',
            'type = "filelog" or another of the known types',
        ),
        (
            "[exporters.a]\ntype = 'otpl'",
            "exporters.a.type (line 2)",
            'unknown exporter type "otpl"; known: file, otlp, prometheus, webhook',
            "did you mean `otlp`?",
        ),
        (
            "[exporters]\nx = 1",
            "exporters.x (line 2)",
            "expected a table, found an integer",
            "a table, as [name] on a line of its own",
        ),
        (
            "[exporters.a]\ntype = 1",
            "exporters.a.type (line 2)",
            "expected a string, found an integer",
            "one of file, otlp, prometheus, webhook",
        ),
        (
            '[exporters."a b"]\ntype = "otlp"',
            'exporters."a b" (line 1)',
            'not a component\'s name: "a b"',
            "letters, digits, - and _, for example app-2",
        ),
        (
            '[exporters.prometheus]\nlisten = "9464"',
            "exporters.prometheus.listen (line 2)",
            'not an address: "9464"',
            'host and port, for example "127.0.0.1:9464", or "" for none',
        ),
        (
            '[exporters.otlp]\nheaders = { "a b" = "c" }',
            'exporters.otlp.headers."a b" (line 2)',
            "not a header's name",
            'letters, digits and dashes, for example "X-Api-Key"',
        ),
        (
            "[redaction]\npatterns = ['a(']",
            "redaction.patterns[0] (line 2)",
            'not a regular expression: missing ), unterminated subpattern at position 1: "a("',
            "single quotes around it, and a backslash before characters meant literally",
        ),
        (
            '[exporters.file]\npath = "${MISSING}"',
            "exporters.file.path (line 2)",
            "the environment has no variable MISSING",
            "set MISSING before starting, or write $${MISSING} for the text itself",
        ),
    ],
)
def test_a_mistake_is_told_with_place_line_and_what_to_try(
    problems: Problems, text: str, place: str, message: str, hint: str
) -> None:
    receiver = "" if "[receivers" in text else "\n" + _RECEIVER
    found = problems(f"{text}{receiver}")
    assert [(problem.place, problem.message, problem.hint) for problem in found] == [(place, message, hint)]


def test_syntax_errors_do_not_hide_the_other_mistakes(problems: Problems) -> None:
    found = problems("""[receivers.app]
type = "filelog"
include = /var/log/*.log
start_at = "begining"
[limits
line = "1MiB"
nmae = 1
[service]
name = "x
[exporters.otlp]
timeout = 3
""")
    assert [(problem.place, problem.message) for problem in found] == [
        ("line 3, column 11", "not valid TOML: invalid value"),
        ("line 5, column 8", "not valid TOML: expected ']' at the end of a table declaration"),
        ("line 9, column 10", "not valid TOML: illegal character '\\n'"),
        ("receivers.app.start_at (line 4)", 'not "end" or "beginning": "begining"'),
        ("exporters.otlp.timeout (line 11)", "a duration needs a unit: 3"),
    ]
    assert all(problem.hint for problem in found)


def test_a_configuration_that_reads_nothing_is_a_mistake(problems: Problems) -> None:
    assert [problem.message for problem in problems("")] == ["there is no receiver, so nothing would be read"]


def test_nothing_that_came_through_a_reference_or_is_a_header_shows(problems: Problems) -> None:
    found = problems(
        _RECEIVER + '[exporters.otlp]\ncompression = "${TOKEN}"\ntimeout = "${TOKEN}"\nendpoint = "${TOKEN}"\n'
        'headers = { A = "literal-s3cret\\n" }\n[exporters.x]\ntype = "${TOKEN}"\n'
        '[limits]\nline = "${TOKEN}"\nnesting = "${TOKEN}"\n[redaction]\npatterns = ["(${TOKEN}"]\n'
    )
    assert len(found) == 8
    assert "s3cret" not in "".join(map(str, found))


def test_a_password_in_a_url_does_not_show(problems: Problems) -> None:
    found = problems(_RECEIVER + '[exporters.otlp]\nendpoint = "ftp://user:s3cret@host"\n')
    assert [problem.message for problem in found] == ['not a URL: "ftp://…@host"']


def test_a_pattern_that_can_take_exponential_time_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "logagent.toml"
    file.write_text("[redaction]\npatterns = ['(a+)+$']\n")
    _, problems = read_settings(file, {})
    assert any("exponential" in problem.message and problem.hint for problem in problems)
