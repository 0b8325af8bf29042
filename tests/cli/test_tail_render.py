from __future__ import annotations

import unicodedata
from datetime import UTC, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.cli.render import Layout, Renderer
from logagent.cli.render_json import record_json
from logagent.cli.selection import LevelError, Selection, parse_level
from logagent.cli.span_text import cost_text
from logagent.cli.stacktrace import fold
from logagent.cli.style import Style, make_style
from logagent.cli.tail_view import TailView
from logagent.cli.terminal_text import clip, visible, width
from logagent.cli.times import Moments, duration_text, parse_time
from logagent.expr import ExpressionError
from logagent.model import ExceptionInfo, LogRecord, Outcome, Resource, Span, SpanEvent

Value = Any
NOON = 1_795_348_800_000_000_000
MILLISECOND = 1_000_000
RESOURCE = Resource("app")
STACK = (
    "Traceback (most recent call last):\n"
    '  File "/app/src/main.py", line 10, in run\n    charge()\n'
    '  File "/app/src/billing/pricing.py", line 88, in price_for\n    return prices[name]\n'
    "KeyError: 'price'"
)


class Dialect:
    name = "json"
    failure: Any = None

    def attributes(self, record: LogRecord) -> dict[str, Any]:
        return {name: value for name, value in (record.data or {}).items() if name != "request_id"}

    def unclaimed(self, record: LogRecord) -> dict[str, Any]:
        return self.attributes(record)

    def request_of(self, data: dict[str, Any]) -> str | None:
        return data.get("request_id")

    def process_of(self, data: dict[str, Any]) -> str:
        return str(data.get("pid"))


def record(body: str = "hello", severity: int = 9, *, text: bool = False, **fields: Value) -> LogRecord:
    exception = fields.pop("exception", None)
    logger = fields.pop("logger", "app.orders")
    time = fields.pop("time", NOON)
    return LogRecord(
        time_unix_nano=1 if text else time,
        observed_time_unix_nano=1,
        severity_number=0 if text else severity,
        severity_text="",
        body=body,
        logger="" if text else logger,
        data=None if text else fields,
        dialect=Dialect(),
        resource=RESOURCE,
        receiver="tail",
        source="/var/log/app.log",
        exception=exception,
    )


def span(kind: str = "request", took: float = 74.9, **values: Value) -> Span:
    made = Span(
        kind=kind, id="de2cb928-34b8-4650", name=values.pop("name", ""), otlp_kind=2, start_unix_nano=NOON,
        end_unix_nano=NOON + round(took * MILLISECOND), attributes=values.pop("attributes", {}), resource=RESOURCE,
    )  # fmt: skip
    for name, value in values.items():
        setattr(made, name, value)
    return made


def renderer(columns: int = 0, *, style: Style | None = None, expand: bool = False) -> Renderer:
    return Renderer(Layout(style or Style(), columns, UTC, expand))


def test_a_piped_record_is_one_line_with_every_field() -> None:
    line = renderer().record(record("order\nplaced", 13, amount=2.50, note="a b", empty="", request_id="813a2de0-b803"))
    assert line == '2026-11-22T12:00:00.000000Z WRN orders order\\nplaced  amount=2.5 note="a b" empty=""  813a2de0'


def test_a_record_on_a_terminal_has_its_id_at_the_right_edge() -> None:
    line = renderer(80).record(record(amount=2, request_id="813a2de0-b803"))
    assert line == "12:00:00.000 INF orders hello  amount=2" + " " * 33 + "813a2de0"
    assert len(line) == 80


def test_a_narrow_terminal_shows_time_level_and_message() -> None:
    assert renderer(40).record(record("x" * 50, 17, a=1)) == "12:00:00 E " + "x" * 28 + "…"


def test_a_line_without_time_says_so() -> None:
    assert renderer().record(record("Started server", text=True)) == "-     app.log Started server"
    assert renderer(80).record(record("Started server", text=True)) == "           ·     app.log Started server"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            span(attributes={"http.request.method": "POST", "url.path": "/api/v1/prompts", "http.response.status_code": 200}),
            "✔ POST /api/v1/prompts 200 74.9 ms",
        ),
        (
            span(
                "llm", 66.8,
                attributes={"gen_ai.request.model": "gpt-4", "gen_ai.usage.total_tokens": 321, "gen_ai.usage.cost": 0.00963},
            ),
            "✔ llm gpt-4 321 tok $0.0096 66.8 ms",
        ),
        (
            span("llm", 1700, attributes={
                "gen_ai.request.model": "gpt-4", "gen_ai.usage.input_tokens": 1204, "gen_ai.usage.output_tokens": 312,
            }),
            "✔ llm gpt-4 1204→312 tok 1.70 s",
        ),
        (span("query", 2.3, attributes={"db.operation.name": "SELECT", "db.collection.name": "users"}), "✔ db SELECT users 2.3 ms"),
        (
            span("query", 2.3, outcome="failed", severity_number=17, status=2, status_message="locked",
                 attributes={"db.operation.name": "INSERT", "error.type": "OperationalError"}),
            "✗ db INSERT 2.3 ms  OperationalError: locked",
        ),
        (span("step", 5, name="step plan"), "✔ step step plan 5.0 ms"),
        (span("llm", 900_000, incomplete=True, outcome="incomplete"), "≥ llm no end seen after 15 min 0 s"),
    ],
)  # fmt: skip
def test_a_span_is_one_line_in_the_words_of_its_kind(made: Span, text: str) -> None:
    assert renderer().span(made).split(" ", 3)[3].removesuffix("  de2cb928") == text


def test_an_exception_is_folded_to_its_error_and_innermost_frame() -> None:
    failed = record("charge failed", 17, exception=ExceptionInfo("KeyError", "'price'", STACK))
    assert (
        renderer()
        .record(failed)
        .endswith("ERR orders charge failed  KeyError: 'price'  at billing/pricing.py:88 in price_for  … 5 more lines")
    )
    assert renderer(100).record(failed).split("\n") == [
        "12:00:00.000 ERR orders charge failed  KeyError: 'price'",
        "             │ billing/pricing.py:88 in price_for  … 5 more lines (-x)",
    ]
    assert len(renderer(100, expand=True).record(failed).split("\n")) == 7


def test_a_failed_span_shows_where_it_failed() -> None:
    event = SpanEvent(NOON, "exception", {"exception.stacktrace": STACK})
    shown = renderer(100).span(span("query", 1, outcome="failed", severity_number=17, events=[event]))
    assert "pricing.py:88 in price_for" in shown


def test_a_traceback_in_lines_of_text_is_folded_into_its_last_line() -> None:
    view = TailView(Selection(), renderer(100))
    lines = [*STACK.split("\n"), "next"]
    shown = [text for _, text, _ in view.lines(Outcome([record(line, text=True) for line in lines]))]
    assert shown == [
        "           ·     app.log KeyError: 'price'\n             │ billing/pricing.py:88 in price_for  … 4 more lines (-x)",
        "           ·     app.log next",
    ]
    piped = TailView(Selection(), renderer())
    assert len(piped.lines(Outcome([record(line, text=True) for line in lines]))) == 7


def test_red_is_for_errors_and_yellow_for_warnings_only() -> None:
    coloured = renderer(100, style=make_style(colour=True, ascii_only=False))
    for severity, red, yellow in (
        (5, False, False),
        (9, False, False),
        (13, False, True),
        (17, True, False),
        (21, True, False),
    ):
        line = coloured.record(record(severity=severity))
        assert ("\x1b[31m" in line, "\x1b[33m" in line) == (red, yellow)


def test_ascii_has_no_symbol_beyond_ascii() -> None:
    plain = renderer(100, style=make_style(colour=False, ascii_only=True))
    failed = record("x" * 200, 17, exception=ExceptionInfo("KeyError", "'price'", STACK))
    assert plain.record(failed).isascii()
    assert plain.record(record(text=True)).isascii()
    assert plain.span(span(outcome="failed", severity_number=17)).isascii()
    assert plain.rule("day").isascii()


texts = st.text(max_size=120) | st.text(alphabet="日本語ｆｕé\u0301🎉👨‍👩‍👧\ufe0f\x1b\u202e ab", max_size=120)


@given(texts, texts, st.integers(20, 300), st.integers(0, 24))
def test_a_line_never_overflows_the_terminal(body: str, value: str, columns: int, severity: int) -> None:
    shown = renderer(columns).record(record(body, severity, logger=value[:40], key=value, request_id=value))
    assert all(width(line) <= columns for line in shown.split("\n"))
    made = span(
        "query",
        attributes={"db.operation.name": body, "db.collection.name": value},
        status_message=body,
        outcome="failed",
    )
    assert all(width(line) <= columns for line in renderer(columns).span(made).split("\n"))
    assert width(renderer(columns).rule(body)) <= columns


@given(texts)
def test_visible_text_holds_nothing_that_commands_a_terminal(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in shown)
    assert not any(
        unicodedata.bidirectional(character) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")
        for character in shown
    )
    assert visible(shown) == shown


@given(texts, st.integers(0, 60))
def test_clipped_text_fits_and_is_a_beginning(text: str, columns: int) -> None:
    shown = clip(visible(text), columns)
    assert width(shown) <= columns
    assert shown == visible(text) or visible(text).startswith(shown.removesuffix("…"))


def test_every_selected_line_is_shown_in_order_of_time_and_counted() -> None:
    view = TailView(Selection(levels=parse_level("warn")), renderer())
    late = span(took=5, severity_number=17)
    shown = view.lines(
        Outcome([record(severity=9), record("text", text=True), record("w", 13, time=NOON + 9 * MILLISECOND)], [late])
    )
    assert [time for time, _, _ in shown] == [late.end_unix_nano, NOON + 9 * MILLISECOND]
    assert view.tally.text(Moments(UTC, full=False)).startswith(
        "3 lines · 0 ERR 1 WRN 1 INF · 1 not JSON · 0 dropped · "
    )


def test_levels_are_a_threshold_or_an_exact_set() -> None:
    assert parse_level("warn") == set(range(13, 25))
    assert parse_level("=warn,error") == set(range(13, 21))
    with pytest.raises(LevelError, match="no level 'loud'"):
        parse_level("=warn,loud")


def test_a_selection_with_a_bad_condition_is_refused() -> None:
    with pytest.raises(ExpressionError):
        Selection(where="duration >>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-15m", NOON - 15 * 60 * 10**9),
        ("1h30m", NOON - 90 * 60 * 10**9),
        ("now", NOON),
        ("11:30", NOON - 30 * 60 * 10**9),
        ("11:59:58", NOON - 2 * 10**9),
        ("today", NOON - 12 * 3600 * 10**9),
        ("yesterday", NOON - 36 * 3600 * 10**9),
        ("2026-11-22", NOON - 12 * 3600 * 10**9),
        ("2026-11-22T13:00:00+01:00", NOON),
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22 12:00", NOON),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: int) -> None:
    assert parse_time(text, NOON, UTC) == expected


@pytest.mark.parametrize("text", ["", "some day", "25:00", "-", "15", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is the caller's to write
        parse_time(text, NOON, UTC)


def test_moments_are_utc_in_full_or_local_to_a_stated_zone() -> None:
    assert Moments(None, full=True)(NOON + 1000) == "2026-11-22T12:00:00.000001Z"
    local = Moments(timezone(timedelta(hours=5, minutes=30)), full=False)
    assert local(NOON) == "17:30:00.000"
    assert local.day == "Sun 22 Nov 2026"
    assert local.zone_name(NOON) == "UTC+05:30 (+05:30)"
    assert Moments(UTC, full=True)(10**30).startswith("9999-12-31T23:59:59")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00061, "610 µs"),
        (0.0749, "74.9 ms"),
        (0.112, "112 ms"),
        (1.05, "1.05 s"),
        (12.34, "12.3 s"),
        (252, "4 min 12 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations_show_the_digits_that_matter(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_costs_show_the_digits_that_matter() -> None:
    assert [cost_text(cost) for cost in (0.00963, 0.0000123, 1.254, 0)] == ["$0.0096", "$0.000012", "$1.25", "$0.00"]


def test_a_text_without_frames_is_folded_to_nothing() -> None:
    assert fold("").frame == ""
    assert fold("a\nb").more == 1


def test_json_of_a_record_is_whole_whatever_its_values_are() -> None:
    made = orjson.loads(record_json(record("m", a=float("nan"), b=2**60)))
    assert made["attributes"] == {"a": None, "b": 2**60}
    assert made["time"] == "2026-11-22T12:00:00.000000Z"
    assert made["exception"] is None
    assert made["trace_id"] is None
