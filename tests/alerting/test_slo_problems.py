from __future__ import annotations

import pytest
from alert_samples import problems, reader
from slo_samples import AVAILABILITY, HOURLY, REGIONAL

from logagent.alerting.rules import Slo


@pytest.mark.parametrize(
    ("written", "wrong", "expected"),
    [
        ("objective = 99\n", "objective = 0.999\n", "slo[0].objective: an objective of 0.999 %; try: percent: 99.9"),
        ("objective = 99\n", "objective = 1\n", "slo[0].objective: an objective of 1 %; try: percent, such as 99.9"),
        ("objective = 99\n", "objective = -5\n", "slo[0].objective: an objective of -5 %; try: percent, such as"),
        ("objective = 99\n", "objective = 100\n", "slo[0].objective: an objective of 100 % leaves no error budget"),
        ("objective = 99\n", "objective = nan\n", "slo[0].objective: an objective of nan %"),
        ("objective = 99\n", "", "slo[0].objective: `objective` is missing; try: objective = 99.9"),
        ("bad = 'http.response.status_code >= 500'\n", "", "slo[0].bad: an SLO tells good events from bad ones by one"),
        ("objective = 99\n", "objective = 99\ngood = 'duration < 1s'\n", "slo[0].bad: an SLO tells good events from"),
        ("bad = 'http", "good = 'durtion < 1s'\nbad = 'http", "slo[0].good: column 1: `durtion` is no field of a span"),
        (
            "objective = 99\n",
            "objective = 90\n",
            "can never be exceeded at 90 %; try: it would take 100 % bad events; objectives above 90.00 % work, or burn_r",
        ),
        ('"7d"', '"6d"', '`6d` is no period of an SLO; try: from "7d" to "90d" for the last days, or a calendar'),
        ('"7d"', '"mnth"', "slo[0].period: `mnth` is no period of an SLO"),
        (
            '"7d"',
            '"7d"\ntimezone = "Europe/Amsterdam"',
            "slo[0].timezone: the last days have no time zone; try: period =",
        ),
        ('"7d"', '"month"\ntimezone = "Europe/Amsterdm"', 'unknown time zone "Europe/Amsterdm"; did you mean'),
        ('"7d"', '"7d"\nobjectives = { ap = 99 }', "slo[0].objectives: objectives of groups need one label; try: by ="),
        ('"7d"', '"7d"\ncomposite = "total"', 'slo[0].composite: a composite needs groups; try: by = ["region"]'),
        ('"7d"', '"7d"\ncomposite = "all"', "slo[0].composite: `all` is none of 'none', 'total' or 'worst'"),
        ('"7d"', '"7d"\nby = { window = "region" }', "slo[0].by: the label `window` is set by logagent; try: another"),
        ('"7d"', '"7d"\nlabels = { composite = "x" }', "slo[0].labels: the label `composite` is set by logagent"),
        ('long = "1h"', 'long = "90s"', "slo[0].burn_rates[0].long: windows are whole minutes; try:"),
        ('long = "1h"', 'long = "7d"', "slo[0].burn_rates: the window 7d is not shorter than the period"),
        ('long = "1h"', 'long = "5m"', "slo[0].burn_rates[0].short: the short window is not shorter than the long one"),
        ('long = "1h", short = "5m"', 'long = "1m"', "slo[0].burn_rates: the window 1m has no shorter one"),
        (
            "factor = 10, ",
            "",
            "slo[0].burn_rates[0].budget_consumed: either `factor` or `budget_consumed`; try: factor =",
        ),
        ("factor = 10", "factor = 10, budget_consumed = 0.1", "slo[0].burn_rates[0].budget_consumed: either `factor`"),
        ("factor = 10", "budget_consumed = 2", "slo[0].burn_rates[0].budget_consumed: it should be less than or equal"),
        (
            "[{ long",
            '[{ long = "1h", factor = 2, severity = "critical" }, { long',
            "slo[0].burn_rates: two burn rates of",
        ),
        ('[{ long = "1h", short = "5m", factor = 10, severity = "critical" }]', '"workbook"', "slo[0].burn_rates: "),
        ("min_bad = 2", "min_bad = 0", "slo[0].min_bad: it should be greater than or equal to 1; try: min_bad = 5"),
        ("min_bad = 2", "min_bda = 2", "slo[0].min_bda: unknown key `min_bda`; did you mean `min_bad`?"),
        ("min_bad = 2", 'summary = "{{ burn }}"', "slo[0].summary: unknown name `burn` in a text; try: "),
        ('"none"', '"Never"', "slo[0].low_traffic: `Never` is no low_traffic; try: low_traffic ="),
    ],
)
def test_each_mistake_in_an_slo_is_told_with_its_place_and_what_to_try(written: str, wrong: str, expected: str) -> None:
    assert written in HOURLY
    (problem,) = problems(HOURLY.replace(written, wrong, 1))
    assert expected in problem


@pytest.mark.parametrize(
    ("objective", "window", "needed", "least"),
    [(90.0, "1h (14.4 times)", "144 %", "93.06 %"), (80, "1h (14.4 times)", "288 %", "93.06 %")],
)
def test_an_objective_at_which_a_default_alert_can_never_fire_is_refused(
    objective: float, window: str, needed: str, least: str
) -> None:
    (problem,) = problems(AVAILABILITY.replace("99.9", str(objective)))
    assert problem == (
        f"rules.toml: slo[0].burn_rates: the burn rate of {window} can never be exceeded at {objective:g} %; try: it would "
        f"take {needed} bad events; objectives above {least} work, or burn_rates of your own with smaller factors"
    )


def test_the_objective_of_a_group_is_looked_at_too() -> None:
    (problem,) = problems(REGIONAL.replace("ap = 95", "ap = 80"))
    assert "can never be exceeded at 80 %" in problem
    assert problems(REGIONAL) == []


def test_an_alert_that_takes_all_but_a_few_bad_events_is_accepted() -> None:
    assert problems(AVAILABILITY.replace("99.9", "93.06")) == []


def test_the_words_of_the_models_examples_can_be_read() -> None:
    (rule,) = reader(AVAILABILITY + 'burn_rates = "default"\nperiod = "month"\ntimezone = "Europe/Amsterdam"\n').rules
    assert isinstance(rule, Slo)
    assert [one.window for one in rule.compiled_burn_rates()] == ["1h", "6h", "1d", "3d"]
    assert {"const": "default"} in Slo.model_json_schema()["properties"]["burn_rates"]["anyOf"]
