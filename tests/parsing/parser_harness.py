"""Dialects, parsers and batches for the tests of parsing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import tomli

from logagent.model import LogRecord, RawBatch, Resource
from logagent.parsing.definition import ParserDefinition
from logagent.parsing.dialect import CompiledDialect
from logagent.parsing.parser import Parser
from logagent.parsing.redaction import Redactor
from logagent.shipped import parser_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.parsing.compile import Wanted

OBSERVED = 1_800_000_000_000_000_000
RESOURCE = Resource("backend", "autoforge", {"service.name": "backend"})
SHIPPED = [ParserDefinition.model_validate(tomli.loads(file.read_text())) for file in parser_files()]
TEXT = next(definition for definition in SHIPPED if definition.name == "text")


def dialect(toml: str, **options: Any) -> CompiledDialect:
    return CompiledDialect(ParserDefinition.model_validate(tomli.loads(toml)), Redactor(), **options)


def shipped_parser(wanted: Wanted | None = None) -> Parser:
    redactor = Redactor()
    return Parser([CompiledDialect(definition, redactor, zone="UTC", wanted=wanted) for definition in SHIPPED])


def parser_of(*dialects: CompiledDialect) -> Parser:
    return Parser([*dialects, CompiledDialect(TEXT, Redactor())])


def parse(parser: Parser, *lines: bytes | dict[str, Any], cut: dict[int, int] | None = None) -> list[LogRecord]:
    encoded = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
    return parser.parse(RawBatch("app", "app.log", encoded, "app.log", None, OBSERVED, cut=cut or {}), RESOURCE)


def told(records: Sequence[LogRecord]) -> list[Any]:
    """What each line tells of a span, None where nothing."""
    return [record.line.told(record.data, record.object) if record.line else None for record in records]
