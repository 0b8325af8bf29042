"""Parser definitions become functions: everything that a definition says is decided here, once."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from logagent import expr
from logagent.endpoint import endpoint
from logagent.model import AttributeValue, SpanKind
from logagent.parsing import timestamps
from logagent.parsing.paths import MISSING, KnownSource, Path, PathSource, split
from logagent.parsing.scopes import scopes_of
from logagent.parsing.values import PLAIN, Cleaner, context_id, plain_text
from logagent.shapes import LineShape, Role, SpanShape, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from logagent.parsing.definition import Line, ParserDefinition, Paths, SpanDefinition

_CONVENTIONS = ("http.", "url.", "client.", "user_agent.", "db.", "gen_ai.", "error.", "user.", "session.", "server.")
"""Attributes of the semantic conventions: a definition maps them, no line has them under their own path."""
_UUID = 36
_LONGEST_NAME, _MANY_NAMES = 256, 4_096
_NUMERIC = re.compile(r"tokens|cost|status_code|rows|count|size|temperature|top_[pk]|line\.number|\.pid|port$")
"""Attributes that are numbers: their values do not repeat."""
EMPTY: dict[str, Any] = {}
NEEDED = frozenset(
    {
        "http.response.status_code", "error.type", "error.message", "gen_ai.provider.name", "gen_ai.request.model",
        "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cost",
    }
)  # fmt: skip
"""Attributes that status and price are worked out from."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attributes of spans somebody reads. A field that a definition does not map is read by its own path."""

    fields: Mapping[str, set[str]] = field(default_factory=dict)
    """Span kind, or ``span`` for all → fields that rules read."""
    everything: bool = True
    """Whether whole spans leave the agent."""

    def of(self, kind: str) -> set[str]:
        """The fields that rules read of a kind."""
        return set(self.fields.get(kind, ())) | set(self.fields.get("span", ()))


_OTLP_KINDS = {kind.name.lower(): int(kind) for kind in SpanKind}


def paths_of(paths: Paths) -> list[Path]:
    """The paths of a definition's value: none, one or several."""
    texts = [paths] if isinstance(paths, str) else paths
    return [split(text) for text in texts]


def define(name: str, arguments: str, body: Iterable[str], namespace: dict[str, Any]) -> Any:
    """The function of some generated source."""
    source = f"def {name}({arguments}):\n" + "".join(f"    {line}\n" for line in body)
    exec(compile(source, f"<{name}>", "exec"), namespace)  # noqa: S102 - source made of checked definitions only
    return namespace[name]


def value_reader(paths: Paths, objects: Sequence[str] = ()) -> Callable[[dict[str, Any]], Any]:
    """A function of the decoded line: the first value of the paths that is there, or None.

    With ``objects`` the paths begin in the first of these objects that the line has.
    """
    if not paths:
        return lambda _: None
    source = PathSource(root="b")
    expression = source.first(paths_of(paths))
    body = [*PathSource.enter(objects, "b"), *source.lines(), f"return {expression}"]
    reader: Callable[[dict[str, Any]], Any] = define("value", "d", body, {"EMPTY": EMPTY})
    return reader


def read_data(path: str, name: str = "x") -> str:
    """Source of a field of a decoded line, for conditions: ``expr`` resolves with it."""
    keys = split(path)
    source = f"{name}.get({keys[0]!r})"
    for key in keys[1:]:
        source = f"(_o.get({key!r}) if (_o := {source}).__class__ is dict else None)"
    return source


def name_template(template: str) -> Callable[[Mapping[str, AttributeValue]], str]:
    """``{http.request.method} {endpoint}`` → a function of the attributes; what is missing leaves no gap.

    Names repeat, so they are remembered by the values that make them.
    """
    parts = [part for part in re.split(r"(\{[^}]*\})|\s+", template) if part]
    fields = [part[1:-1] for part in parts if part.startswith("{")]
    wanted = [("http.route", "url.path") if name == "endpoint" else (name,) for name in fields]
    keys = tuple(key for several in wanted for key in several)
    known: dict[tuple[object, ...], str] = {}

    def name(attributes: Mapping[str, AttributeValue]) -> str:
        values = tuple(map(attributes.get, keys))
        try:
            found = known.get(values)
        except TypeError:
            values = tuple(map(str, values))
            found = None
        if found is None:
            texts = [
                _endpoint(attributes) if p == "{endpoint}" else attributes.get(p[1:-1]) if p[0] == "{" else p
                for p in parts
            ]
            found = " ".join(str(text) for text in texts if text not in (None, ""))[:_LONGEST_NAME]
            if len(known) < _MANY_NAMES:
                known[values] = found
        return found

    return name


def _endpoint(attributes: Mapping[str, AttributeValue]) -> AttributeValue | None:
    route = attributes.get("http.route")
    if route is not None:
        return route
    path = attributes.get("url.path")
    return endpoint(path) if isinstance(path, str) else None


class Rest(Protocol):
    """What takes the fields of a line that its definition does not map."""

    claimed: frozenset[str]
    """Dotted paths that the record itself is made of."""

    def hide(self, value: Any) -> str:
        """What stands for a secret."""
        ...

    def is_sensitive(self, key: str) -> bool:
        """Whether a key names a secret."""
        ...

    def take(
        self, attributes: dict[str, AttributeValue], fields: Mapping[str, Any], place: str, claimed: AbstractSet[str]
    ) -> None:
        """Puts the unclaimed fields of an object at a place into the attributes, flat, redacted and bounded."""
        ...


class SpanCompiler:
    """Compiles one span definition of one dialect."""

    def __init__(
        self, definition: SpanDefinition, dialect: ParserDefinition, cleaner: Cleaner, wanted: Wanted, rest: Rest
    ) -> None:
        self._definition = definition
        self._cleaner = cleaner
        self._is_root = definition.kind == definition.parent_kind
        self._request = definition.id if self._is_root else dialect.record.request
        compares = any(span.infer or span.echo for span in dialect.span)
        self._process = value_reader(dialect.record.process) if compares else None
        self._objects = dialect.record.object
        self._enter = [(name, value_reader(name)) for name in self._objects]
        self._fields = self._fields_to_read(wanted)
        self._rest = rest if wanted.everything else None
        self.shape = SpanShape(
            kind=definition.kind,
            otlp_kind=_OTLP_KINDS[definition.otlp_kind],
            name=name_template(definition.name),
            timeout_nano=duration_nano(definition.timeout),
            grace_nano=duration_nano(definition.grace),
            parent_kind=definition.parent_kind,
            infer=definition.infer,
            dialect=dialect.name,
            scopes=scopes_of(definition, dialect),
        )

    def line(self, line: Line) -> LineShape:
        """One line's shape."""

        @functools.cache
        def any_keys(place: str) -> Callable[[dict[str, Any]], Told]:
            return self._reader(line, PathSource(root="b"), place)

        return LineShape(
            role=Role(line.role),
            span=self.shape,
            read_any=lambda data: any_keys(self._place(data)),
            learn=lambda keys, data: self._reader(line, KnownSource(keys, root="b"), self._place(data)),
            process=self._process_text if self._process else None,
            echo_key=self._echo_key() if self._definition.echo else None,
            failure_role=line.failure,
            is_root=self._is_root,
        )

    def _fields_to_read(self, wanted: Wanted) -> dict[str, Paths]:
        """The attributes that somebody asks for: all where spans leave the agent whole, else what rules read."""
        declared = self._definition.attributes
        asked = wanted.of(self._definition.kind)
        extra: dict[str, Paths] = {
            name: self._within(name)
            for name in sorted(asked)
            if name not in declared and not name.startswith(_CONVENTIONS)
        }
        if wanted.everything:
            return {**declared, **extra}
        needed = asked | NEEDED | set(self._definition.echo)
        return {name: paths for name, paths in declared.items() if name in needed} | extra

    def _within(self, name: str) -> str:
        """A rule's dotted path, as it is seen from the line's object."""
        return next((name.removeprefix(f"{at}.") for at in self._objects if name.startswith(f"{at}.")), name)

    def claimed(self) -> set[str]:
        """Dotted paths of the line that the span's attributes and ids are made of."""
        definition = self._definition
        several = [definition.id, definition.parent, definition.start, *definition.attributes.values()]
        if definition.duration:
            several.append(definition.duration.field)
        within = [f"{name}." for name in self._objects] or [""]
        return {start + ".".join(path) for paths in several for path in paths_of(paths) for start in (*within, "")}

    def _process_text(self, data: dict[str, Any]) -> str:
        value = self._process(data) if self._process else None
        return "" if value is None else plain_text(value)

    def _echo_key(self) -> Callable[[Mapping[str, AttributeValue]], str]:
        keys = tuple(self._definition.echo)
        return lambda attributes: "\0".join(str(attributes.get(key, "")) for key in keys)

    def _place(self, data: dict[str, Any]) -> str:
        """Where in a line its object is, as the beginning of a dotted path."""
        return next((name for name, read in self._enter if read(data).__class__ is dict), "")

    def _rest_lines(self, source: PathSource, place: str, namespace: dict[str, Any]) -> list[str]:
        """Statements that take the fields of the object that the definition does not map."""
        rest = self._rest
        if rest is None:
            return []
        within = f"{place}." if place else ""
        namespace["rest"] = rest.take
        if not isinstance(source, KnownSource):
            namespace["claimed"] = frozenset(self.claimed() | rest.claimed)
            return [f"rest(a, b, {place!r}, claimed)"]
        namespace["claimed"] = claimed = frozenset(self.claimed() | rest.claimed)
        namespace["hide"] = rest.hide
        body = []
        for key in source.keys:
            name = within + key
            if name in claimed:
                continue
            body.append(f"v = {source.read((key,))}")
            if rest.is_sensitive(key):
                body.append(f"if v is not None: a[{name!r}] = hide(v)")
                continue
            body += [
                f"if v.__class__ is str: a[{name!r}] = seen(v) or other(v)",
                f"elif v.__class__ in PLAIN: a[{name!r}] = v if v.__class__ is not int else other(v)",
                f"elif v is not None: rest(a, {{{key!r}: v}}, {place!r}, claimed)",
            ]
        return body

    def _reader(self, line: Line, source: PathSource, place: str) -> Callable[[dict[str, Any]], Told]:
        definition = self._definition
        namespace: dict[str, Any] = {
            "EMPTY": EMPTY, "PLAIN": PLAIN, "ident": context_id,
            "seen": self._cleaner.seen.get, "other": self._cleaner.value,
        }  # fmt: skip
        rest = self._rest_lines(source, place, namespace)
        body: list[str] = [
            "a = {}",
            *rest,
            *(f"a[{k!r}] = {v!r}" for k, v in {**definition.values, **line.set}.items()),
        ]
        for attribute, paths in self._fields.items():
            if attribute in line.set:
                continue
            usual = "v if v.__class__ in PLAIN else other(v)" if _NUMERIC.search(attribute) else "seen(v) or other(v)"
            if (value := source.first(paths_of(paths))) != MISSING:
                body.append(f"v = {value}")
                body.append(f"if v is not None: a[{attribute!r}] = {usual}")
        body.append(f"i = {self._id_source(source, definition.id)}")
        request = "i" if self._request == definition.id else self._id_source(source, self._request)
        parent = self._id_source(source, definition.parent)
        start = duration = "None"
        if definition.start:
            namespace["start"] = timestamps.reader_of("iso8601", "UTC")
            value = source.first(paths_of(definition.start))
            start = f"start({value})" if value != MISSING else MISSING
        if definition.duration:
            namespace["duration"] = timestamps.duration_reader(definition.duration.unit)
            value = source.first(paths_of(definition.duration.field))
            if value != MISSING:
                body.append(f"v = {value}")
                factor = timestamps.UNITS[definition.duration.unit]
                usual = f"int(v * {factor}.0 + 0.5) if v.__class__ is float and 0.0 <= v < 1e9"
                body.append(f"n = {usual} else None if v is None else duration(v)")
                duration = "n"
        body.append(f"return (i, {request}, {parent}, {start}, {duration}, a)")
        body = [*source.lines(), *body]
        careful = define("read", "b", body, {**namespace, "seen": self._cleaner.remembered})
        namespace["careful"] = careful
        guarded = ["try:", *(f"    {statement}" for statement in body), "except TypeError: return careful(b)"]
        reader: Callable[[dict[str, Any]], Told] = define("read", "b", guarded, namespace)
        return reader

    @staticmethod
    def _id_source(source: PathSource, paths: Paths) -> str:
        """Source of an id; a UUID, as almost all are, needs no call."""
        if not paths:
            return "None"
        value = source.first(paths_of(paths))
        if value == MISSING:
            return MISSING
        return f"v if ((v := {value}).__class__ is str and len(v) == {_UUID} and v > '1') else ident(v)"


def duration_nano(text: str) -> int:
    """A definition's duration ("250ms", "15m") in nanoseconds; ``expr`` knows the units.

    Raises ``ValueError`` with the text where it is none.
    """
    try:
        value = expr.compile_value(expr.parse(text), lambda _: "None")(None)
    except expr.ExpressionError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or not text[-1:].isalpha():
        raise ValueError(f'{text!r} is no duration; write for example "250ms", "2s" or "15m"')
    return round(value * 1e9)
