"""What a parser definition says of spans, compiled: made by parsing, read by the span assembler."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from logagent.model import AttributeValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Role(Enum):
    """What a line is to a span."""

    START = "start"
    """The span begins."""
    END = "end"
    """The span ends; where no start was seen, the whole span."""
    FAIL = "fail"
    """The span ends with an error."""
    ADD = "add"
    """Tells more of a span that has begun or just ended, found by its id."""
    ECHO = "echo"
    """Tells the same span again without its id; a span of its own only where nothing else told it."""
    EVENT = "event"
    """Belongs to the innermost open span of the same request."""


ROLES = tuple(Role)


class Scope(Enum):
    """Within what an id is unique."""

    GLOBAL = "global"
    SERVICE = "service"
    PROCESS = "process"


@dataclass(slots=True, frozen=True)
class Scopes:
    """Within what the ids on the lines of a kind of span are unique."""

    own: Scope
    request: Scope
    parent: Scope


MAX_LEARNED, MAX_KEYS = 64, 64
"""How many sets of keys are learned, and how large ones: lines of one logging call share theirs."""

Told = tuple[str | None, str | None, str | None, int | None, int | None, dict[str, AttributeValue]]
"""What one line tells of a span: its id, request id, parent id, start and duration in nanoseconds, attributes.
None where it does not say."""


@dataclass(slots=True, eq=False)
class SpanShape:
    """One kind of span of one dialect."""

    kind: str
    otlp_kind: int
    name: Callable[[Mapping[str, AttributeValue]], str]
    timeout_nano: int
    grace_nano: int
    """How long after its end a span waits for a line that adds to it."""
    parent_kind: str
    infer: bool
    """Whether a parent may be inferred where no id names it."""
    dialect: str = ""
    """Which parser definition has it."""
    scopes: Scopes | None = None
    """None where all ids are unique everywhere."""


@dataclass(slots=True, eq=False)
class LineShape:
    """One line that a dialect knows."""

    role: Role
    span: SpanShape
    read_any: Callable[[dict[str, Any]], Callable[[dict[str, Any]], Told]]
    """Given a line, what reads its object (``LogRecord.object``), whatever keys that has."""
    learn: Callable[[tuple[str, ...], dict[str, Any]], Callable[[dict[str, Any]], Told]]
    """Gives a faster reader for objects with exactly these keys, in this order; told a line that has such a one."""
    process: Callable[[dict[str, Any]], str] | None
    """The process that wrote the line, as inference and echoes compare it; None where the dialect needs neither."""
    echo_key: Callable[[Mapping[str, AttributeValue]], str] | None
    """What two tellings of the same span have in common; None where the kind is never echoed."""
    failure_role: str = ""
    """Which of the several lines of one failure this is."""
    is_root: bool = False
    """Whether the span's own id names the trace."""
    readers: dict[tuple[str, ...], Callable[[dict[str, Any]], Told]] = field(default_factory=dict)
    """Keys → the reader for objects that have them."""
    place: int = field(init=False)
    """The role's place among the roles, and after these for lines with scopes: a list is looked up faster than an enum."""
    is_simple: bool = field(init=False)
    """Whether the span needs no look at scopes, processes, echoes or lines after its end."""

    def __post_init__(self) -> None:
        """Works out what follows from the rest."""
        has_scopes = self.span.scopes is not None
        self.place = ROLES.index(self.role) + (len(ROLES) if has_scopes else 0)
        waits = self.echo_key is not None or self.span.grace_nano > 0
        self.is_simple = self.process is None and not waits and not has_scopes

    def told(self, data: dict[str, Any], inner: dict[str, Any]) -> Told:
        """What a line with this object tells."""
        keys = tuple(inner)
        return (self.readers.get(keys) or self.new_reader(keys, data))(inner)

    def new_reader(self, keys: tuple[str, ...], data: dict[str, Any]) -> Callable[[dict[str, Any]], Told]:
        """A reader for a line's object with these keys, learned where there is room for one more."""
        if len(self.readers) >= MAX_LEARNED or len(keys) > MAX_KEYS:
            return self.read_any(data)
        found = self.readers[keys] = self.learn(keys, data)
        return found
