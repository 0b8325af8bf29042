r"""Paths into a decoded JSON object: ``context.request_id``; a dot inside a key is written ``\.``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SPLIT = re.compile(r"(?<!\\)\.")

Path = tuple[str, ...]
MISSING = "None"


def split(text: str) -> Path:
    """The keys that a path walks through."""
    return tuple(part.replace("\\.", ".") for part in _SPLIT.split(text))


class PathSource:
    """Writes the Python source that reads paths out of any object, walking each nested object once.

    ``lines()`` must stand before any expression that ``read`` gave; ``root`` is the name of the decoded object.
    """

    def __init__(self, prefix: str = "o", root: str = "d") -> None:
        self._prefix = prefix
        self._names: dict[Path, str] = {(): root}
        self._lines: list[str] = []

    def read(self, path: Path) -> str:
        """Source of an expression: the value at the path, None where it is missing."""
        return f"{self._object(path[:-1])}.get({path[-1]!r})"

    def first(self, paths: Iterable[Path]) -> str:
        """Source of an expression: the first value that is there and not null; ``None`` where none can be."""
        sources = [source for path in paths if (source := self.read(path)) != MISSING]
        if not sources:
            return MISSING
        expression = sources[-1]
        for number, source in reversed(list(enumerate(sources[:-1]))):
            name = f"{self._prefix}v{number}"
            expression = f"({name} if ({name} := {source}) is not None else {expression})"
        return expression

    @staticmethod
    def enter(objects: Iterable[str], name: str) -> list[str]:
        """Statements that bind ``name`` to the first of some objects of ``d`` that is there, else to ``d`` itself."""
        lines = [f"{name} = d"]
        for object_path in reversed(list(objects)):
            inner = PathSource(prefix="i")
            expression = inner.read(split(object_path))
            lines += [*inner.lines(), f"v = {expression}", f"if v.__class__ is dict: {name} = v"]
        return lines

    def lines(self) -> list[str]:
        """Statements that fetch the nested objects."""
        return list(self._lines)

    def _fetch(self, path: Path) -> str:
        return f"{self._object(path[:-1])}.get({path[-1]!r})"

    def _object(self, path: Path) -> str:
        if path not in self._names:
            fetched = self._fetch(path)
            name = f"{self._prefix}{len(self._names)}"
            self._names[path] = name
            self._lines += [
                f"{name} = {fetched}",
                f"if {name}.__class__ is not dict: {name} = EMPTY",
            ]
        return self._names[path]


class KnownSource(PathSource):
    """Writes the source that reads paths out of objects with exactly these keys, in this order.

    Lines of one logging call share their keys. With the keys known, all values are unpacked at once and what is not
    there is not looked for: a third of the cost of asking for each.
    """

    def __init__(self, keys: Sequence[str], prefix: str = "o", root: str = "d") -> None:
        super().__init__(prefix, root)
        self.keys = tuple(keys)
        self._root = root
        self._names_of_keys = {key: f"{prefix}k{number}" for number, key in enumerate(keys)}
        self._used: set[str] = set()

    def read(self, path: Path) -> str:
        """Source of an expression: the value at the path, ``None`` where the object cannot have it."""
        name = self._names_of_keys.get(path[0])
        if name is None:
            return MISSING
        self._used.add(name)
        return name if len(path) == 1 else super().read(path)

    def _fetch(self, path: Path) -> str:
        return self._names_of_keys[path[0]] if len(path) == 1 else super()._fetch(path)

    def unpack(self, *, every: bool = True) -> list[str]:
        """Statements that unpack the object: all values, or only those that are read."""
        names = [name if every or name in self._used else "_" for name in self._names_of_keys.values()]
        return [f"{', '.join(names)}, = {self._root}.values()"] if names and (every or self._used) else []

    def nested(self) -> list[str]:
        """Statements that fetch the nested objects of an unpacked one."""
        return super().lines()

    def lines(self) -> list[str]:
        """Statements that unpack what is read of the object, and fetch the nested ones."""
        return self.unpack(every=False) + self.nested()
