"""Parser and rule files become one catalog, or everything that is wrong with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pipeline_harness import CATALOG, make_settings

from logagent.alerting import Budget, EventAlert
from logagent.catalog import Catalog, load_catalog
from logagent.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def load(tmp_path: Path, **tables: Any) -> Catalog:
    paths = {
        "parsers": {"paths": [f"{tmp_path}/parser*.toml"]},
        "rules": {"paths": [f"{tmp_path}/rule*.toml"], **tables.pop("rules", {})},
    }
    return load_catalog(make_settings(**paths, **tables))


def problems(tmp_path: Path, **tables: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **tables)
    assert all(problem.hint for problem in caught.value.problems)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_the_shipped_files_are_a_catalog() -> None:
    assert {definition.name for definition in CATALOG.parsers} >= {
        "autoforgenexus",
        "python-json-logger",
        "json",
        "text",
    }
    assert {rule.name for rule in CATALOG.metrics} >= {"http_requests_total", "llm_cost_usd_total", "errors_total"}
    assert {type(rule) for rule in CATALOG.rules} >= {EventAlert, Budget}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = " + "[" * 5000 + "]" * 5000, "rule.toml: is nested too deeply; try: a few levels of tables and lists"),
        ("x = " + "9" * 5000, "rule.toml: holds a number that is too large; try: at most 64 bits"),
    ],
    ids=["nested", "number"],
)
def test_a_file_that_no_decoder_takes_is_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "rule.toml").write_text(text)
    assert problem in problems(tmp_path)


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "parser1.toml").write_text('name = "One"\n[record]\nbodi = "m"\n')
    (tmp_path / "parser2.toml").write_text('name = "two"\n[match]\nwhere = "a ="\n[failure]\nwindow = "soon"\n')
    (tmp_path / "parser3.toml").write_text("name = \n")
    (tmp_path / "parser4.toml").write_bytes(b'name = "\xff"\n')
    (tmp_path / "parser5.toml").mkdir()
    (tmp_path / "rule1.toml").write_text('version = 2\n[[metrc]]\nname = "x"\n')
    (tmp_path / "rule2.toml").write_text(
        '[[metric]]\nname = "x_total"\ntype = "counter"\nhelp = "x"\nfrom = "request"\nwhere = "a >"\n'
    )
    (tmp_path / "rule3.toml").write_text('[metric]\nname = "x"\n')
    found = problems(
        tmp_path, rules={"shipped": ["http", "lmm"]}, receivers={"app": {"type": "stdin", "parser": "jsn"}}
    )
    expected = [
        "parser3.toml: line 1: no TOML: Invalid value; try: see https://toml.io",
        "parser4.toml: is not UTF-8; try: save the file as UTF-8",
        "parser5.toml: cannot be read: Is a directory; try: a file that the agent's user may read",
        "parser1.toml: name: string should match pattern '^[a-z][a-z0-9_-]*$'; try: lower-case letters, digits and _, beginning with a letter",
        "parser1.toml: record.bodi: unknown key `bodi`; did you mean `body`?",
        "parser2.toml: match.where: column 3: = is no operator here; try: use == to compare",
        'parser2.toml: failure.window: \'soon\' is no duration; try: write for example "250ms", "2s" or "15m"',
        "rule1.toml: metrc: unknown table or key `metrc`; did you mean `metric`?",
        "rule1.toml: version: unknown version 2; try: version = 1",
        "rule2.toml: metric[0].where: column 3: the expression ends too early; try: join conditions with `and` or `or`",
        "rule3.toml: metric: `metric` is a list of tables; try: [[metric]]",
    ]
    assert [problem for problem in found if ".toml" in problem] == expected
    assert [problem.partition(": ")[2] for problem in found if ".toml" not in problem] == [
        "rules.shipped: there is no shipped rule file `lmm`; did you mean `llm`?",
        "receivers.app.parser: there is no parser `jsn`; did you mean `json`?",
    ]


def test_an_own_parser_takes_the_place_of_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "parser.toml").write_text('name = "json"\ndescription = "ours"\n')
    (mine,) = [definition for definition in load(tmp_path).parsers if definition.name == "json"]
    assert mine.description == "ours"


def test_two_own_parsers_cannot_have_one_name(tmp_path: Path) -> None:
    (tmp_path / "parser1.toml").write_text('name = "own"\n')
    (tmp_path / "parser2.toml").write_text('name = "own"\n')
    assert problems(tmp_path) == [
        "parser2.toml: name: there is another parser `own` in parser1.toml; try: give one of them another name"
    ]


def test_the_parser_of_last_resort_stays_one(tmp_path: Path) -> None:
    (tmp_path / "parser.toml").write_text('name = "text"\n')
    (problem,) = problems(tmp_path)
    assert problem.startswith("parser.toml: format: the parser `text` takes the lines that nothing else understands")


def test_a_receiver_may_name_an_own_parser(tmp_path: Path) -> None:
    (tmp_path / "parser.toml").write_text('name = "own"\n')
    catalog = load(tmp_path, receivers={"app": {"type": "stdin", "parser": "own"}})
    assert "own" in {definition.name for definition in catalog.parsers}


def test_what_rules_read_of_spans_is_known() -> None:
    wanted = CATALOG.wanted(everything=False)
    assert wanted.of("request") >= {"http.request.method", "http.response.status_code", "http.route", "url.path"}
    assert "gen_ai.usage.cost" in wanted.of("llm")
    assert "db.collection.name" in wanted.of("query")
    assert not {"duration", "status", "incomplete", "endpoint"} & wanted.of("request")
    assert not wanted.everything


def test_only_the_selected_shipped_rules_apply(tmp_path: Path) -> None:
    catalog = load(tmp_path, rules={"shipped": ["http"]})
    assert {file.path.stem for file in catalog.files} == {"http"}
    assert "http_requests_total" in {metric.name for metric in catalog.metrics}
