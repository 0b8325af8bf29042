"""What README and docs/ say, held to what the code does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import document_tables
import pytest
import tomli
from click.testing import CliRunner

from logagent import __version__, cli
from logagent.catalog import load_catalog
from logagent.rule_files import KEYS
from logagent.settings import load_settings

_TOP = Path(__file__).parents[1]
_README = (_TOP / "README.md").read_text()
_BLOCKS = {
    name: [(kind, body) for kind, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    for name, text in {
        "README.md": _README,
        **{file.name: file.read_text() for file in (_TOP / "docs").glob("*.md")},
    }.items()
}
_COMMANDS = sorted(
    {
        line.strip()
        for blocks in _BLOCKS.values()
        for kind, body in blocks
        if kind == "sh"
        for line in re.sub(r"\s+#.*", "", body).splitlines()
    }
)


@pytest.mark.parametrize(("document", "place"), document_tables.TABLES)
def test_a_table_of_the_documents_is_that_of_the_code(document: str, place: str) -> None:
    assert document_tables.parts(document, place)[1] == document_tables.TABLES[document, place](), "make docs"


def test_the_first_two_commands_of_the_readme_are_demo_and_test() -> None:
    body = next(body for kind, body in _BLOCKS["README.md"] if kind == "sh")
    assert [line.split("#")[0].strip() for line in body.splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("command", [line for line in _COMMANDS if line.startswith("make ")])
def test_a_make_target_that_is_documented_exists(command: str) -> None:
    targets = re.findall(r"^([a-z]+):", (_TOP / "Makefile").read_text(), re.MULTILINE)
    assert command.split()[1] in targets


@pytest.mark.parametrize("line", [line for line in _COMMANDS if re.match(r"(sudo )?logagent ", line)])
def test_a_command_that_is_documented_exists_with_its_options(line: str) -> None:
    name = line.removeprefix("sudo ").split()[1]
    text = CliRunner().invoke(cli.main, [name, "--help"]).output
    assert name in cli.COMMANDS
    for option in re.findall(r"(?<=\s)--?[a-zA-Z][a-z-]*", re.sub(r"'[^']*'", "", line)):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), option


def test_the_readme_names_every_command_and_no_other() -> None:
    table = _README.partition("## Commands")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z]+)", table, re.MULTILINE)) == set(cli.COMMANDS)


@pytest.mark.parametrize("document", _BLOCKS)
def test_a_file_that_is_linked_to_exists(document: str) -> None:
    directory = _TOP if document == "README.md" else _TOP / "docs"
    text = (directory / document).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (directory / target).exists(), target


def test_the_readme_installs_every_service_file() -> None:
    named = re.findall(r"^install .*?(logagent\.\w+) /", _README, re.MULTILINE)
    assert {*named} == {file.name for file in (_TOP / "systemd").iterdir()}


def test_the_readme_shows_what_tail_really_prints() -> None:
    command, _, shown = next(body for kind, body in _BLOCKS["README.md"] if kind == "console").partition("\n")
    result = subprocess.run(
        [str(Path(sys.executable).with_name("logagent")), *command.removeprefix("$ logagent ").split()],
        cwd=_TOP,
        env={**os.environ, "COLUMNS": "200", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == shown


@pytest.mark.parametrize("document", [name for name in _BLOCKS if name != "configuration.md"])
def test_every_toml_block_is_accepted_as_what_it_is(document: str, tmp_path: Path) -> None:
    texts = [body for kind, body in _BLOCKS[document] if kind == "toml"]
    assert texts or document == "guarantees.md"
    for number, text in enumerate(texts):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        tables = tomli.loads(text)
        kind = "parsers" if "record" in tables else "rules" if tables.keys() & set(KEYS) else ""
        settings = tmp_path / "logagent.toml"
        paths = f'[{kind}]\npaths = ["{file}"]\n[receivers.stdin]\n{_destinations(tables)}' if kind else text
        settings.write_text(paths)
        load_catalog(load_settings(settings, {"OTLP_TOKEN": "x"}))


def _destinations(tables: dict[str, Any]) -> str:
    """Exporters of the names that the routes of an example use."""
    names = dict.fromkeys(name for route in tables.get("route", []) for name in route["to"])
    return "".join(f'[exporters.{name}]\ntype = "webhook"\nurl = "http://127.0.0.1:1/"\n' for name in names)


def test_the_example_of_a_parser_gives_the_spans_that_it_says(tmp_path: Path) -> None:
    log, definition = (body for _, body in _BLOCKS["parsers.md"][:2])
    (tmp_path / "shop.log").write_text(log)
    (tmp_path / "shop.toml").write_text(definition)
    settings = tmp_path / "logagent.toml"
    settings.write_text('[parsers]\npaths = ["shop.toml"]\n[receivers.stdin]\n')
    command = ["tail", "-c", str(settings), "--no-follow", "--json", "--kind", "request", "--kind", "query"]
    result = CliRunner().invoke(cli.main, [*command, str(tmp_path / "shop.log")])
    assert result.exit_code == 0, result.output
    spans = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(span["kind"], span["name"]) for span in spans] == [
        ("query", "SELECT orders"),
        ("request", "GET /orders/{id}"),
    ]
    assert spans[0]["parent_span_id"] == spans[1]["span_id"]
    assert [event["name"] for event in spans[1]["events"]] == ["stock is low"]


def test_the_changelog_tells_of_this_version() -> None:
    assert re.search(rf"^## {re.escape(__version__)}\b", (_TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
