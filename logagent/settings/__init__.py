"""The configuration file: from its text to typed settings, or to everything that is wrong with it."""

from __future__ import annotations

from logagent.settings.components import (
    FilelogSettings,
    FileSettings,
    OtlpSettings,
    PrometheusSettings,
    ReceiverOptions,
    StdinSettings,
    TlsSettings,
    WebhookSettings,
)
from logagent.settings.load import DEFAULT_FILE, default_state_directory, load_settings, read_settings
from logagent.settings.models import (
    LimitSettings,
    ParserSettings,
    RedactionSettings,
    RuleSettings,
    ServiceSettings,
    Settings,
    StateSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "FileSettings",
    "FilelogSettings",
    "LimitSettings",
    "OtlpSettings",
    "ParserSettings",
    "PrometheusSettings",
    "ReceiverOptions",
    "RedactionSettings",
    "RuleSettings",
    "ServiceSettings",
    "Settings",
    "StateSettings",
    "StdinSettings",
    "TlsSettings",
    "WebhookSettings",
    "default_state_directory",
    "load_settings",
    "read_settings",
]
