"""Rule files with tests, run as the command runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_harness import make_settings

from logagent.catalog import load_catalog
from logagent.ruletests.suite import read_suite, run_suite

if TYPE_CHECKING:
    from pathlib import Path

    from logagent.ruletests.suite import Case

RULES = """
[[metric]]
name = "requests_total"
type = "counter"
help = "Requests."
from = "request"
by = { status = "http.response.status_code" }

[[metric]]
name = "request_seconds"
type = "histogram"
help = "Seconds."
from = "request"
value = "duration"
buckets = [1, 2]

[[metric]]
name = "errors_total"
type = "counter"
help = "Errors."
from = "error"
by = { kind = "error_type" }

[[metric]]
name = "records_total"
type = "counter"
help = "Records."
from = "log"
by = { level = "level" }

[[alert]]
name = "Slow"
kind = "event"
from = "request"
where = "duration > 1s and http.response.status_code == 200"
by = ["endpoint"]
value = "duration"
resolve_after = "5m"
summary = "{{ count }} slow, worst {{ value | duration }}"

[[budget]]
name = "Daily"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 10
period = "day"
"""


def run(tmp_path: Path, tests: str, rules: str = RULES) -> list[Case]:
    """What becomes of the tests beside some rules."""
    cases, problems = attempt(tmp_path, tests, rules)
    assert problems == []
    return cases


def attempt(tmp_path: Path, tests: str, rules: str = RULES) -> tuple[list[Case], list[str]]:
    file = tmp_path / "rules.toml"
    file.write_text(rules + tests)
    settings = make_settings(
        rules={"shipped": [], "paths": [str(file)]},
        exporters={"hook": {"type": "webhook", "url": "http://127.0.0.1:1/"}},
    )
    catalog = load_catalog(settings)
    suite, problems = read_suite(catalog)
    told = [f"{problem.place}: {problem.message}; {problem.hint}" for problem in problems]
    return list(run_suite(suite, catalog, settings, lambda _: True)), told


def differences(cases: list[Case]) -> list[tuple[str, str, str, str]]:
    return [(one.when, one.about, one.expected, one.seen) for case in cases for one in case.differences]
