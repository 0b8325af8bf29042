"""The documentation's option tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli

from logagent.settings import Settings, read_settings
from logagent.settings.reference import option_reference
from logagent.settings.schema import Option, list_options

_DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
_OPTIONS = list(list_options(Settings))


def test_the_documentation_has_the_options_of_the_code() -> None:
    begin, end = "<!-- options: begin -->\n", "<!-- options: end -->"
    assert _DOCUMENT.read_text().partition(begin)[2].partition(end)[0] == option_reference()


@pytest.mark.parametrize("option", _OPTIONS, ids=lambda option: f"{option.component}.{option.table}.{option.name}")
def test_every_option_says_what_it_is_and_its_example_is_accepted(tmp_path: Path, option: Option) -> None:
    assert option.description.endswith(".")
    table = option.table.replace("NAME", "x")
    lines = [f"[{'.'.join(table.split('.')[:2])}]", f'type = "{option.component}"'] if option.component else []
    lines += [f"{name} = {example}" for name, example in _required(option) if name != option.name]
    lines += [] if table in {"exporters.x", "receivers.x"} else [f"[{table}]"]
    lines += [f"{option.name} = {option.example}"]
    file = tmp_path / "logagent.toml"
    file.write_text("\n".join([*lines, "" if "receivers" in table else "[receivers.stdin]"]))
    _, problems = read_settings(file, {"OTLP_TOKEN": "x", "HOOK_TOKEN": "x"})
    if not option.name.endswith("_file"):  # which are looked at, and are not there
        assert problems == []


def _required(option: Option) -> list[tuple[str, str]]:
    return [
        (other.name, other.example)
        for other in _OPTIONS
        if other.component == option.component != "" and other.default == "required"
    ]


@pytest.mark.parametrize("option", _OPTIONS, ids=lambda option: f"{option.component}.{option.table}.{option.name}")
def test_every_default_is_written_as_toml(option: Option) -> None:
    written = re.fullmatch("`(.*)`", option.default)
    if written and "as root" not in option.default:
        tomli.loads(f"x = {written[1]}")
    else:
        assert option.default in {"required", "all"} or "as root" in option.default


def test_the_example_at_the_top_of_the_documentation_is_accepted(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", _DOCUMENT.read_text(), re.DOTALL)
    assert example
    file = tmp_path / "logagent.toml"
    file.write_text(example[1])
    assert read_settings(file, {"OTLP_TOKEN": "x", "HOOK_TOKEN": "x"})[1] == []
