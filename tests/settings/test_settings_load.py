"""From a configuration file to settings, or to everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logagent.settings import (
    FilelogSettings,
    FileSettings,
    OtlpSettings,
    PrometheusSettings,
    Settings,
    StdinSettings,
    load,
    load_settings,
    read_settings,
)

Load = Callable[[str], Settings]
_RECEIVER = "[receivers.stdin]\n"


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """The settings of a text, loaded from a file of a directory of its own."""

    def load_text(text: str) -> Settings:
        file = tmp_path / "logagent.toml"
        file.write_text(text)
        return load_settings(file, {"TOKEN": "s3cret", "HOME": "/home/x"})

    return load_text


def test_the_specified_example_loads(load_text: Load, tmp_path: Path) -> None:
    settings = load_text(
        """
[service]
name = "autoforgenexus-backend"
namespace = "autoforge"
environment = "production"
[state]
dir = "/var/lib/logagent"
[receivers.app]
type = "filelog"
include = ["/var/log/autoforge/*.log", "logs/**/*.log"]
exclude = ["*.gz", "old/*"]
start_at = "end"
parser = "auto"
service = ""
attributes = { "cloud.region" = "eu", shard = 3 }
[receivers.stdin]
[exporters.prometheus]
listen = "127.0.0.1:9464"
textfile = ""
[exporters.otlp]
endpoint = "http://127.0.0.1:4318"
headers = { Authorization = "Bearer ${TOKEN}" }
timeout = "1m"
[exporters.file]
path = "out.ndjson"
signals = ["logs","traces"]
[rules]
paths = ["/etc/logagent/rules.d/*.toml"]
[parsers]
paths = ["/etc/logagent/parsers.d/*.toml"]
[limits]
line = "512KiB"
[redaction]
keys = ["iban"]
patterns = ['\\d{16}']
"""
    )
    app, stdin = settings.receivers["app"], settings.receivers["stdin"]
    assert isinstance(app, FilelogSettings)
    assert isinstance(stdin, StdinSettings)
    assert app.include == ("/var/log/autoforge/*.log", f"{tmp_path}/logs/**/*.log")
    assert app.exclude == ("*.gz", f"{tmp_path}/old/*")
    assert app.attributes == {"cloud.region": "eu", "shard": 3}
    prometheus, otlp, file = (settings.exporters[name] for name in ("prometheus", "otlp", "file"))
    assert isinstance(prometheus, PrometheusSettings)
    assert isinstance(otlp, OtlpSettings)
    assert isinstance(file, FileSettings)
    assert (prometheus.address, prometheus.textfile) == (("127.0.0.1", 9464), None)
    assert otlp.headers["Authorization"].get_secret_value() == "Bearer s3cret"
    assert otlp.timeout == 60.0
    assert file.path == tmp_path / "out.ndjson"
    assert settings.limits.line == 512 * 1024
    assert settings.service.metric_prefix == "autoforge_"
    assert settings.file == tmp_path / "logagent.toml"


def test_without_a_file_everything_has_its_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load, "DEFAULT_FILE", tmp_path / "missing.toml")
    settings = load_settings(None, {})
    limits = settings.limits
    assert (limits.line, limits.nesting, limits.attributes) == (1024**2, 10, 128)
    assert (limits.open_spans, limits.series, limits.outbox) == (50_000, 2000, 256 * 1024**2)
    assert (settings.file, settings.receivers, settings.exporters) == (None, {}, {})


def test_without_a_path_the_system_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "logagent.toml"
    file.write_text(_RECEIVER)
    monkeypatch.setattr(load, "DEFAULT_FILE", file)
    assert load_settings(None, {}).file == file


@pytest.mark.parametrize(
    ("user", "environment", "expected"),
    [
        (0, {"XDG_STATE_HOME": "/x"}, "/var/lib/logagent"),
        (1000, {"XDG_STATE_HOME": "/x", "HOME": "/home/a"}, "/x/logagent"),
        (1000, {"XDG_STATE_HOME": "relative", "HOME": "/home/a"}, "/home/a/.local/state/logagent"),
        (1000, {"HOME": "/home/a"}, "/home/a/.local/state/logagent"),
    ],
)
def test_the_ledger_is_where_the_user_may_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(load, "DEFAULT_FILE", tmp_path / "missing.toml")
    assert load_settings(None, environment).state.dir == Path(expected)


def test_nothing_that_came_through_a_reference_or_is_a_header_shows_in_a_repr(load_text: Load) -> None:
    settings = load_text(
        _RECEIVER + '[exporters.otlp]\nendpoint = "http://${TOKEN}"\nheaders = { A = "literal-s3cret" }\n'
        '[exporters.file]\npath = "${TOKEN}"\n'
    )
    assert "s3cret" not in f"{settings!r} {settings} {settings.exporters}"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.exists, "there is no such file"),
        (Path.mkdir, "this is a directory"),
        (lambda file: file.write_bytes(b"# \xff"), "not UTF-8"),
        (lambda file: file.write_bytes(b"#" * (4 * 1024 * 1024 + 1)), "larger than 4MiB"),
        (lambda file: file.write_text("x = " + "[" * 100_000), "nested too deeply"),
        (lambda file: file.write_text("[" + ".".join("a" * 100_000) + "]\n"), "nested too deeply"),
        (lambda file: file.symlink_to(file), "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    file = tmp_path / "logagent.toml"
    make(file)
    _, found = read_settings(file, {})
    assert len(found) == 1
    assert found[0].file == str(file)
    assert found[0].message.startswith(message)
    assert found[0].hint


def test_options_without_a_mistake_are_kept_beside_those_with_one(tmp_path: Path) -> None:
    file = tmp_path / "logagent.toml"
    file.write_text(
        '[receivers.a]\ntype = "stdin"\nparser = 1\n[receivers.b]\n[exporters.otlp]\ntimeout = 1\nendpoint = "http://x"\n'
        '[rules]\npaths = ["a.toml", 1]\n[parsers]\npaths = ["p.toml"]\n'
    )
    settings, found = read_settings(file, {})
    assert len(found) == 4
    assert set(settings.receivers) == {"a"}
    otlp = settings.exporters["otlp"]
    assert isinstance(otlp, OtlpSettings)
    assert (otlp.endpoint, otlp.timeout) == ("http://x", 10.0)
    assert (settings.rules.paths, settings.parsers.paths) == ((), (f"{tmp_path}/p.toml",))


def test_a_later_room_can_name_the_line_of_an_option(load_text: Load) -> None:
    settings = load_text('[receivers.stdin]\nparser = "jsn"\n')
    problem = settings.problem(("receivers", "stdin", "parser"), "no such parser", "json")
    assert problem.place == "receivers.stdin.parser (line 2)"


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_bytes_are_anything_but_settings_or_problems(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "logagent.toml"
    file.write_bytes(raw)
    read_settings(file, {})


_VALUES = st.sampled_from(['"x"', "1", "true", "[]", "{}", "1979-05-27", '["a", 1]', "nan", '"5s"', '"${X}"', "[[]]"])
_KEYS = st.sampled_from(
    [
        "service",
        "name",
        "state",
        "dir",
        "receivers",
        "exporters",
        "otlp",
        "tls",
        "type",
        "limits",
        "line",
        "rules",
        "paths",
    ]
)


@given(st.lists(st.tuples(st.lists(_KEYS, min_size=1, max_size=4, unique=True), _VALUES), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_any_tables_and_values_are_settings_or_problems(
    tmp_path: Path, statements: list[tuple[list[str], str]]
) -> None:
    file = tmp_path / "logagent.toml"
    file.write_text("".join(f"{'.'.join(keys)} = {value}\n" for keys, value in statements))
    _, found = read_settings(file, {})
    assert all(problem.message and problem.hint for problem in found)
