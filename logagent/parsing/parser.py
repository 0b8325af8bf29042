"""Lines become records: one generated function for each set of keys, which knows every dialect in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from logagent import expr
from logagent.model import LogRecord, Origin, RawBatch, Resource, Template
from logagent.parsing.compile import EMPTY, define, paths_of, read_data
from logagent.parsing.decode import rescue
from logagent.parsing.paths import MISSING, KnownSource, PathSource, split
from logagent.parsing.templates import Templates
from logagent.parsing.timestamps import MILLIS, shape_of
from logagent.parsing.values import json_text, w3c_id
from logagent.shapes import MAX_KEYS, MAX_LEARNED

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
        self._plain_template = Template(self._text, 0, "", "")
        self._templates = [Templates(dialect) for dialect in self._json]
        self._makers: dict[tuple[str, ...], _Maker] = {}
        self._make_any = self._maker(None)

    def parse(self, batch: RawBatch, resource: Resource) -> list[LogRecord]:
        """One record a line, in order. Never raises for what a line contains.

        A line that does not say its time has 0: the log that it stands in knows better than the clock.
        """
        records: list[LogRecord] = []
        append = records.append
        origin = Origin(resource, batch.receiver, batch.source, batch.observed_unix_nano)
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
            record.origin = origin
            append(record)
        for index, size in batch.cut.items():
            records[index].cut_bytes = size
        return records

    def _plain(self, line: bytes) -> LogRecord:
        """A record of a line that is no JSON object, or that no JSON dialect takes."""
        record: LogRecord = _new(LogRecord)
        record.time_unix_nano = 0
        record.body = self._text.body(line.decode("utf-8", "replace"))
        record.data = record.object = record.exception = None
        record.template = self._plain_template
        return record

    def _learn(self, keys: tuple[str, ...]) -> _Maker:
        """The maker for lines with these keys, in this order: one that knows them, where there is room for it."""
        if len(self._makers) >= MAX_LEARNED or len(keys) > MAX_KEYS:
            return self._make_any
        self._makers[keys] = maker = self._maker(keys)
        return maker

    def _maker(self, keys: tuple[str, ...] | None) -> _Maker:
        """The function that makes the record of a line: the dialects that lines with these keys can be of, in turn."""
        namespace: dict[str, Any] = {
            "EMPTY": EMPTY, "new": _new, "LogRecord": LogRecord, "w3c_id": w3c_id, "take_any": self._take_any,
            "shape_of_time": shape_of, "NO_TIME": shape_of("", 0), "MILLIS": MILLIS,
        }  # fmt: skip
        known = KnownSource(keys) if keys is not None else None
        body = known.unpack() if known is not None else []
        remembered: list[str] = []
        for number, (dialect, templates) in enumerate(zip(self._json, self._templates, strict=True)):
            if keys is not None and not all(split(key)[0] in keys for key in dialect.definition.match.keys):
                continue
            condition = _condition(dialect, known, namespace)
            source = KnownSource(keys) if keys is not None else PathSource()
            remembered.append(f"head{number}, rests{number}, base{number}")
            body.append(f"if {condition}:")
            body += [f"    {line}" for line in _record_lines(dialect, templates, number, source, namespace)]
            body.append("    return r")
            if condition == "True":
                break
        body.append("return take_any(d)")
        # the time that was read last stays with the maker, for each dialect: each has its own zone
        factory = [
            *(f"{names} = NO_TIME" for names in remembered),
            "def make(d):",
            *(f"    nonlocal {names}" for names in remembered),
            *(f"    {line}" for line in body),
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


def _condition(dialect: CompiledDialect, known: KnownSource | None, namespace: dict[str, Any]) -> str:
    """Source of an expression: whether ``d`` is a line of the dialect; keys that are known to be there are not asked for."""
    match = dialect.definition.match
    conditions = [
        f"{path[0]!r} in d" if len(path) == 1 else f"({read_data(key, 'd')}) is not None"
        for key in match.keys
        if len(path := split(key)) > 1 or known is None
    ]
    if match.where:
        expression = expr.parse(match.where)
        source = expr.condition_source(expression, lambda name: read_data(name, "d"), namespace)
        if len(expression.fields) == 1:
            # one field decides, and its values (a logger's name, mostly) repeat
            name = f"verdicts_{dialect.name.replace('-', '_')}"
            test = expr.condition_source(expression, lambda _: "v", namespace)
            namespace[name] = _Verdicts(define("test", "v", [f"return {test}"], namespace))
            path = split(expression.fields[0])
            value = known.read(path) if known is not None and len(path) == 1 else read_data(expression.fields[0], "d")
            source = f"{name}[v] if (v := {value}).__class__ is str else {source}"
        conditions.append(f"({source})")
    return " and ".join(conditions) or "True"


def _record_lines(
    dialect: CompiledDialect, templates: Templates, number: int, source: PathSource, namespace: dict[str, Any]
) -> list[str]:
    """Statements that make ``r``, the record of ``d``, as a dialect says."""
    record = dialect.definition.record
    namespace |= {
        f"latest{number}": templates.latest.get,
        f"find{number}": templates.find,
        f"lines{number}": dialect.lines,
        f"body{number}": dialect.body,
        f"time{number}": dialect.read_time,
        f"exception{number}": dialect.exception,
    }
    body: list[str] = ["r = new(LogRecord)", "r.data = d", *_object_lines(record.object, source), "r.object = o"]
    body += _time_lines(dialect, number, source)
    exception = source.first(paths_of(record.exception))
    body.append(
        f"r.exception = None if (v := {exception}) is None else exception{number}(v)"
        if exception != MISSING
        else "r.exception = None"
    )
    values = {"m": record.body, "l": record.severity, "n": record.logger}
    sources = {name: source.first(paths_of(paths)) for name, paths in values.items()}
    body += [f"{name} = {value}" for name, value in sources.items() if not value.isidentifier()]
    message, level, logger = (value if value.isidentifier() else name for name, value in sources.items())
    body += [
        # a known message mostly comes with the level and logger that it came with last
        f"t = latest{number}({message}) if {message}.__class__ is str else None",
        f"if t is not None and t[0] == {level} and t[1] == {logger}:",
        "    r.template = t[2]",
        f"    r.body = {message}",
        "else:",
        f"    r.template = find{number}({message}, {level}, {logger}, d)",
        f"    known = {message}.__class__ is str and {message} in lines{number}",
        f"    r.body = {message} if known else body{number}({message})",
    ]
    for paths, use in ((record.trace_id, "r.trace_id = w3c_id(v, 16)"), (record.span_id, "r.span_id = w3c_id(v, 8)")):
        if (value := source.first(paths_of(paths))) != MISSING:
            body += [f"v = {value}", f"if v is not None: {use}"]
    return [*(source.nested() if isinstance(source, KnownSource) else source.lines()), *body]


def _object_lines(names: Sequence[str], source: PathSource) -> list[str]:
    """Statements that bind ``o`` to the first of some objects that the line has, else to the line itself."""
    lines: list[str] = []
    indent = ""
    for value in [source.read(split(name)) for name in names]:
        if value != MISSING:
            lines += [f"{indent}o = {value}", f"{indent}if o.__class__ is not dict:"]
            indent += "    "
    return [*lines, f"{indent}o = d"]


def _time_lines(dialect: CompiledDialect, number: int, source: PathSource) -> list[str]:
    time = dialect.definition.record.time
    if not time:
        return ["r.time_unix_nano = 0"]
    head, rests, base = (f"{name}{number}" for name in ("head", "rests", "base"))
    return [
        f"v = {source.first(paths_of(time.field))}",
        f"if v.__class__ is str and v[:20] == {head}:",
        # lines of one second differ in the fraction alone, which is looked up with all that follows it
        f"    try: r.time_unix_nano = {base} + MILLIS[v[20:23]] + {rests}[v[23:]]",
        f"    except KeyError: r.time_unix_nano = time{number}(v) or 0",
        "else:",
        f"    t = None if v is None else time{number}(v)",
        "    r.time_unix_nano = 0 if t is None else t",
        f"    if t is not None: {head}, {rests}, {base} = shape_of_time(v, t)",
    ]
