"""What the lines of one logging call share, made once: severity, logger and what they are to a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from logagent.model import Template
from logagent.parsing.values import plain_text
from logagent.shapes import LineShape

if TYPE_CHECKING:
    from logagent.parsing.dialect import CompiledDialect

_MAX_LEVEL, _MAX_LOGGER, _MANY = 32, 256, 4_096


class Templates:
    """The templates of one dialect."""

    def __init__(self, dialect: CompiledDialect) -> None:
        self.latest: dict[str, tuple[str | None, str | None, Template]] = {}
        """Message that the definition knows → level and logger that it came with last, as the line has them, and the
        template of such lines."""
        self._dialect = dialect
        self._lines = dialect.lines
        self._known: dict[tuple[LineShape | None, str | None, str | None], Template] = {}

    def find(self, message: Any, level: Any, logger: Any, data: dict[str, Any]) -> Template:
        """The template of a line with this message, level and logger, each of any type."""
        line = self._lines.get(message) if message.__class__ is str else None
        shape = line if line is None or isinstance(line, LineShape) else line(data)
        if not (_is_text(level, _MAX_LEVEL) and _is_text(logger, _MAX_LOGGER)):
            return self._made(shape, level, logger)
        key = (shape, level, logger)
        template = self._known.get(key)
        if template is None:
            if len(self._known) >= _MANY:
                self._known.clear()
            template = self._known[key] = self._made(shape, level, logger)
        if line is shape is not None:
            self.latest[message] = (level, logger, template)
        return template

    def _made(self, shape: LineShape | None, level: Any, logger: Any) -> Template:
        level_text = "" if level is None else plain_text(level)[:_MAX_LEVEL]
        logger_text = "" if logger is None else plain_text(logger)[:_MAX_LOGGER]
        return Template(self._dialect, self._dialect.severity(level), level_text, logger_text, shape)


def _is_text(value: Any, longest: int) -> bool:
    """Whether a value can be remembered: short text, or none. Of other types, unequal ones may be told equal."""
    return value is None or (value.__class__ is str and len(value) <= longest)
