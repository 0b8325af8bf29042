"""The models read as a schema: which tables there are, which options each has, and how they are written.

From here come the option table of the documentation and the wording of problems.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from logagent.settings.values import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

    from logagent.settings.lines import Place

_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True)
class Option:
    """One option as documentation shows it; default and example as they are written in the file."""

    table: str
    component: str
    """The type of component that has it; empty where every configuration has it."""
    name: str
    type: str
    default: str
    description: str
    example: str
    choices: tuple[str, ...]
    secret: bool
    write: Callable[[Any], str]


@dataclass(frozen=True)
class Location:
    """Where in the models an error of theirs lies."""

    place: Place
    """The same place in the document."""
    table: type[BaseModel]
    """The innermost table."""
    option: Option | None
    """The option within it; None where the table has none of that name."""
    types: tuple[str, ...] = ()
    """The known types, where the place is a component."""


def locate(model: type[BaseModel], loc: tuple[str | int, ...]) -> Location:
    """The location of a pydantic error: its ``loc`` names members of unions, which no document does."""
    place: Place = ()
    table: type[BaseModel] = model
    option: Option | None = None
    annotation: Any = model
    for part in loc:
        annotation = _bare(annotation)
        members = component_types(annotation)
        if members:
            annotation = members.get(str(part))
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            place = (*place, part)
            table, field = annotation, annotation.model_fields.get(str(part))
            option = describe(str(part), field) if field else None
            annotation = field.annotation if field else None
        elif part == "[key]" or get_origin(annotation) in {Union, types.UnionType}:
            annotation = None
        else:
            place = (*place, part)
            annotation = _item(annotation)
    return Location(place, table, option, tuple(sorted(component_types(_bare(annotation)))))


def _item(annotation: Any) -> Any:
    """The annotation of what a table of components, a list or a tuple holds; None for anything else."""
    arguments = get_args(annotation)
    return (arguments[-1] if get_origin(annotation) is dict else arguments[0]) if arguments else None


def component_types(annotation: Any) -> dict[str, type[BaseModel]]:
    """Type name -> model, where the annotation is a union of models told apart by ``type``."""
    members = get_args(_bare(annotation))
    if not members or not all(isinstance(member, type) and issubclass(member, BaseModel) for member in members):
        return {}
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


def describe(name: str, field: FieldInfo, table: str = "", component: str = "") -> Option:
    """What is to know of one option."""
    kind = next((item for item in field.metadata if isinstance(item, Kind)), None)
    write = kind.write if kind and kind.write else write_toml
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if field.is_required():
        default = "required"
    else:
        default = f"`{write(field.default) if field.default is not None else write_toml('')}`"
    return Option(
        table=table,
        component=component,
        name=name,
        type=_type_name(field.annotation, kind),
        default=str(extra.get("default_text", default)),
        description=field.description or "",
        example=write_toml(field.examples[0]) if field.examples else "",
        choices=_choices(field.annotation),
        secret=bool(kind and kind.secret),
        write=write,
    )


def list_options(model: type[BaseModel], table: str = "", component: str = "") -> Iterator[Option]:
    """Every option of a configuration, table by table, in the order of the models.

    A component's table is called ``receivers.NAME``.
    """
    for name, field in model.model_fields.items():
        inner = f"{table}.{name}" if table else name
        annotation = _bare(field.annotation)
        values = get_args(annotation)[-1:] if get_origin(annotation) is dict else ()
        members = component_types(values[0]) if values else {}
        if members:
            for type_name, member in members.items():
                yield from list_options(member, f"{inner}.NAME", type_name)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from list_options(annotation, inner, component)
        elif name != "type":
            yield describe(name, field, table, component)


def tables_with(model: type[BaseModel], name: str) -> list[str]:
    """The tables that have an option of this name."""
    return [option.table for option in list_options(model) if option.name == name]


def write_toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_toml, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f'"{key}" = {write_toml(item)}' for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, int | float):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bare(annotation: Any) -> Any:
    """The annotation without its metadata, and without the None of an option that may be absent."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return _bare(members[0])
    return annotation


def _choices(annotation: Any) -> tuple[str, ...]:
    bare = _bare(annotation)
    if get_origin(bare) is tuple:
        bare = _bare(get_args(bare)[0])
    return get_args(bare) if get_origin(bare) is Literal else ()


def _type_name(annotation: Any, kind: Kind | None = None) -> str:
    if kind:
        return kind.name
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return _type_name(inner, next((item for item in metadata if isinstance(item, Kind)), None))
    bare = _bare(annotation)
    if get_origin(bare) is tuple:
        item = get_args(bare)[0]
        return f"list of {_type_name(item)}" + ("" if _choices(item) else "s")
    choices = _choices(bare)
    if choices:
        return " or ".join(f'`"{choice}"`' for choice in choices)
    return _SCALARS.get(bare, "table")
