"""``[[test]]`` of a rule file: what happens, and what must come of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from logagent.alerting.loading import listed_tables, read_table
from logagent.alerting.rules.base import RuleTable
from logagent.settings.values import Duration, custom_error, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logagent.alerting.loading import Make
    from logagent.errors import Problem

_OWN_KEYS = frozenset({"at", "every", "for", "late", "count", "lines", "source"})
_NO_TIME = frozenset({"0", "0s", "0m", "0h", "0d"})
_FIRST_START, _LAST_START = datetime(1970, 1, 1, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC)
_LONGEST_SPAN = 100 * 365 * 86_400.0
_MOST_EVENTS = 2_000_000
"""A test with more is a mistake in `every`, and would take a minute."""


def _offset(value: object) -> float:
    return 0.0 if isinstance(value, str) and value in _NO_TIME else parse_duration(value)


def _start(value: datetime) -> datetime:
    start = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _FIRST_START <= start <= _LAST_START:
        raise custom_error("no time that logs are of", "a start from 1970 to 2150")
    return start


Offset = Annotated[float, BeforeValidator(_offset), WithJsonSchema({"type": "string", "examples": ["7m30s"]})]
"""Seconds since the test's start, from text such as ``"7m30s"``."""
Start = Annotated[datetime, AfterValidator(_start)]


class Band(RuleTable):
    """Where a number must lie."""

    above: float | None = Field(default=None, description="It is more than this.", examples=[0.2])
    below: float | None = Field(default=None, description="It is less than this.", examples=[0.3])

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.above is None and self.below is None:
            raise custom_error("a band without a bound", "{ above = 0.2, below = 0.3 }")
        if self.above is not None and self.below is not None and not self.above < self.below:
            raise custom_error("no number lies in this band", "{ above = 0.2, below = 0.3 }")
        return self


Number = StrictInt | StrictFloat | Band


def _check_durations(given: object) -> None:
    """A span's duration, or a list of them: text with a unit, or seconds. Raises a validator's error."""
    for one in given if isinstance(given, list) and given else [given]:
        if isinstance(one, bool) or not isinstance(one, int | float):
            parse_duration(one)
        elif not 0 <= one <= _LONGEST_SPAN:
            raise custom_error("a duration out of range", 'seconds, or text such as "250ms"')


class Input(RuleTable):
    """Events of one kind: one, or a row of them. What they are is told by one key: ``log``, ``error``, a kind of span, or ``lines``."""

    at: Offset = Field(default=0.0, description="When the (first) event happens, since the start.", examples=["5m"])
    every: Duration | None = Field(default=None, description="Again after this, `for` so long.", examples=["1s"])
    lasting: Duration | None = Field(
        default=None, alias="for", description="How long it is repeated; the end is not part of it.", examples=["20m"]
    )
    late: Offset = Field(default=0.0, description="How long after it happened an event is read.", examples=["25s"])
    count: int = Field(default=1, ge=1, le=100_000, description="So many equal events each time.", examples=[3])
    lines: list[str] = Field(
        default=[],
        description="Log lines, read by the parsers. `{time}` is the event's time in ISO 8601.",
        examples=[['{"timestamp": "{time}", "level": "INFO", "message": "hello"}']],
    )
    source: str = Field(default="app.log", description="The log that the lines are of.", examples=["app.log"])
    events: dict[str, dict[str, Any]] = Field(
        default={}, description="`log`, `error` or a kind of span → the event's fields.", examples=[{"status": 200}]
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        """The key that is none of the others says what the event is."""
        if not isinstance(value, dict):
            return value
        told = {key: fields for key, fields in value.items() if key not in _OWN_KEYS}
        wrong = [key for key, fields in told.items() if not isinstance(fields, dict)]
        if wrong:
            raise custom_error(
                f"`{wrong[0]}` is neither a key of an input nor a table of an event's fields",
                'one of at, every, for, late, count, lines, source, or an event such as request = { duration = "1s" }',
            )
        if len(told) + ("lines" in value) != 1:
            raise custom_error(
                "an input is one kind of event",
                'lines = ["…"], log = { … }, error = { … } or a kind of span such as request = { … }',
            )
        return {**{key: value[key] for key in value if key in _OWN_KEYS}, "events": told}

    @model_validator(mode="after")
    def _check_row(self) -> Self:
        if (self.every is None) != (self.lasting is None):
            raise custom_error("`every` and `for` belong together", 'every = "1s", for = "20m"')
        if self.times * self.count * max(len(self.lines), 1) > _MOST_EVENTS:
            raise custom_error("too many events", f"at most {_MOST_EVENTS:,}; a longer `every`")
        for kind, fields in self.events.items():
            if kind not in {"log", "error"}:
                _check_durations(fields.get("duration", 0))
        return self

    @property
    def times(self) -> int:
        """How often it happens."""
        if self.every is None or self.lasting is None:
            return 1
        return max(-int(-self.lasting // self.every), 1)


class Expectation(RuleTable):
    """What must be seen at a moment, or over a stretch of time, of one alert, metric, budget or SLO."""

    at: Offset | None = Field(default=None, description="The moment, since the start.", examples=["7m"])
    since: Offset | None = Field(
        default=None, alias="from", description="Begin of a stretch; for `fired` and `resolved`.", examples=["0s"]
    )
    until: Offset | None = Field(default=None, alias="to", description="Its end.", examples=["20m"])
    alert: str = Field(default="", description="Name of a rule that gives alerts.", examples=["HighErrorRate"])
    metric: str = Field(default="", description="Name of a metric, without prefix.", examples=["http_requests_total"])
    budget: str = Field(default="", description="Name of a budget.", examples=["LlmMonthlyBudget"])
    slo: str = Field(default="", description="Name of an SLO.", examples=["api-availability"])
    route: str = Field(default="", description="Name of a route.", examples=["pager"])
    notifications: int | None = Field(
        default=None, ge=0, description="How many the route sends in the stretch.", examples=[2]
    )
    labels: dict[str, str] = Field(
        default={}, description="Labels that it has among others.", examples=[{"endpoint": "/chat"}]
    )
    state: Literal["inactive", "pending", "firing"] | None = Field(
        default=None, description="State of the alert.", examples=["firing"]
    )
    annotations: dict[str, str] = Field(
        default={}, description="Texts of the alert, whole.", examples=[{"summary": "2 slow queries"}]
    )
    fired: int | None = Field(default=None, ge=0, description="How often it began to fire.", examples=[1])
    resolved: int | None = Field(default=None, ge=0, description="How often it resolved.", examples=[1])
    value: Number | None = Field(
        default=None, description="The alert's or the metric's value, a histogram's sum.", examples=[0.2]
    )
    count: Number | None = Field(default=None, description="Observations of a histogram; alerts.", examples=[3])
    figures: dict[str, Number] = Field(
        default={},
        description="Any other key is a figure of a budget (`spent`, `share`, …) or an SLO (`bad`, `budget_left`, …).",
        examples=[{"spent": 12.5}],
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        """What a budget or an SLO is asked for beside the keys that all have is a figure."""
        if not isinstance(value, dict) or not ({"budget", "slo"} & value.keys()):
            return value
        own = {field.alias or name for name, field in cls.model_fields.items()} - {"value", "count"}
        figures = {key: number for key, number in value.items() if key not in own}
        return {**{key: value[key] for key in value if key in own}, "figures": figures}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(map(bool, (self.alert, self.metric, self.budget, self.slo, self.route))) != 1:
            raise custom_error("an expectation is about one thing", 'alert, metric, budget, slo or route = "…"')
        counts = self.fired is not None or self.resolved is not None
        if counts and not self.alert:
            raise custom_error("`fired` and `resolved` are of alerts", 'alert = "…"')
        if bool(self.route) != (self.notifications is not None):
            raise custom_error("`route` and `notifications` belong together", 'route = "pager", notifications = 2')
        if counts or self.route:
            self._check_stretch()
        else:
            self._check_moment()
        return self

    def _check_stretch(self) -> None:
        if self.at is not None:
            raise custom_error(
                "`fired`, `resolved` and `notifications` are of a stretch of time",
                'from = "0s", to = "20m" in place of `at`',
            )
        if self._says_something():
            raise custom_error(
                "`state`, `value`, `count` and `annotations` are of a moment",
                'an expectation of its own, with at = "7m"',
            )
        if self.until is not None and self.until < (self.since or 0.0):
            raise custom_error("`to` is before `from`", 'from = "0s", to = "20m"')

    def _check_moment(self) -> None:
        if self.at is None:
            raise custom_error("`at` is missing", 'at = "7m"')
        if self.since is not None or self.until is not None:
            raise custom_error("`from` and `to` are of `fired`, `resolved` and `notifications`", 'at = "7m" alone')
        if not self._says_something():
            raise custom_error("an expectation that expects nothing", "state, value, count, annotations or figures")
        if not self.alert and (self.state or self.annotations):
            raise custom_error("`state` and `annotations` are of alerts", 'alert = "…"')
        if self.state == "inactive" and (self.annotations or self.value is not None):
            raise custom_error("an alert that is inactive has neither a value nor texts", 'state = "firing"')

    def _says_something(self) -> bool:
        return bool(self.state or self.annotations or self.figures or self.value is not None or self.count is not None)

    @property
    def about(self) -> str:
        """What it is about, as a person names it."""
        return self.alert or self.metric or self.budget or self.slo or self.route


class RuleTest(RuleTable):
    """A test of rules."""

    name: str = Field(min_length=1, max_length=200, description="What it shows, in a sentence.", examples=["5xx burst"])
    start: Start = Field(
        default=datetime(2026, 1, 5, tzinfo=UTC),
        description="When the test's time begins; a Monday if not given.",
        examples=[datetime(2026, 3, 2, 9, tzinfo=UTC)],
    )
    rules: list[str] = Field(
        default=[],
        description="The rules under test, by name; none means all of the file.",
        examples=[["HighErrorRate"]],
    )
    service: str = Field(default="app", description="service.name of all events.", examples=["backend"])
    input: list[Input] = Field(default=[], description="What happens.")
    restart: list[Offset] = Field(
        default=[], description="The agent is killed and started again at these moments.", examples=[["8m"]]
    )
    expect: list[Expectation] = Field(min_length=1, description="What must be seen.")


def read_tests(data: Mapping[str, Any], make: Make) -> tuple[list[RuleTest], list[Problem]]:
    """The tests of a decoded rule file, and everything wrong with them. ``make`` makes a Problem of a place in the file."""
    problems: list[Problem] = []
    tables = listed_tables(data, "test", make, problems)
    read = [read_table(RuleTest, ("test", index), table, make, problems) for index, table in enumerate(tables)]
    return [test for test in read if test is not None], problems
