"""The schemas for editors: they accept what logagent accepts, and mark what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from schema_checker import errors

from logagent.export.schemas import schemas
from logagent.rule_files import KEYS
from logagent.shipped import parser_files, rule_files

TOP = Path(__file__).parents[2]
SCHEMAS = {name: json.loads(text) for name, text in schemas().items()}
SETTINGS, RULES, PARSER = (SCHEMAS[f"{name}.schema.json"] for name in ("logagent", "logagent-rules", "logagent-parser"))
BLOCKS = [
    pytest.param(block, id=f"{file.stem}-{number}")
    for file in sorted((TOP / "docs").glob("*.md"))
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", file.read_text(), re.MULTILINE | re.DOTALL))
]


@pytest.mark.parametrize("file", rule_files(), ids=lambda file: file.name)
def test_a_shipped_rule_file_is_valid(file: Path) -> None:
    assert errors(RULES, tomli.loads(file.read_text())) == []


@pytest.mark.parametrize("file", parser_files(), ids=lambda file: file.name)
def test_a_shipped_parser_file_is_valid(file: Path) -> None:
    assert errors(PARSER, tomli.loads(file.read_text())) == []


def test_the_shipped_configuration_is_valid() -> None:
    assert errors(SETTINGS, tomli.loads((TOP / "systemd" / "logagent.toml").read_text())) == []


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_of_the_documents_is_valid(block: str) -> None:
    tables = tomli.loads(block)
    schema = PARSER if "record" in tables else RULES if tables.keys() & set(KEYS) else SETTINGS
    assert errors(schema, tables) == []


@pytest.mark.parametrize(
    "text",
    [
        '[receivers.stdin]\n[exporters.otlp]\n[exporters.tempo]\ntype = "otlp"\nheaders = { a = "b" }',
        '[receivers.filelog]\ninclude = ["*.log"]',
        '[limits]\nrotated_hold = "1h30m"\noutbox = "${OUTBOX}"\nline = "10MiB"',
    ],
)
def test_a_configuration_that_logagent_takes_is_valid(text: str) -> None:
    assert errors(SETTINGS, tomli.loads(text)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[service]\nnam = 'x'", ".service.nam"),
        ('[receivers.app]\ninclude = ["*.log"]', ".receivers.app"),
        ('[receivers.app]\ntype = "kafka"', ".receivers.app"),
        ("[receivers.stdin]\ninclude = []", ".receivers.stdin"),
        ("[limits]\nnesting = '10'", ".limits.nesting"),
        ("[limits]\nrotated_hold = '10 minutes'", ".limits.rotated_hold"),
        ("[rules]\nprometheus = 'yes'", ".rules.prometheus"),
    ],
)
def test_a_mistake_in_the_configuration_is_marked(text: str, place: str) -> None:
    assert [one for one in errors(SETTINGS, tomli.loads(text)) if one.startswith(place)]


ALERT = '[[alert]]\nname = "A"\nkind = "rate"\nfrom = "request"\nwindow = "5m"\nabove = 1\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ALERT.replace("above", "over"), ".alert[0]"),
        (ALERT.replace("rate", "rates"), ".alert[0]"),
        (ALERT.replace('"5m"', "5"), ".alert[0]"),
        (ALERT.replace('name = "A"', ""), ".alert[0]"),
        ("[[slos]]", ".slos"),
        ("version = 2", ".version"),
        ('[[budget]]\nname = "B"\nvalue = "x"\nlimit = 0\nperiod = "month"', ".budget[0].limit"),
        ('[[budget]]\nname = "B"\nvalue = "x"\nlimit = 1\nperiod = "fortnight"', ".budget[0].period"),
        ('[[slo]]\nname = "B"\nbad = "error"\nobjective = "99.9 %"', ".slo[0].objective"),
        ('[[test]]\nname = "t"\nexpect = []', ".test[0].expect"),
        ('[[test]]\nname = "t"\ninput = [{ request = 3 }]\nexpect = [{ at = "1s", alert = "A" }]', ".test[0].input"),
    ],
)
def test_a_mistake_in_a_rule_file_is_marked(text: str, place: str) -> None:
    assert errors(RULES, tomli.loads(ALERT)) == []
    assert [one for one in errors(RULES, tomli.loads(text)) if one.startswith(place)]


def test_a_mistake_in_a_parser_file_is_marked() -> None:
    assert errors(PARSER, {"name": "x", "recrod": {}}) == [".recrod: not allowed"]


def properties(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for name, model in {"": schema, **schema["$defs"]}.items():
        found += [(name, key, about) for key, about in model.get("properties", {}).items()]
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_says_what_it_means(name: str) -> None:
    undescribed = {
        f"{model}.{key}"
        for model, key, about in properties(SCHEMAS[name])
        if "description" not in about and key != "type" and model
    }
    assert undescribed == set()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_default_is_one_that_the_file_may_say(name: str) -> None:
    for model, key, about in properties(SCHEMAS[name]):
        if "default" in about and about.get("default") != "":
            wrong = errors({**about, "$defs": SCHEMAS[name]["$defs"]}, about["default"])
            assert wrong == [], (model, key, about["default"])
