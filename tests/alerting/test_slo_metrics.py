from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alert_samples import DAY, MINUTE, START, reader
from pipeline_harness import CATALOG, make_pipeline
from slo_samples import LATE, REGIONAL, minute

if TYPE_CHECKING:
    from logagent.pipeline import Pipeline


def slo_pipeline() -> Pipeline:
    return make_pipeline(catalog=replace(CATALOG, rules=tuple(reader(REGIONAL).rules)))


def shown(pipeline: Pipeline) -> dict[str, float]:
    list(pipeline.changes())
    pipeline.observe()
    lines = pipeline.telemetry.store.render().decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("logagent_slo_"))
    return {name.removeprefix("logagent_slo_"): float(value) for name, value in found.items()}


def test_the_figures_of_an_slo_are_metrics() -> None:
    pipeline = slo_pipeline()
    pipeline.alerts.spans(minute(1, bad=2, good=8, region="eu") + minute(1, good=5, region="ap"))
    pipeline.alerts.tick(START + MINUTE + LATE)
    assert shown(pipeline) == {
        'valid_events_total{slo="Availability",group="ap"}': 5,
        'valid_events_total{slo="Availability",group="eu"}': 10,
        'bad_events_total{slo="Availability",group="ap"}': 0,
        'bad_events_total{slo="Availability",group="eu"}': 2,
        'objective_ratio{slo="Availability",group="ap"}': 0.95,
        'objective_ratio{slo="Availability",group="eu"}': 0.99,
        'error_budget_remaining_ratio{slo="Availability",group="ap"}': 1,
        'error_budget_remaining_ratio{slo="Availability",group="eu"}': -19,
        **{f'burn_rate{{slo="Availability",group="ap",window="{window}"}}': 0 for window in ("5m", "1h", "7d")},
        **{f'burn_rate{{slo="Availability",group="eu",window="{window}"}}': 20 for window in ("5m", "1h", "7d")},
    }


def test_a_group_that_is_gone_burns_nothing_and_keeps_its_counters() -> None:
    pipeline = slo_pipeline()
    pipeline.alerts.spans(minute(1, bad=2, good=8, region="eu"))
    pipeline.alerts.tick(START + MINUTE + LATE)
    shown(pipeline)
    pipeline.alerts.tick(START + 30 * DAY)
    after = shown(pipeline)
    assert after['valid_events_total{slo="Availability",group="eu"}'] == 10
    assert after['burn_rate{slo="Availability",group="eu",window="1h"}'] == 0
    assert after['error_budget_remaining_ratio{slo="Availability",group="eu"}'] == 1


def test_events_are_counted_once_over_a_restart() -> None:
    pipeline, ledger = slo_pipeline(), {}
    pipeline.alerts.spans(minute(1, bad=2, good=8, region="eu"))
    ledger.update(dict(pipeline.changes()))
    again = slo_pipeline()
    rooms = {room: {key: value for (one, key), value in ledger.items() if one == room} for room, _ in ledger}
    again.restore(lambda room: rooms.get(room, {}), START)
    again.alerts.spans(minute(2, bad=1, region="eu"))
    again.alerts.tick(START + 2 * MINUTE + LATE)
    assert shown(again)['bad_events_total{slo="Availability",group="eu"}'] == 3
    (state,) = again.alerts.slos()
    assert (state.valid, state.bad) == (11, 3)
