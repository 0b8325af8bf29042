from __future__ import annotations

import pytest
from alert_samples import problems, reader
from anomaly_samples import rule

from logagent.alerting.rules import AnomalyAlert

WINDOW = 'window = "5m"'
MEAN = WINDOW, 'aggregate = "mean"'


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        ((), None, "alert[0]: `value` is missing; try: value = "),
        ((WINDOW,), "duration", "alert[0]: `window` without `aggregate`; try: one of mean, sum, count, rate, quantile"),
        (('aggregate = "mean"',), "duration", 'alert[0]: `aggregate` without `window`; try: window = "5m"'),
        (("min_count = 5",), "duration", "alert[0]: `min_count` without `window`; try: window"),
        ((WINDOW, 'aggregate = "count"'), "duration", "alert[0]: `count` takes no `value`; try: no `value`"),
        ((WINDOW, 'aggregate = "quantile"'), "duration", "alert[0]: `quantile` is missing; try: quantile = 0.95"),
        (
            (*MEAN, "quantile = 0.5"),
            "duration",
            "alert[0]: `quantile` without the aggregate of that name; try: aggregate",
        ),
        (
            (WINDOW, 'aggregate = "quantile"', "quantile = 95"),
            "duration",
            "alert[0].quantile: 95 is no share; try: 95 % is 0.95",
        ),
        (
            (WINDOW, 'aggregate = "median"'),
            "duration",
            "alert[0].aggregate: `median` is none of 'mean', 'sum', 'count'",
        ),
        (
            ('season = "weekly"',),
            "duration",
            "alert[0].season: `weekly` is none of 'none', 'day' or 'week'; did you mean `week`?",
        ),
        (
            ('timezone = "Europe/Amsterdm"',),
            "duration",
            'alert[0].timezone: unknown time zone "Europe/Amsterdm"; did you',
        ),
        (
            ("sensitivity = 0.1",),
            "duration",
            "alert[0].sensitivity: it should be greater than or equal to 1; try: sens",
        ),
        (("datapoints = 6",), "duration", "alert[0]: more `datapoints` than samples they are `of`; try: of = 6"),
        (
            ('window = "2d"', 'aggregate = "mean"', 'season = "week"'),
            "duration",
            "alert[0]: a window longer than a day has no ",
        ),
        (
            ('resolve_after = "1m"', *MEAN),
            "duration",
            "alert[0].resolve_after: an alert would resolve before its next ",
        ),
        (
            ('forget_after = "5m"',),
            "duration",
            "alert[0].forget_after: a group would be forgotten while it fires; try: at ",
        ),
        (
            ('forget_after = "50d"', 'window = "1m"', 'aggregate = "mean"'),
            "duration",
            'alert[0].forget_after: more than 50,000 windows without an event; try: at most "50000m"',
        ),
        (('scale = "sqrt"',), "duration", "alert[0]: the scale `sqrt` is for counts and sums; try: scale"),
        (
            ('summary = "{{ expectd }}"',),
            "duration",
            "alert[0].summary: unknown name `expectd` in a text; did you mean",
        ),
        (('seasonality = "week"',), "duration", "alert[0].seasonality: unknown key `seasonality`; "),
        (("above = 5",), "duration", "alert[0].above: unknown key `above`; try: one of name, kind, from"),
        (
            ("datapoints_to_alarm = 3",),
            "duration",
            "alert[0].datapoints_to_alarm: unknown key `datapoints_to_alarm`; did you mean `datapoints`?",
        ),
    ],
)
def test_mistakes_are_told_with_what_to_try(keys: tuple[str, ...], value: str | None, expected: str) -> None:
    (found,) = problems(rule(*keys, value=value))
    assert expected in found


def read(*keys: str, value: str | None = "duration") -> AnomalyAlert:
    (found,) = reader(rule(*keys, value=value)).rules
    assert isinstance(found, AnomalyAlert)
    return found


def test_what_is_not_given_follows_from_what_is() -> None:
    assert read().scale == "log"
    assert read(WINDOW, 'aggregate = "rate"', value=None).scale == "sqrt"
    assert read(*MEAN, 'scale = "linear"').scale == "linear"
    assert read().resolve_after == 1800
    assert read('window = "1h"', 'aggregate = "mean"').resolve_after == 3 * 3600
    assert read().forget_after == 86_400
    assert read('season = "week"').forget_after == 28 * 86_400
    assert read('season = "week"', 'window = "10s"', 'aggregate = "mean"').forget_after == 500_000


def test_a_rule_tells_what_it_reads() -> None:
    (reading,) = read(
        'where = "error"', 'by = ["gen_ai.request.model"]', 'summary = "{{ value }} of {{ user.id }}"'
    ).readings()
    assert reading.source == "query"
    assert reading.fields >= {"duration", "error", "gen_ai.request.model", "user.id"}
