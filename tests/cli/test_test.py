"""``logagent test``: what people, scripts and CI see of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from logagent.cli import main

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
[[alert]]
name = "Slow"
kind = "event"
from = "request"
where = "duration > 1s"

[[alert]]
name = "Failed"
kind = "event"
from = "request"
where = "error"

[[test]]
name = "a slow request fires"
input = [{ at = "1m", request = { duration = "2s" } }]
expect = [{ at = "2m", alert = "Slow", state = "firing" }]
"""
WRONG = """
[[test]]
name = "a fast <request> fires"
input = [{ at = "1m", request = { duration = "1s" } }]
expect = [{ at = "2m", alert = "Slow", state = "firing" }]
"""


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["test", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(RULES)
    return path


def test_tests_that_pass_end_with_0_and_rules_without_one_are_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(file, capsys=capsys)
    assert code == 0
    assert "✓ a slow request fires" in out
    assert "no test:" in out
    assert "own.toml: Failed" in out
    assert out.splitlines()[-1].startswith("1 passed in ")


def test_a_failure_ends_with_1_and_is_told_as_a_difference(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES + WRONG)
    code, out, _ = run(file, capsys=capsys)
    assert code == 1
    lines = [line.strip() for line in out.splitlines()]
    at = lines.index("at 2m, Slow")
    assert lines[at + 1 : at + 5] == [
        "expected  firing",
        "seen      inactive",
        "· `duration > 1s` was true of 0 of the 1 request events that it saw",
        "· where it was false, `duration` was 1.0 (1)",
    ]
    assert lines[-1].startswith("1 passed, 1 failed in ")


def test_json_has_every_test_and_every_difference(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES + WRONG)
    code, out, _ = run(file, "--json", capsys=capsys)
    told = json.loads(out)
    assert (code, told["passed"], told["failed"]) == (1, 1, 1)
    assert [test["passed"] for test in told["tests"]] == [True, False]
    assert told["tests"][1]["differences"][0]["expected"] == "firing"
    assert told["untested"] == [{"file": str(file), "rule": "Failed"}]


def test_junit_xml_has_a_case_for_each_test(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES + WRONG)
    code, _, _ = run(file, "--junit", tmp_path / "out.xml", capsys=capsys)
    assert code == 1
    suites = ET.parse(tmp_path / "out.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    cases = suites.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == ["a slow request fires", "a fast <request> fires"]
    failure = cases[1].find("failure")
    assert failure is not None
    assert "expected firing, seen inactive" in (failure.text or "")


def test_a_name_chooses_tests(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES + WRONG)
    code, out, _ = run(file, "-k", "SLOW", capsys=capsys)
    assert code == 0
    assert "fast" not in out


def test_a_directory_stands_for_its_files(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "below").mkdir()
    (file.parent / "below" / "more.toml").write_text(
        WRONG.replace("Slow", "Other").replace(
            "[[test]]",
            """
[[alert]]
name = "Other"
kind = "event"
from = "request"
[[test]]
""",
        )
    )
    code, out, _ = run(file.parent, capsys=capsys)
    assert (code, out.count("✓")) == (0, 2)


def test_a_parser_file_has_its_samples_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "parser.toml"
    path.write_text("""
name = "own"
priority = 90
[record]
body = ["msg"]
[[sample]]
lines = ['{"msg": "hello"}']
records = [{ body = "hallo" }]
""")
    code, out, _ = run(path, "-k", "parser own", capsys=capsys)
    assert (code, "expected  'hallo'" in out, "seen      'hello'" in out) == (1, True, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[alert]]\nname = 'A'\nkind = 'event'\nfrom = 'request'\n", "there is no test to run"),
        (RULES.replace('at = "2m"', 'at = "2 minutes"'), "own.toml:17: test[0].expect[0].at: not a duration"),
        (RULES.replace("duration > 1s", "duration >> 1s"), "alert[0].where"),
    ],
)
def test_what_cannot_be_run_ends_with_2_and_says_why(
    file: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    code, _, err = run(file, capsys=capsys)
    assert code == 2
    assert told in err


def test_a_path_that_does_not_exist_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(tmp_path / "nothing.toml", capsys=capsys)
    assert (code, "nothing.toml does not exist" in err) == (3, True)


def test_everything_that_is_shipped_passes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys=capsys)
    assert code == 0
    assert "samples of the parser autoforgenexus" in out
