"""The configuration as typed models: every option once, with its type, default, meaning and an example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from logagent.settings.components import Exporters, Options, Receivers
from logagent.settings.document import Document
from logagent.settings.option_types import Globs, PathOption, Regexes, Texts
from logagent.settings.values import Duration, Size

if TYPE_CHECKING:
    from logagent.errors import Problem
    from logagent.settings.lines import Place

_NOT_IN_METRIC_NAMES = re.compile(r"[^A-Za-z0-9_]+", re.ASCII)


class ServiceSettings(Options):
    """Who logs, in OpenTelemetry's resource attributes."""

    name: str = Field(
        default="unknown_service",
        description="`service.name`.",
        examples=["autoforgenexus-backend"],
        min_length=1,
    )
    namespace: str = Field(
        default="",
        description="`service.namespace`, and the prefix of every derived metric.",
        examples=["autoforge"],
    )
    environment: str = Field(default="", description="`deployment.environment.name`.", examples=["production"])

    @property
    def metric_prefix(self) -> str:
        """What the names of derived metrics begin with: the namespace with a ``_``, or nothing.

        A character that a metric's name cannot have becomes ``_``.
        """
        prefix = _NOT_IN_METRIC_NAMES.sub("_", self.namespace)
        return (f"_{prefix}_" if prefix[0].isdigit() else f"{prefix}_") if prefix else ""


class StateSettings(Options):
    """Where the agent remembers."""

    dir: PathOption = Field(
        description="Directory of the ledger.",
        examples=["/var/lib/logagent"],
        json_schema_extra={"default_text": "`/var/lib/logagent` as root, else `$XDG_STATE_HOME/logagent`"},
    )


class RuleSettings(Options):
    """Which rule files apply."""

    paths: Globs = Field(
        default=(), description="Rule files beside the shipped ones.", examples=[["/etc/logagent/rules.d/*.toml"]]
    )
    shipped: Texts | None = Field(
        default=None,
        description="Names of the shipped rule files that apply.",
        examples=[["http", "llm"]],
        json_schema_extra={"default_text": "all"},
    )
    prometheus: bool = Field(
        default=False,
        description="Count what window alerts and budgets look at as metrics, for `logagent export prometheus-rules`.",
        examples=[True],
    )


class ParserSettings(Options):
    """Which parser files are known."""

    paths: Globs = Field(
        default=(), description="Parser files beside the shipped ones.", examples=[["/etc/logagent/parsers.d/*.toml"]]
    )


class LimitSettings(Options):
    """Bounds; whatever one of them costs is counted with its reason."""

    line: Size = Field(
        default=1024**2, description="Bytes of a line that are kept; the rest is cut.", examples=["256KiB"], ge=1024
    )
    nesting: int = Field(
        default=10, description="Levels of objects and lists inside one another.", examples=[6], ge=1, le=100
    )
    attributes: int = Field(default=128, description="Attributes of a record or span.", examples=[64], ge=1)
    open_spans: int = Field(
        default=50_000, description="Spans waiting for their end; the oldest are closed.", examples=[10_000], ge=1
    )
    series: int = Field(
        default=2000, description="Series of one metric; the rest share an overflow series.", examples=[500], ge=1
    )
    rotated_hold: Duration = Field(
        default=3600.0,
        description="How long a rotated or deleted file is kept open for what has not been read of it.",
        examples=["6h"],
    )
    outbox: Size = Field(
        default=256 * 1024**2,
        description="Bytes waiting for delivery; when it is full, reading waits.",
        examples=["1GiB"],
        ge=1024**2,
    )


class RedactionSettings(Options):
    """What is concealed beside the built-in rules."""

    keys: Texts = Field(default=(), description="Further keys whose values are concealed.", examples=[["iban"]])
    patterns: Regexes = Field(
        default=(),
        description="Regular expressions of further texts that are concealed.",
        examples=[["CUST-[0-9]{8}"]],
    )


class Settings(Options):
    """The whole configuration. ``load_settings`` makes it."""

    service: ServiceSettings = ServiceSettings()
    state: StateSettings
    receivers: Receivers = Field(default={}, description="Where lines come from: one table each.")
    exporters: Exporters = Field(default={}, description="Where results go: one table each.")
    rules: RuleSettings = RuleSettings()
    parsers: ParserSettings = ParserSettings()
    limits: LimitSettings = LimitSettings()
    redaction: RedactionSettings = RedactionSettings()

    _document: Document = PrivateAttr(default_factory=lambda: Document("", {}))

    @property
    def file(self) -> Path | None:
        """The file that they were read from; None where everything is a default."""
        return Path(self._document.file) if self._document.file else None

    def problem(self, place: Place, message: str, hint: str) -> Problem:
        """A problem at a place of the configuration file, with its line: for what only later rooms can see."""
        return self._document.problem(place, message, hint)

    def written(self, place: Place) -> Any:
        """The value at a place as the file has it, its references unresolved; None where it has none."""
        return self._document.value(place)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the document for ``problem``."""
        if isinstance(context, dict) and "document" in context:
            self._document = context["document"]
