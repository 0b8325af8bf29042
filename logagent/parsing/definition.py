"""Parser definition files as typed models: every key declared once, with what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Paths = str | list[str]
"""One path, or several of which the first that is there counts."""


class Model(BaseModel):
    """Strict: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(Model):
    """Which lines are of this dialect."""

    keys: list[str] = Field(default=[], description="paths that must be there")
    where: str = Field(default="", description="condition over the line's fields")


class Time(Model):
    """When the line was written."""

    field: Paths = Field(description="where the time is")
    format: str = Field(
        default="auto", description="auto, iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns, or a strptime pattern"
    )
    zone: str = Field(default="local", description="zone of times that name none: local, UTC, +02:00, Europe/Berlin")


class Record(Model):
    """The parts of a log record."""

    time: Time | None = Field(
        default=None, description="when the line was written; a line that does not say is as old as the one before it"
    )
    severity: Paths = Field(default=[], description="name or number of the level")
    severity_numbers: Literal["tens", "python", "syslog", "otel"] = Field(
        default="tens", description="what a number means: 10, 20, … 60; Python's, syslog's or OpenTelemetry's own"
    )
    body: Paths = Field(default=[], description="the message")
    logger: Paths = Field(default=[], description="name of the logger")
    exception: Paths = Field(default=[], description="text of a traceback, or an object with type, message, stack")
    request: Paths = Field(default=[], description="id of the request that any line may belong to, in its object")
    process: Paths = Field(default=[], description="process that wrote the line")
    object: list[str] = Field(
        default=[],
        description="objects in which ids and values are looked for, the first that is there; else the line itself",
    )
    trace_id: Paths = Field(default=[], description="the line's own W3C trace id")
    span_id: Paths = Field(default=[], description="the W3C span in which the line was written")
    attributes: dict[str, str] = Field(default={}, description="attribute name -> path, for every line")


class Duration(Model):
    """How long the span took."""

    field: Paths = Field(description="where the duration is")
    unit: Literal["s", "ms", "us", "ns"] = Field(default="ms", description="what it is counted in")


class Line(Model):
    """A line that tells of a span."""

    message: str | list[str] = Field(description="the body, exactly")
    logger: str = Field(default="", description="only from this logger")
    where: str = Field(default="", description="only where this condition over the line's fields holds")
    role: Literal["start", "end", "fail", "add", "echo", "event"] = Field(description="what the line is to the span")
    set: dict[str, str | int | float | bool] = Field(default={}, description="attributes that the line implies")
    failure: str = Field(default="", description="which of the several lines of one failure this is")


class SpanDefinition(Model):
    """One kind of span."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="request, llm, query, or any other word"
    )
    otlp_kind: Literal["internal", "server", "client", "producer", "consumer"] = Field(
        default="internal", description="OpenTelemetry's kind of span"
    )
    name: str = Field(description="template over attributes: {http.request.method} {endpoint}")
    id: Paths = Field(default=[], description="id that the lines of one span share")
    scope: Literal["global", "service", "process"] = Field(
        default="global",
        description="within what the id is unique: a counter is so in its service, or in the process of `[record]`",
    )
    parent: Paths = Field(default=[], description="id of the parent span")
    parent_kind: str = Field(default="request", description="kind of the parent")
    infer: bool = Field(default=False, description="infer the parent where no id names it")
    start: Paths = Field(default=[], description="ISO 8601 time of the span's start, on any of its lines")
    duration: Duration | None = Field(default=None, description="how long it took, on the line that ends it")
    timeout: str = Field(default="15m", description="a span whose end has not come by then is incomplete")
    grace: str = Field(default="0s", description="how long an ended span waits for a line that adds to it")
    echo: list[str] = Field(default=[], description="attributes that two tellings of the same span share")
    attributes: dict[str, Paths] = Field(default={}, description="attribute name -> path, on any of its lines")
    values: dict[str, str | int | float | bool] = Field(default={}, description="attributes that every such span has")
    line: list[Line] = Field(default=[], description="the lines that tell of it")


class FailureDefinition(Model):
    """Which error lines tell of the same failure."""

    type: Paths = Field(default=[], description="error type; where missing, the exception's")
    strip_prefix: list[str] = Field(default=[], description="prefixes that a reporter puts before the type")
    same: Literal["request", "process"] = Field(default="request", description="within what the lines are looked for")
    window: str = Field(default="60s", description="lines further apart tell of different failures")


class ParserDefinition(Model):
    """A parser definition file."""

    version: Literal[1] = Field(default=1, description="version of this format")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")] = Field(
        description="what `parser` in the configuration says; a later file replaces an earlier one of the same name"
    )
    description: str = Field(default="", description="what writes such lines")
    format: Literal["json", "text"] = Field(default="json", description="an object a line, or plain text")
    priority: int = Field(default=0, description="definitions with a higher one are asked first")
    match: Match = Field(default=Match(), description="which lines are of this dialect")
    record: Record = Field(default=Record(), description="the parts of a log record")
    failure: FailureDefinition = Field(
        default=FailureDefinition(), description="which error lines tell of the same failure"
    )
    span: list[SpanDefinition] = Field(default=[], description="the spans that lines tell of")
    sample: list[dict[str, object]] = Field(default=[], description="lines with what they must become")
