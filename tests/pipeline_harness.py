"""A pipeline over lists of lines, and a ledger that is a dict."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logagent.catalog import Catalog, load_catalog
from logagent.model import Alert, Failure, LogRecord, Outcome, RawBatch, Span
from logagent.pipeline import Pipeline, build_pipeline
from logagent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DATA = Path(__file__).parent / "data"
NOW = 1_800_000_000_000_000_000
"""When lines are read, unless a test says otherwise: later than the time in any of them."""


def make_settings(**tables: Any) -> Settings:
    """Settings with one receiver ``app`` whose times without a zone are UTC."""
    receiver = {"type": "stdin", "timezone": "UTC"}
    data = {
        "service": {"name": "backend", "namespace": "autoforge"},
        "state": {"dir": "/nowhere"},
        "receivers": {"app": receiver},
        **tables,
    }
    return Settings.model_validate(data, context={"directory": Path("/nowhere")})


SETTINGS = make_settings()
CATALOG = load_catalog(SETTINGS)


def make_pipeline(settings: Settings = SETTINGS, catalog: Catalog = CATALOG, *, identify: bool = True) -> Pipeline:
    return build_pipeline(catalog, settings, identify=identify)


def read_lines(name: str) -> list[bytes]:
    return (DATA / name).read_bytes().splitlines()


def from_first_date(lines: Sequence[bytes]) -> list[bytes]:
    """Without the undated lines before the first JSON line: their time is that of what they are read with."""
    return list(itertools.dropwhile(lambda line: not line.startswith(b"{"), lines))


def batch_of(lines: Sequence[bytes], source: str = "/var/log/app.log", *, observed: int = NOW) -> RawBatch:
    size = sum(len(line) + 1 for line in lines)
    return RawBatch("app", source, list(lines), source, b"at", observed, size)


@dataclass
class Seen:
    """Everything that came out of a pipeline."""

    records: list[LogRecord] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.records += outcome.records
        self.spans += outcome.spans
        self.failures += outcome.failures
        self.alerts += outcome.alerts

    def of(self, kind: str) -> list[Span]:
        return [span for span in self.spans if span.kind == kind]


def run(
    lines: Sequence[bytes], *, size: int = 0, pipeline: Pipeline | None = None, close: bool = True
) -> tuple[Seen, Pipeline]:
    """What all lines come to, in batches of a size (0: one batch)."""
    pipeline = pipeline or make_pipeline()
    seen = Seen()
    for at in range(0, len(lines), size or len(lines) or 1):
        seen.add(pipeline.process(batch_of(lines[at : at + (size or len(lines))]), NOW))
    if close:
        seen.add(pipeline.close(NOW))
    return seen, pipeline


Entries = dict[tuple[str, str], bytes]


def commit(pipeline: Pipeline, entries: Entries) -> None:
    """What a ledger does with a pipeline's changes."""
    for place, value in pipeline.changes():
        if value is None:
            entries.pop(place, None)
        else:
            entries[place] = value


def restored(pipeline: Pipeline, entries: Mapping[tuple[str, str], bytes]) -> Pipeline:
    """The pipeline, begun anew from what the ledger has, in the ledger's order."""

    def load(room: str) -> dict[str, bytes]:
        return {key: value for (of, key), value in sorted(entries.items()) if of == room}

    pipeline.restore(load, NOW)
    return pipeline


def described(spans: Iterable[Span]) -> Iterator[tuple[Any, ...]]:
    """Everything of a span that anybody outside can see."""
    for span in spans:
        events = [(event.time_unix_nano, event.name, event.attributes) for event in span.events]
        yield (
            span.kind, span.id, span.name, span.otlp_kind, span.start_unix_nano, span.end_unix_nano, span.attributes,
            span.resource, span.request_id, span.parent_kind, span.parent_id, span.parent_found, span.status,
            span.status_message, span.outcome, span.incomplete, span.severity_number, events, span.dropped_events,
            span.trace_id, span.span_id, span.parent_span_id,
        )  # fmt: skip
