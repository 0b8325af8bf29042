"""Lines become records: one generated function for each set of keys, which knows every dialect in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from logagent import expr
from logagent.model import LogRecord, RawBatch, Resource
from logagent.parsing.compile import EMPTY, define, paths_of, read_data
from logagent.parsing.decode import rescue
from logagent.parsing.paths import MISSING, KnownSource, PathSource, split
from logagent.parsing.timestamps import MICROS, MILLIS, shape_of
from logagent.parsing.values import json_text, plain_text, w3c_id
from logagent.shapes import MAX_KEYS, MAX_LEARNED, LineShape

if TYPE_CHECKING:
    from logagent.parsing.dialect import CompiledDialect

_MAX_LOGGER, _MANY_VALUES = 256, 1_024
_Maker = Callable[[dict[str, Any]], LogRecord]
loads = orjson.loads
_new: Any = LogRecord.__new__


class Parser:
    """Reads batches of lines with a list of dialects: the first that fits a line, by priority, reads it."""

    def __init__(self, dialects: Sequence[CompiledDialect]) -> None:
        ordered = sorted(dialects, key=lambda dialect: -dialect.definition.priority)
        self.dialects = ordered
        self._text = next(dialect for dialect in ordered if dialect.definition.format == "text")
        self._json = [dialect for dialect in ordered if dialect.definition.format == "json"]
        self._makers: dict[tuple[str, ...], _Maker] = {}
        self._make_any = self._maker(PathSource())

    def parse(self, batch: RawBatch, resource: Resource) -> list[LogRecord]:
        """One record a line, in order. Never raises for what a line contains.

        A line that does not say its time has 0: the log that it stands in knows better than the clock.
        """
        records: list[LogRecord] = []
        append = records.append
        observed, receiver, source = batch.observed_unix_nano, batch.receiver, batch.source
        makers = self._makers
        for line in batch.lines:
            try:
                data = loads(line)
            except orjson.JSONDecodeError:
                data = rescue(line)
            if data.__class__ is dict:
                make = makers.get(tuple(data)) or self._learn(tuple(data))
                record = make(data)
            else:
                record = self._plain(line)
            record.observed_time_unix_nano = observed
            record.resource = resource
            record.receiver = receiver
            record.source = source
            append(record)
        for index, size in batch.cut.items():
            records[index].cut_bytes = size
        return records

    def _plain(self, line: bytes) -> LogRecord:
        """A record of a line that is no JSON object, or that no JSON dialect takes."""
        record: LogRecord = _new(LogRecord)
        record.time_unix_nano = 0
        record.severity_number = 0
        record.severity_text = record.logger = ""
        record.body = self._text.body(line.decode("utf-8", "replace"))
        record.data = record.object = record.line = None
        record.dialect = self._text
        return record

    def _learn(self, keys: tuple[str, ...]) -> _Maker:
        """The maker for lines with these keys, in this order: one that knows them, where there is room for it."""
        if len(self._makers) >= MAX_LEARNED or len(keys) > MAX_KEYS:
            return self._make_any
        self._makers[keys] = maker = self._maker(KnownSource(keys), frozenset(keys))
        return maker

    def _maker(self, source: PathSource, keys: frozenset[str] | None = None) -> _Maker:
        namespace: dict[str, Any] = {
            "EMPTY": EMPTY, "new": _new, "LogRecord": LogRecord, "LineShape": LineShape, "w3c_id": w3c_id, "plain_text": plain_text,
            "shape_of_time": shape_of, "NO_TIME": shape_of("", 0), "MILLIS": MILLIS, "MICROS": MICROS, "take_any": self._take_any,
        }  # fmt: skip
        body: list[str] = []
        remembered: list[str] = []
        for number, dialect in enumerate(self._json):
            if keys is not None and not all(split(key)[0] in keys for key in dialect.definition.match.keys):
                continue
            condition = _condition(dialect, keys, namespace)
            remembered += [f"head{number}, tail{number}, size{number}, fine{number}, base{number}"]
            body.append(f"if {condition}:")
            body += [f"    {line}" for line in _record_lines(dialect, number, source, keys, namespace)]
            body.append("    return r")
            if condition == "True":
                break
        body.append("return take_any(d)")
        # the time that was read last stays with the maker, for each dialect: each has its own zone
        factory = [
            *(f"{names} = NO_TIME" for names in remembered),
            "def make(d):",
            *(f"    nonlocal {names}" for names in remembered),
            *(f"    {line}" for line in [*source.lines(), *body]),
            "return make",
        ]
        maker: _Maker = define("factory", "", factory, namespace)()
        return maker

    def _take_any(self, data: dict[str, Any]) -> LogRecord:
        """A record of an object that no JSON dialect takes: its text."""
        return self._plain(json_text(data).encode())


class _Verdicts(dict[str, bool]):
    """What a condition over one field says of its values; short ones are remembered."""

    def __init__(self, test: Callable[[str], bool]) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, value: str) -> bool:
        verdict = self._test(value)
        if len(value) <= _MAX_LOGGER and len(self) < _MANY_VALUES:
            self[value] = verdict
        return verdict


def _condition(dialect: CompiledDialect, keys: frozenset[str] | None, namespace: dict[str, Any]) -> str:
    match = dialect.definition.match
    conditions = [
        f"{path[0]!r} in d" if len(path) == 1 else f"({read_data(key, 'd')}) is not None"
        for key in match.keys
        if len(path := split(key)) > 1 or keys is None
    ]
    if match.where:
        expression = expr.parse(match.where)
        source = expr.condition_source(expression, lambda name: read_data(name, "d"), namespace)
        if len(expression.fields) == 1:
            # one field decides, and its values (a logger's name, mostly) repeat
            name = f"verdicts_{dialect.name.replace('-', '_')}"
            test = expr.condition_source(expression, lambda _: "v", namespace)
            namespace[name] = _Verdicts(define("test", "v", [f"return {test}"], namespace))
            source = f"{name}[t] if (t := {read_data(expression.fields[0], 'd')}).__class__ is str else {source}"
        conditions.append(f"({source})")
    return " and ".join(conditions) or "True"


def _record_lines(
    dialect: CompiledDialect, number: int, source: PathSource, keys: frozenset[str] | None, namespace: dict[str, Any]
) -> list[str]:
    record = dialect.definition.record
    namespace.update(
        {
            f"dialect{number}": dialect,
            f"severities{number}": dialect.severities.get,
            f"severity{number}": dialect.severity,
            f"body{number}": dialect.body,
            f"time{number}": dialect.read_time,
            f"exception{number}": dialect.exception,
            f"lines{number}": dialect.lines.get,
        }
    )
    body: list[str] = ["r = new(LogRecord)", "r.data = o = d", f"r.dialect = dialect{number}"]
    for name in reversed(record.object):
        if keys is None or split(name)[0] in keys:
            body += [f"v = {source.read(split(name))}", "if v.__class__ is dict: o = v"]
    body.append("r.object = o")
    if record.time:
        body += [
            f"v = {source.first(paths_of(record.time.field))}",
            # lines of one second differ in the fraction alone: all else is compared, and the fraction looked up
            f"if v.__class__ is str and len(v) == size{number} and v.startswith(head{number}) and v.endswith(tail{number}):",
            f"    try: r.time_unix_nano = base{number} + MILLIS[v[20:23]] + (MICROS[v[23:26]] if fine{number} else 0)",
            "    except KeyError: r.time_unix_nano = 0",
            "else:",
            f"    t = None if v is None else time{number}(v)",
            "    r.time_unix_nano = 0 if t is None else t",
            f"    if t is not None: head{number}, tail{number}, size{number}, fine{number}, base{number} = shape_of_time(v, t)",
        ]
    else:
        body.append("r.time_unix_nano = 0")
    if record.severity:
        body += [
            f"v = {source.first(paths_of(record.severity))}",
            "if v.__class__ is str:",
            f"    n = severities{number}(v)",
            f"    r.severity_number = severity{number}(v) if n is None else n",
            "    r.severity_text = v[:32]",
            f"else: r.severity_number = severity{number}(v); r.severity_text = '' if v is None else plain_text(v)[:32]",
        ]
    else:
        body.append("r.severity_number = 0; r.severity_text = ''")
    body += [
        f"v = {source.first(paths_of(record.body)) if record.body else 'None'}",
        f"s = lines{number}(v) if v.__class__ is str else None",
        f"if s is None: r.body = body{number}(v); r.line = None",
        "else:",
        "    r.body = v",
        "    r.line = s if s.__class__ is LineShape else s(d)",
    ]
    body += [
        f"v = {source.first(paths_of(record.logger)) if record.logger else 'None'}",
        f"r.logger = v if v.__class__ is str and len(v) < {_MAX_LOGGER} else '' if v is None else plain_text(v)[:{_MAX_LOGGER}]",
    ]
    for paths, use in (
        (record.exception, f"r.exception = exception{number}(v)"),
        (record.trace_id, "r.trace_id = w3c_id(v, 16)"),
        (record.span_id, "r.span_id = w3c_id(v, 8)"),
    ):
        if paths and (value := source.first(paths_of(paths))) != MISSING:
            body += [f"v = {value}", f"if v is not None: {use}"]
    return body
