from __future__ import annotations

import pytest
import tomli
from alert_samples import MONTHLY, SLOW, problems, reader

from logagent.alerting import RuleReader
from logagent.alerting.rules import Budget, EventAlert
from logagent.errors import Problem


@pytest.mark.parametrize(
    ("written", "wrong", "expected"),
    [
        ('name = "SlowQuery"', 'name = "slow query"', "alert[0].name: `slow query` is no name; try: letters, digits"),
        ('kind = "event"', 'kind = "evnt"', "alert[0].kind: `evnt` is no kind of alert; did you mean `event`?"),
        ('kind = "event"', "", "alert[0].kind: `kind` is missing; try: one of event"),
        (
            'from = "query"',
            'from = "querry"',
            "alert[0].from: `querry` is nothing that a rule can read; did you mean `query`?",
        ),
        ("duration > 1s", "duration >> 1s", "alert[0].where: column 10: >> has no meaning in an expression; try: "),
        (
            "duration > 1s",
            "error and duraton > 1",
            "alert[0].where: column 11: `duraton` is no field of a span; did you mean `dur",
        ),
        (
            'by = ["db.c',
            'by = ["alertname", "db.c',
            "alert[0].by: the label `alertname` is set by logagent; try: another",
        ),
        ('by = ["db.collection.name"]', "by = [1]", "alert[0].by: a list of field names is needed; try: by = "),
        (
            'by = ["db.collection.name"]',
            'by = { "1x" = "id" }',
            "alert[0].by: `1x` is no name of a label; try: letters",
        ),
        (
            'team = "storage"',
            'db_collection_name = "x"',
            "alert[0].labels: the label `db_collection_name` is in `by` too",
        ),
        (
            'value = "duration"',
            'value = "duration +"',
            "alert[0].value: column 10: the expression ends too early; try: ",
        ),
        ('"warning"', '"Very Bad"', "alert[0].severity: `Very Bad` is no severity; try: a word in lower case"),
        (
            "labels.db_collection_name }}",
            "labels.tabel }}",
            "alert[0].summary: unknown name `labels.tabel` in a text; did you mean `labels.t",
        ),
        ("{{ count }}", "{{ cuont }}", "alert[0].summary: unknown name `cuont` in a text; did you mean `count`?"),
        (
            "| duration",
            "| seconds",
            "alert[0].summary: unknown formatter `seconds`; try: duration, usd, percent or truncate",
        ),
        ("truncate(20)", "truncate", "alert[0].description: unknown formatter `truncate`; try: duration, usd"),
        ("{{ trace_id }}", "{{ trace_id", "alert[0].description: `{{` without `}}`; try: write a value as {{ name }}"),
        ("{{ trace_id }}", "trace_id }}", "alert[0].description: `}}` without `{{`; try: write a value as {{ name }}"),
        ("{{ trace_id }}", "{{ x.__class__() }}", "alert[0].description: `x.__class__()` is no name of a value; try: "),
        ('resolve_after = "30m"', "resolve_after = 30", 'alert[0].resolve_after: a duration needs a unit; try: "30s"'),
        ('repeat = "10m"', 'repeat = "10x"', "alert[0].repeat: not a duration; try: a number with one of the units"),
        (
            "max_groups = 3",
            "max_groups = 0",
            "alert[0].max_groups: it should be greater than or equal to 1; try: max_g",
        ),
        ("max_groups = 3", "max_group = 3", "alert[0].max_group: unknown key `max_group`; did you mean `max_groups`?"),
        ("max_groups = 3", 'realert = "1m"', "alert[0].realert: unknown key `realert`; did you mean `repeat`?"),
    ],
)
def test_each_mistake_in_an_alert_is_told_with_its_place_and_what_to_try(
    written: str, wrong: str, expected: str
) -> None:
    assert written in SLOW
    (problem,) = problems(SLOW.replace(written, wrong, 1))
    assert problem.startswith(f"rules.toml: {expected}")


@pytest.mark.parametrize(
    ("written", "wrong", "expected"),
    [
        ('value = "gen_ai.usage.cost"', "", 'budget[0].value: `value` is missing; try: value = "gen_ai.usage.cost"'),
        (
            'value = "gen_ai.usage.cost"',
            'value = ""',
            "budget[0].value: string should have at least 1 character; try: v",
        ),
        ('currency = "USD"', "", 'budget[0].unit: a budget counts money or something else; try: currency = "USD", or'),
        (
            'currency = "USD"',
            'currency = "dollars"',
            "budget[0].currency: `dollars` is no currency; try: an ISO 4217 code",
        ),
        ("limit = 100", "limit = 0", "budget[0].limit: it should be greater than 0; try: limit = 1000.0"),
        ("limit = 100", 'limit = "100"', "budget[0].limit: it should be a valid number; try: limit = 1000.0"),
        (
            '"month"',
            '"30d"',
            "budget[0].period: `30d` is none of 'hour', 'day', 'week', 'month', 'quarter' or 'year'; try: ",
        ),
        (
            '"month"',
            '"mouth"',
            "budget[0].period: `mouth` is none of 'hour', 'day', 'week', 'month', 'quarter' or 'year'; did you mean `month`?",
        ),
        (
            "0.5,",
            "80,",
            "budget[0].thresholds[0].at: a threshold of 80 times the limit; try: a share of the limit: 80 % is 0.8",
        ),
        ("0.5,", "0.9,", "budget[0].thresholds: a threshold is there twice; try: each share once"),
        ("0.5,", "{ to = 0.5 },", "budget[0].thresholds[0].at: `at` is missing"),
        (
            "0.5,",
            '{ at = 0.5, sevrity = "x" },',
            "budget[0].thresholds[0].sevrity: unknown key `sevrity`; did you mean `severity`?",
        ),
        ("{{ spent", "{{ spend", "budget[0].summary: unknown name `spend` in a text; did you mean `spent`?"),
        ("{{ spent", "{{ labels.user", "budget[0].summary: unknown name `labels.user` in a text; "),
    ],
)
def test_each_mistake_in_a_budget_is_told_with_its_place_and_what_to_try(
    written: str, wrong: str, expected: str
) -> None:
    assert written in MONTHLY
    assert any(
        problem.startswith(f"rules.toml: {expected}") for problem in problems(MONTHLY.replace(written, wrong, 1))
    )


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Amsterdm", "did you mean `Europe/Amsterdam`?"),
        ("Mars/Olympus Mons", "try: an IANA name such as Europe/Amsterdam"),
        ("../../etc/passwd", "try: an IANA name such as Europe/Amsterdam"),
        ("Europe", "try: an IANA name such as Europe/Amsterdam"),
        ("", "try: an IANA name such as Europe/Amsterdam"),
    ],
)
def test_a_zone_that_does_not_exist_is_told_with_the_nearest(zone: str, hint: str) -> None:
    assert problems(MONTHLY + f'timezone = "{zone}"') == [
        f'rules.toml: budget[0].timezone: unknown time zone "{zone}"; {hint}'
    ]


def test_limits_of_groups_need_exactly_one_label() -> None:
    assert problems(MONTHLY + "limits = { ann = 1 }")[0].startswith(
        "rules.toml: budget[0].limits: limits of groups need"
    )
    assert problems(MONTHLY + 'by = ["user.id"]\nlimits = { ann = 1 }') == []


def test_all_mistakes_of_all_rules_are_told_at_once() -> None:
    wrong = SLOW.replace("> 1s", ">").replace('"30m"', "30") + MONTHLY.replace("0.5,", "50,").replace("100", "-1")
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems(wrong)] == [
        "alert[0].where",
        "alert[0].resolve_after",
        "budget[0].limit",
        "budget[0].thresholds[0].at",
    ]


def test_a_file_with_a_mistake_still_gives_its_other_rules() -> None:
    rules = reader(SLOW + MONTHLY.replace("100", "-1"))
    assert [rule.name for rule in rules.rules] == ["SlowQuery"]


def test_names_are_unique_over_all_files_and_kinds() -> None:
    rules = reader(SLOW, "a.toml")
    rules.read("b.toml", {"budget": [{**_table(MONTHLY), "name": "SlowQuery"}]})
    assert [str(problem) for problem in rules.problems] == [
        "b.toml: budget[0].name: `SlowQuery` is there already, in a.toml; try: a name of its own"
    ]


def test_a_table_where_a_list_of_tables_is_needed_is_told() -> None:
    rules = RuleReader()
    rules.read("a.toml", {"alert": {"name": "x"}, "budget": ["x"]})
    assert [problem.place for problem in rules.problems] == ["alert", "budget[0]"]


def test_the_reader_of_the_file_may_say_where_a_place_is() -> None:
    rules = RuleReader()
    rules.read(
        "a.toml", {"alert": [{}]}, lambda place, message, hint: Problem("a.toml", f"line 7 {place}", message, hint)
    )
    assert rules.problems[0].place.startswith("line 7 ('alert', 0, ")


def test_a_dotted_field_of_a_line_may_stand_in_a_text() -> None:
    assert problems(SLOW.replace("{{ trace_id }}", "{{ app.shard-no }}")) == []


@pytest.mark.parametrize("model", [EventAlert, Budget])
def test_every_key_says_what_it_means_and_shows_an_example(model: type[EventAlert | Budget]) -> None:
    properties = model.model_json_schema()["properties"]
    assert all(one.get("description") for one in properties.values())
    missing = {name for name, one in properties.items() if not one.get("examples")}
    assert missing <= {"kind"}


def _table(text: str) -> dict[str, object]:
    table: dict[str, object] = tomli.loads(text)["budget"][0]
    return table
