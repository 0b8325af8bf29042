"""Options that are each well and do not go together."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from logagent.settings import TlsSettings, read_settings

if TYPE_CHECKING:
    from pathlib import Path


def _messages(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    file = tmp_path / "logagent.toml"
    file.write_text(text if "[receivers" in text else f"{text}\n[receivers.stdin]\n")
    _, problems = read_settings(file, {})
    assert all(problem.hint for problem in problems)
    return [(problem.place, problem.message) for problem in problems]


@pytest.mark.parametrize("rival", ["127.0.0.1:9464", "0.0.0.0:9464", "[::]:9464"])
def test_two_exporters_at_one_address_are_a_mistake(tmp_path: Path, rival: str) -> None:
    text = f'[exporters.prometheus]\n[exporters.b]\ntype = "prometheus"\nlisten = "{rival}"\n'
    assert _messages(tmp_path, text) == [
        ("exporters.b.listen (line 4)", "exporters.prometheus already listens on port 9464")
    ]


@pytest.mark.parametrize("other", ["127.0.0.1:9465", "127.0.0.2:9464", ""])
def test_two_exporters_at_different_addresses_are_none(tmp_path: Path, other: str) -> None:
    text = f'[exporters.prometheus]\n[exporters.b]\ntype = "prometheus"\nlisten = "{other}"\n'
    assert _messages(tmp_path, text) == []


def test_a_port_that_the_system_chooses_conflicts_with_none(tmp_path: Path) -> None:
    text = '[exporters.a]\ntype = "prometheus"\nlisten = "0.0.0.0:0"\n[exporters.b]\ntype = "prometheus"\nlisten = "0.0.0.0:0"\n'
    assert _messages(tmp_path, text) == []


def test_two_exporters_writing_one_file_are_a_mistake_however_it_is_written(tmp_path: Path) -> None:
    text = f'[exporters.file]\npath = "x/../out"\n[exporters.prometheus]\ntextfile = "{tmp_path}/out"\n'
    assert _messages(tmp_path, text) == [
        ("exporters.prometheus.textfile (line 4)", "exporters.file.path already writes to this file")
    ]


@pytest.mark.parametrize(
    ("include", "exclude", "readers"),
    [
        ("*.ndjson", "", 1),
        ("**/*.ndjson", "", 1),
        ("/**", "", 1),
        ("*.ndjson", "out*", 0),
        ("*.log", "", 0),
        ("*/*.ndjson", "", 0),
    ],
)
def test_an_agent_that_would_read_its_own_output_is_a_mistake(
    tmp_path: Path, include: str, exclude: str, readers: int
) -> None:
    excluded = f'exclude = ["{exclude}"]\n' if exclude else ""
    text = (
        f'[exporters.file]\npath = "out.ndjson"\n[receivers.app]\ntype = "filelog"\ninclude = ["{include}"]\n{excluded}'
    )
    expected = [("exporters.file.path (line 2)", "receivers.app would read what is written here, for ever")]
    assert _messages(tmp_path, text) == expected[:readers]


def test_the_standard_input_has_one_reader(tmp_path: Path) -> None:
    text = '[receivers.stdin]\n[receivers.b]\ntype = "stdin"\n'
    assert _messages(tmp_path, text) == [("receivers.b (line 2)", "receivers.stdin already reads the standard input")]


def test_certificates_that_cannot_be_used_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    text = '[exporters.otlp.tls]\nca_file = "missing.pem"\n[exporters.b]\ntype = "otlp"\ntls = { cert_file = "empty.pem" }\n'
    assert _messages(tmp_path, text) == [
        ("exporters.otlp.tls (line 1)", "these files are of no use: no such file or directory"),
        ("exporters.b.tls (line 5)", "these files are of no use: not PEM, encrypted or not a pair"),
    ]


def test_a_client_can_trust_any_certificate_if_told_so() -> None:
    context = TlsSettings(insecure_skip_verify=True).context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert TlsSettings().context().verify_mode == ssl.CERT_REQUIRED
