"""One compiled parser definition: how its records read, what its lines are to spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from logagent import expr
from logagent.model import AttributeValue, ExceptionInfo, FailureShape, LogRecord
from logagent.parsing import timestamps
from logagent.parsing.attributes import flatten
from logagent.parsing.compile import SpanCompiler, Wanted, duration_nano, paths_of, read_data, value_reader
from logagent.parsing.exceptions import exception_of
from logagent.parsing.nested import redacted_text
from logagent.parsing.scopes import request_scope
from logagent.parsing.severity import severity_number
from logagent.parsing.values import Cleaner, context_id, json_text, plain_text
from logagent.shapes import LineShape, SpanShape

if TYPE_CHECKING:
    from logagent.parsing.definition import FailureDefinition, Line, ParserDefinition
    from logagent.parsing.redaction import Redactor

_MAX_TYPE = 128
_SEVERITY_CACHE = 256

Selector = Callable[[dict[str, Any]], LineShape | None]


class Failures:
    """Which of a dialect's error lines tell of the same failure."""

    def __init__(self, definition: FailureDefinition, objects: list[str]) -> None:
        self.same: str = definition.same
        self.window_nano = duration_nano(definition.window)
        self._type = value_reader(definition.type, objects)
        self._prefixes = tuple(definition.strip_prefix)

    def type_of(self, data: dict[str, Any]) -> str:
        """The error type that a line names, without what a reporter put before it; empty where it names none."""
        value = self._type(data)
        if value.__class__ is not str:
            return ""
        for prefix in self._prefixes:
            if value.startswith(prefix):
                return str(value[len(prefix) :][:_MAX_TYPE])
        return str(value[:_MAX_TYPE])


class CompiledDialect:
    """One parser definition, compiled. ``wanted`` says which span attributes somebody reads."""

    def __init__(  # noqa: PLR0913 - the bounds are options of the configuration
        self,
        definition: ParserDefinition,
        redactor: Redactor,
        *,
        wanted: Wanted | None = None,
        zone: str = "",
        max_depth: int = 10,
        max_attributes: int = 128,
        max_value: int = 16_384,
    ) -> None:
        record = definition.record
        self.definition = definition
        self.name = definition.name
        self.failure: FailureShape = Failures(definition.failure, record.object)
        self.cleaner = Cleaner(lambda text: redacted_text(text, redactor), max_value)
        self.dropped_attributes = 0
        self._redactor = redactor
        self._limits = (max_depth, max_attributes, max_value)
        self._request = value_reader(record.request, record.object)
        self._process = value_reader(record.process)
        self.request_scope = request_scope(definition)
        self._mapped = {name: value_reader(path) for name, path in record.attributes.items()}
        several = [record.severity, record.body, record.logger, record.exception, record.trace_id, record.span_id]
        if record.time:
            several.append(record.time.field)
        self.hide = redactor.whole
        self.is_sensitive = redactor.key_is_sensitive
        self.claimed = frozenset(
            ".".join(path) for paths in [*several, *record.attributes.values()] for path in paths_of(paths)
        )
        self._claimed_by_kind: dict[str, frozenset[str]] = {}
        self.shapes: dict[str, SpanShape] = {}
        self.lines: dict[str, LineShape | Selector] = {}
        self._compile_spans(wanted or Wanted())
        self.read_time = (
            timestamps.reader_of(record.time.format, zone if zone and record.time.zone == "local" else record.time.zone)
            if record.time
            else None
        )
        self.severities: dict[str, int] = {}

    def _compile_spans(self, wanted: Wanted) -> None:
        found: dict[str, list[tuple[Line, LineShape]]] = {}
        for span in self.definition.span:
            compiler = SpanCompiler(span, self.definition, self.cleaner, wanted, self)
            self.shapes[span.kind] = compiler.shape
            self._claimed_by_kind[span.kind] = self.claimed | compiler.claimed()
            for line in span.line:
                shape = compiler.line(line)
                for message in [line.message] if isinstance(line.message, str) else line.message:
                    found.setdefault(message, []).append((line, shape))
        for message, candidates in found.items():
            self.lines[message] = self._selector(candidates)

    def _selector(self, candidates: list[tuple[Line, LineShape]]) -> LineShape | Selector:
        first, shape = candidates[0]
        if len(candidates) == 1 and not first.where and not first.logger:
            return shape
        logger = value_reader(self.definition.record.logger)
        tests: list[tuple[Callable[[Any], bool], str, LineShape]] = [
            (expr.compile_condition(expr.parse(line.where), read_data) if line.where else bool, line.logger, shape)
            for line, shape in candidates
        ]

        def select(data: dict[str, Any]) -> LineShape | None:
            for condition, name, candidate in tests:
                if (not name or logger(data) == name) and condition(data):
                    return candidate
            return None

        return select

    # -- pieces of a record, called by the generated reader -------------------------------------------------

    def severity(self, value: Any) -> int:
        """A severity number, remembered."""
        if value.__class__ is not str:
            return severity_number(value, self.definition.record.severity_numbers)
        number = self.severities.get(value)
        if number is None:
            number = severity_number(value, self.definition.record.severity_numbers)
            if len(self.severities) < _SEVERITY_CACHE:
                self.severities[value] = number
        return number

    def body(self, value: Any) -> str:
        """A body that is no known message: text, redacted; other values as JSON text."""
        if value is None:
            return ""
        return self._redactor.text(value if value.__class__ is str else json_text(value))

    def exception(self, value: Any) -> ExceptionInfo | None:
        """An exception as text, or as an object with type, message and stack; redacted."""
        text = self._redactor.text
        if value.__class__ is str and value.strip() and value != "None":
            return exception_of(text(value))
        if value.__class__ is dict:
            parts = [next((value[k] for k in keys if value.get(k)), "") for keys in _EXCEPTION_KEYS]
            if any(parts):
                return ExceptionInfo(*(text(plain_text(part)) for part in parts))
        return None

    # -- what others ask of a dialect ------------------------------------------------------------------------

    def request_of(self, data: dict[str, Any]) -> str | None:
        """Id of the request that a line belongs to, if it names one."""
        return context_id(self._request(data))

    def process_of(self, data: dict[str, Any]) -> str:
        """The process that wrote a line; empty where it does not say."""
        value = self._process(data)
        return "" if value is None else plain_text(value)

    def attributes(self, record: LogRecord) -> dict[str, AttributeValue]:
        """The record's attributes: what the definition maps, and all other fields under their dotted paths."""
        data = record.data
        if data is None:
            return {"logagent.cut_bytes": record.cut_bytes} if record.cut_bytes else {}
        found = self.unclaimed(record)
        for name, read in self._mapped.items():
            if (value := self.cleaner.value(read(data))) is not None:
                found[name] = value
        line: LineShape | None = record.line
        if line is not None:
            entity, request, *_, attributes = line.told(data, data if record.object is None else record.object)
            found.update(attributes)
            found["logagent.kind"] = line.span.kind
            if entity or request:
                found["logagent.id"] = entity or request or ""
        return found

    def unclaimed(self, record: LogRecord) -> dict[str, AttributeValue]:
        """The fields that the definition says nothing of, flat under their dotted paths, redacted and bounded."""
        found: dict[str, AttributeValue] = {}
        if record.data is not None:
            line: LineShape | None = record.line
            claimed = self.claimed if line is None else self._claimed_by_kind[line.span.kind]
            self.take(found, record.data, "", claimed)
        return found

    def take(
        self, attributes: dict[str, AttributeValue], fields: Mapping[str, Any], place: str, claimed: AbstractSet[str]
    ) -> None:
        """Puts the unclaimed fields of an object at a place into the attributes, flat, redacted and bounded."""
        depth, most, value = self._limits
        whole = {place: fields} if place else fields
        most = max(most - len(attributes), 0)
        found, dropped = flatten(
            whole, frozenset(claimed), self._redactor, max_depth=depth, max_attributes=most, max_value=value
        )
        attributes.update(found)
        self.dropped_attributes += dropped


_EXCEPTION_KEYS = (
    ("type", "class", "exc_type", "name", "kind"),
    ("message", "msg", "value", "exc_value"),
    ("stacktrace", "stack_trace", "stack", "traceback"),
)
