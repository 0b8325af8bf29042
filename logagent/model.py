"""The nouns that cross a seam between two rooms: dataclasses without behaviour.

Records and spans are made by the million. What every one of them has is in slots; what few have is left at its default
on the class and costs nothing until it is set. Times are integer nanoseconds since the Unix epoch, durations crossing a seam are in
seconds and say so. Ids are bytes: 16 for a trace, 8 for a span, empty where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Scalar = str | bool | int | float
AttributeValue = Scalar | list[Scalar]


class Severity(IntEnum):
    """The first severity number of each of OpenTelemetry's six ranges (logs data model)."""

    UNSET = 0
    TRACE = 1
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21


class SpanKind(IntEnum):
    """OTLP's span kinds (opentelemetry-proto, trace.proto)."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    """OTLP's span status codes; OK is never set by a rebuilt span."""

    UNSET = 0
    ERROR = 2


class ParentFound(Enum):
    """How a span's parent was found: the values of ``logagent.parent``."""

    EXPLICIT = "explicit"
    SHARED = "shared"
    INFERRED = "inferred"
    NONE = "none"


class AlertState(Enum):
    """Prometheus's alert states."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Signal(Enum):
    """What an exporter can be asked to deliver."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"
    ALERTS = "alerts"


@dataclass(slots=True)
class RawBatch:
    """Complete lines of one stream, in order, and where the stream stands after them."""

    receiver: str
    source: str
    """What a person calls the stream: a path, ``stdin``, a unit."""
    lines: list[bytes]
    """Without their terminators."""
    stream: str
    """Key of the stream's position in the ledger, unique within the receiver."""
    position: bytes | None
    """All that the receiver needs to resume after these lines; opaque to everybody else.
    ``None`` forgets the stream."""
    observed_unix_nano: int
    size: int = 0
    """Bytes of the source that these lines took, terminators and cut parts included."""
    cut: Mapping[int, int] = field(default_factory=dict)
    """Index of a line that was over the limit -> bytes that were cut away from it."""
    losses: Mapping[str, int] = field(default_factory=dict)
    """Reason -> how many (lines, bytes, files as the reason says) were lost or skipped."""


@dataclass(slots=True, frozen=True)
class Resource:
    """Who logged: OpenTelemetry's resource. Shared by all records of a receiver."""

    service_name: str
    service_namespace: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    """Everything that is sent as resource attributes, ``service.name`` included."""


@dataclass(slots=True, frozen=True)
class ExceptionInfo:
    """An exception as a line tells it; any part may be empty."""

    type: str
    message: str
    stacktrace: str


class FailureShape(Protocol):
    """Which of a dialect's error lines tell of the same failure."""

    same: str
    """``request`` or ``process``: within what the lines are looked for."""
    window_nano: int

    def type_of(self, data: dict[str, Any]) -> str:
        """The error type that a line names; empty where it names none."""
        ...


class Dialect(Protocol):
    """What a record needs of the parser definition that read it."""

    name: str
    failure: FailureShape

    def attributes(self, record: LogRecord) -> dict[str, AttributeValue]:
        """The record's attributes: flat, bounded, redacted, ready to leave the agent."""
        ...

    def unclaimed(self, record: LogRecord) -> dict[str, AttributeValue]:
        """Of these, the fields that the definition says nothing of, under their dotted paths."""
        ...

    def request_of(self, data: dict[str, Any]) -> str | None:
        """Id of the request that a line belongs to, if it names one."""
        ...

    def process_of(self, data: dict[str, Any]) -> str:
        """The process that wrote a line; empty where it does not say."""
        ...


@dataclass(slots=True, eq=False)
class Origin:
    """Where the records of one batch come from. They share it."""

    resource: Resource
    receiver: str
    source: str
    observed_time_unix_nano: int


@dataclass(slots=True, eq=False)
class Template:
    """What all lines of one logging call have in common. Their records share it, so it must not be changed."""

    dialect: Dialect
    severity_number: int
    severity_text: str
    logger: str
    line: Any = None
    """What such a line is to a span (compiled line definition of the parser), or None."""


def _no_parent() -> ParentFound:
    return ParentFound.NONE


class _RecordSlots:
    """What every record has."""

    __slots__ = ("body", "data", "exception", "object", "origin", "template", "time_unix_nano")

    time_unix_nano: int
    body: str
    data: dict[str, Any] | None
    object: dict[str, Any] | None
    """Where in ``data`` the ids and values of the line are: the object that its definition names, or all of it."""
    exception: ExceptionInfo | None
    template: Template
    origin: Origin


class LogRecord(_RecordSlots):
    """OpenTelemetry's log record.

    ``data`` is the decoded line, kept as it came: read attributes that may leave the agent through
    ``dialect.attributes(record)`` only.
    """

    trace_id: bytes = b""
    span_id: bytes = b""
    cut_bytes: int = 0

    def __init__(  # noqa: PLR0913, PLR0917 - a record is all of these
        self,
        time_unix_nano: int,
        observed_time_unix_nano: int,
        severity_number: int,
        severity_text: str,
        body: str,
        logger: str,
        data: dict[str, Any] | None,
        dialect: Dialect,
        resource: Resource,
        receiver: str,
        source: str,
        *,
        exception: ExceptionInfo | None = None,
        trace_id: bytes = b"",
        span_id: bytes = b"",
        cut_bytes: int = 0,
    ) -> None:
        self.time_unix_nano = time_unix_nano
        self.body = body
        self.data = self.object = data
        self.exception = exception
        self.template = Template(dialect, severity_number, severity_text, logger)
        self.origin = Origin(resource, receiver, source, observed_time_unix_nano)
        self.trace_id, self.span_id, self.cut_bytes = trace_id, span_id, cut_bytes

    @property
    def observed_time_unix_nano(self) -> int:
        """When the line was read."""
        return self.origin.observed_time_unix_nano

    @property
    def severity_number(self) -> int:
        """OpenTelemetry's number, 0 where the line names no severity."""
        return self.template.severity_number

    @property
    def severity_text(self) -> str:
        """The severity as the line has it."""
        return self.template.severity_text

    @property
    def logger(self) -> str:
        """The logger's name, empty where there is none."""
        return self.template.logger

    @property
    def line(self) -> Any:
        """What this line is to a span, or None."""
        return self.template.line

    @property
    def dialect(self) -> Dialect:
        """The parser definition that read the line."""
        return self.template.dialect

    @property
    def resource(self) -> Resource:
        """Who logged."""
        return self.origin.resource

    @property
    def receiver(self) -> str:
        """Which receiver read the line."""
        return self.origin.receiver

    @property
    def source(self) -> str:
        """What a person calls the stream that the line is of."""
        return self.origin.source


@dataclass(slots=True)
class SpanEvent:
    """A point in time on a span."""

    time_unix_nano: int
    name: str
    attributes: dict[str, AttributeValue]


class _SpanSlots:
    """What every span has."""

    __slots__ = (
        "attributes", "end_unix_nano", "id", "kind", "name", "otlp_kind", "parent_found", "parent_id", "parent_kind",
        "request_id", "resource", "start_unix_nano",
    )  # fmt: skip


@dataclass(eq=False)
class Span(_SpanSlots):
    """A finished span, rebuilt from lines.

    ``kind`` is logagent's (``request``, ``llm``, ``query``, ``step``, ``tool``, ``agent``, ...), ``otlp_kind``
    OpenTelemetry's.
    """

    kind: str
    id: str
    """The context id that it was built from."""
    name: str
    otlp_kind: int
    start_unix_nano: int
    end_unix_nano: int
    attributes: dict[str, AttributeValue]
    resource: Resource
    request_id: str = field(default_factory=str)
    """Context id that names the trace: its own for a request, the shared or inferred one for a child."""
    parent_kind: str = field(default_factory=str)
    parent_id: str = field(default_factory=str)
    parent_found: ParentFound = field(default_factory=_no_parent)
    scope: str = ""
    """Part of the ids of dialects whose context ids are unique only within a service or process."""
    status: int = 0
    status_message: str = ""
    outcome: str = "ok"
    """``ok``; ``error``: ended with an error status; ``failed``: ended by a failure line; ``incomplete``: no end seen."""
    incomplete: bool = False
    severity_number: int = 9
    events: Sequence[SpanEvent] = ()
    dropped_events: int = 0
    trace_id: bytes = b""
    """Set by ``spans.ids.identify`` where something needs ids."""
    span_id: bytes = b""
    parent_span_id: bytes = b""


@dataclass(slots=True, eq=False)
class Failure:
    """One thing that went wrong, however many lines told of it."""

    time_unix_nano: int
    error_type: str
    message: str
    logger: str
    record: LogRecord


@dataclass(slots=True)
class Alert:
    """A change of an alert's state. Labels and annotations as in Prometheus."""

    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: AlertState
    reason: str
    """Named cause of this change, for people and tests: ``threshold``, ``quiet``, ``period_end``, ..."""
    value: float
    time_unix_nano: int
    starts_unix_nano: int
    ends_unix_nano: int = 0
    trace_id: bytes = b""


@dataclass(slots=True, frozen=True)
class Notification:
    """What some destinations are told: alerts that belong together."""

    id: str
    """The same for the same alerts at the same time, however often it is made or sent."""
    destinations: tuple[str, ...]
    """Names of exporters."""
    route: str
    group: Mapping[str, str]
    """Labels in which the alerts agree."""
    reason: str
    """``new``, ``changed``, ``repeat`` or ``resolved``."""
    time_unix_nano: int
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...]


@dataclass(slots=True)
class Outcome:
    """What one batch of lines, or the passing of time, came to."""

    records: list[LogRecord] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)


@dataclass(slots=True)
class OutboxDraft:
    """Something to deliver, on its way into the ledger."""

    exporter: str
    signal: Signal
    count: int
    """Items inside, for accounting."""
    pack: Callable[[], bytes]
    """Called once, in the ledger's thread: joins and compresses what was encoded."""


@dataclass(slots=True, frozen=True)
class OutboxItem:
    """Something to deliver, as the ledger stores it; a resend is the same bytes."""

    id: int
    exporter: str
    signal: Signal
    count: int
    payload: bytes
    created_unix_nano: int


@dataclass(slots=True)
class Changes:
    """What one commit writes: keyed state and new outbox items, in one transaction."""

    entries: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    """(room, key) -> value; ``None`` deletes."""
    outbox: list[OutboxDraft] = field(default_factory=list)


class DeliveryOutcome(Enum):
    """What became of one attempt to deliver an outbox item."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    SPLIT = "split"


@dataclass(slots=True, frozen=True)
class Delivery:
    """The result of one attempt."""

    outcome: DeliveryOutcome
    reason: str = ""
    retry_after_seconds: float | None = None
    rejected: int = 0
    """Items inside a delivered batch that the other end refused (OTLP partial success)."""
