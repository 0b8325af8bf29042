"""The options of each receiver and exporter type.

A component is a named table. Its type is the table's name unless ``type`` says otherwise;
its models are registered by being members of ``Receiver`` and ``Exporter``.
"""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from logagent.settings.option_types import (
    Address,
    ExcludeGlobs,
    Globs,
    Headers,
    OptionalPath,
    PathOption,
    ResourceAttributes,
    Url,
    ZoneName,
    split_address,
)
from logagent.settings.values import Duration, custom_error

_COMPONENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class Options(BaseModel):
    """One table of the configuration: strict, immutable, and silent about its values."""

    takes_alerts: ClassVar[bool] = False
    """Whether notifications about alerts can be sent there."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Only the names of what was set: any value may have come from a secret."""
        return [(None, name) for name in sorted(self.model_fields_set)]


class ReceiverOptions(Options):
    """What every receiver can be told."""

    parser: str = Field(
        default="auto",
        description='Parser of its lines: `"auto"` finds one for each line, a name takes that one.',
        examples=["python-json-logger"],
        min_length=1,
    )
    service: str = Field(
        default="",
        description="`service.name` of its records, where it is not `[service]`'s.",
        examples=["billing"],
    )
    timezone: ZoneName = Field(
        default="local",
        description="Zone of times that name none: `local`, `UTC`, `+02:00` or an IANA name.",
        examples=["Europe/Berlin"],
    )
    attributes: ResourceAttributes = Field(
        default={},
        description="Resource attributes of its records.",
        examples=[{"cloud.region": "eu-west-1"}],
    )


class FilelogSettings(ReceiverOptions):
    """Log files, followed through rotation."""

    type: Literal["filelog"] = "filelog"
    include: Globs = Field(
        description="Files to read. Relative patterns are relative to the configuration file's directory.",
        examples=[["/var/log/autoforge/*.log"]],
        min_length=1,
    )
    exclude: ExcludeGlobs = Field(
        default=(),
        description="Files not to read, of those included. A pattern without a slash is compared with the file's name.",
        examples=[["*.gz"]],
    )
    start_at: Literal["end", "beginning"] = Field(
        default="end",
        description="Where to begin in files that exist when first seen; later files are read from their start. `run --once` always begins at the beginning.",
        examples=["beginning"],
    )


class StdinSettings(ReceiverOptions):
    """The standard input."""

    type: Literal["stdin"] = "stdin"


class PrometheusSettings(Options):
    """Metrics to be scraped, health, and the web page."""

    type: Literal["prometheus"] = "prometheus"
    listen: Address = Field(
        default="127.0.0.1:9464",
        description='Address of `/metrics`, `/healthz`, `/readyz` and the web page; `""` for none.',
        examples=["0.0.0.0:9464"],
    )
    textfile: OptionalPath = Field(
        default=None,
        description='The metrics are also written here, atomically, at every commit; `""` for not.',
        examples=["/var/lib/node_exporter/textfile/logagent.prom"],
    )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen at; None for none."""
        return split_address(self.listen) if self.listen else None


class TlsSettings(Options):
    """How to trust the other end, and how to be trusted."""

    ca_file: OptionalPath = Field(
        default=None, description="Certificates to trust instead of the system's.", examples=["/etc/ssl/otel-ca.pem"]
    )
    cert_file: OptionalPath = Field(
        default=None, description="The agent's own certificate.", examples=["/etc/logagent/client.pem"]
    )
    key_file: OptionalPath = Field(
        default=None,
        description="The key of that certificate, where it is in a file of its own.",
        examples=["/etc/logagent/client.key"],
    )
    insecure_skip_verify: bool = Field(
        default=False, description="Trust any certificate: for experiments only.", examples=[True]
    )

    def context(self) -> ssl.SSLContext:
        """What a client needs to speak TLS so. Raises OSError (``ssl.SSLError`` is one) where a file is of no use."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file, password=lambda: "")  # else OpenSSL asks a person
        return context


class OtlpSettings(Options):
    """Spans to an OpenTelemetry endpoint, as protobuf over HTTP."""

    type: Literal["otlp"] = "otlp"
    endpoint: Url = Field(
        default="http://127.0.0.1:4318",
        description="Base URL; `/v1/traces` is appended.",
        examples=["https://otel.example.com"],
    )
    signals: Annotated[tuple[Literal["traces"], ...], Strict(strict=False)] = Field(
        default=("traces",), description="What to send.", examples=[["traces"]], min_length=1
    )
    headers: Headers = Field(
        default={},
        description="Sent with every request.",
        examples=[{"Authorization": "Bearer ${OTLP_TOKEN}"}],
    )
    compression: Literal["gzip", "none"] = Field(
        default="gzip", description="Of the requests' bodies.", examples=["none"]
    )
    timeout: Duration = Field(default=10.0, description="Of one request.", examples=["30s"])
    tls: TlsSettings = Field(default=TlsSettings(), description="Only for `https` endpoints.")


class FileSettings(Options):
    """OTLP/JSON lines in a file."""

    type: Literal["file"] = "file"
    path: PathOption = Field(
        description="The file to append to. A relative path is relative to the configuration file's directory.",
        examples=["out.ndjson"],
    )
    signals: Annotated[tuple[Literal["logs", "traces"], ...], Strict(strict=False)] = Field(
        default=("logs", "traces"), description="What to write.", examples=[["traces"]], min_length=1
    )


class WebhookSettings(Options):
    """Notifications about alerts, as JSON to a URL."""

    takes_alerts: ClassVar[bool] = True
    type: Literal["webhook"] = "webhook"
    url: Url = Field(description="Where to post.", examples=["https://alerts.example.com/hook"])
    headers: Headers = Field(
        default={}, description="Sent with every request.", examples=[{"Authorization": "Bearer ${HOOK_TOKEN}"}]
    )
    timeout: Duration = Field(default=10.0, description="Of one request.", examples=["30s"])
    tls: TlsSettings = Field(default=TlsSettings(), description="Only for `https` URLs.")


def _name_types(tables: Any) -> Any:
    """Give each component its type: the table's name unless it says otherwise."""
    if not isinstance(tables, dict):
        return tables
    return {name: {"type": name, **table} if isinstance(table, dict) else table for name, table in tables.items()}


def _check_name(name: str) -> str:
    if not _COMPONENT_NAME.fullmatch(name):
        raise custom_error("not a component's name", "letters, digits, - and _, for example app-2")
    return name


ComponentName = Annotated[str, AfterValidator(_check_name)]
"""It becomes a label of metrics and a key of the ledger."""

Receiver = Annotated[FilelogSettings | StdinSettings, Field(discriminator="type")]
Receivers = Annotated[dict[ComponentName, Receiver], BeforeValidator(_name_types)]

Exporter = Annotated[PrometheusSettings | OtlpSettings | FileSettings | WebhookSettings, Field(discriminator="type")]
Exporters = Annotated[dict[ComponentName, Exporter], BeforeValidator(_name_types)]
