"""Checked window rules → what runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from logagent.alerting.compiling import Watch, compile_capture
from logagent.alerting.lifecycle import Patience
from logagent.alerting.periods import SECOND
from logagent.alerting.rules.window_tables import LimitTable, SampleTable, WindowTable
from logagent.alerting.rules.windows import (
    AbsenceAlert,
    CountAlert,
    DistinctAlert,
    MeanAlert,
    QuantileAlert,
    RateAlert,
    RatioAlert,
    SumAlert,
)
from logagent.alerting.state import Key, Texts, fingerprint, label_text
from logagent.alerting.templates import Template
from logagent.alerting.windows.distinct import Distinct, DistinctPane
from logagent.alerting.windows.measures import Mean, Quantile, QuantilePane, Rate, Ratio, Sum, Total
from logagent.alerting.windows.pane import NumberPane, Pane, RatioPane
from logagent.alerting.windows.plan import NoData, Reads, WindowPlan
from logagent.alerting.windows.rule import WindowRule

if TYPE_CHECKING:
    from logagent.alerting.running import Surroundings


class _Measure(NamedTuple):
    pane: type[Pane]
    total: type[Total[Any]]
    reads: Reads


_MEASURES: dict[type[WindowTable], _Measure] = {
    CountAlert: _Measure(Pane, Total, Reads.ANY),
    RateAlert: _Measure(Pane, Rate, Reads.ANY),
    RatioAlert: _Measure(RatioPane, Ratio, Reads.ANY),
    SumAlert: _Measure(NumberPane, Sum, Reads.NUMBERS),
    MeanAlert: _Measure(NumberPane, Mean, Reads.NUMBERS),
    QuantileAlert: _Measure(QuantilePane, Quantile, Reads.NUMBERS),
    DistinctAlert: _Measure(DistinctPane, Distinct, Reads.PRESENT),
    AbsenceAlert: _Measure(Pane, Total, Reads.ANY),
}


def window_rule(alert: WindowTable, given: Surroundings) -> WindowRule:
    """A window alert, ready to run. State is kept over a change of limits, texts and times, not of what is measured."""
    running = WindowRule(_plan(alert, given), given.journal, given.lost)
    by = tuple(alert.by.values())
    running.watches = (Watch(alert.name, alert.source, alert.where, alert.measured, by, running.react),)
    return running


def _plan(alert: WindowTable, given: Surroundings) -> WindowPlan:
    texts = Texts(Template(alert.summary), Template(alert.description), alert.runbook_url)
    fields = [name for name in texts.names if name not in alert.text_names() and not name.startswith("labels.")]
    measure = _MEASURES[type(alert)]
    interval = _nano(alert.interval)
    limited = alert if isinstance(alert, LimitTable) else None
    quantile = alert.quantile if isinstance(alert, QuantileAlert) else 0.5
    own = {"alertname": alert.name, "severity": alert.severity}
    return WindowPlan(
        name=alert.name,
        fingerprint=fingerprint(
            *(alert.kind, alert.source, alert.where, alert.by, alert.measured, alert.window, alert.interval),
            *(quantile, alert.severity, sorted(alert.labels.items())),
        ),
        label_names=tuple(alert.by),
        labels={**given.labels, **alert.labels, **own},
        texts=texts,
        capture=compile_capture(fields, alert.source, given.identify),
        pane=measure.pane,
        total=measure.total,
        reads=measure.reads,
        interval=interval,
        length=_nano(alert.window) // interval,
        lateness=_nano(alert.allowed_lateness),
        is_above=limited is None or limited.above is not None,
        limit=limited.limit if limited else alert.window,
        recover=_recover(limited) if limited else 0.0,
        patience=Patience(_nano(alert.hold), _nano(alert.keep_firing_for)),
        min_count=_min_count(alert),
        no_data=NoData(limited.no_data) if limited else NoData.OK,
        needs_whole=limited is not None and limited.below is not None and not isinstance(limited, SampleTable),
        forget_after=_nano(alert.forget_after),
        max_groups=alert.max_groups,
        members=_members(alert),
        is_absence=limited is None,
        quantile=quantile,
    )


def _nano(seconds: float | None) -> int:
    return round((seconds or 0) * SECOND)


def _recover(alert: LimitTable) -> float:
    return alert.limit if alert.recover is None else alert.recover


def _min_count(alert: WindowTable) -> int:
    """What an empty window of a count means is asked only where it is not nought."""
    if isinstance(alert, SampleTable):
        return alert.min_count
    return 1 if isinstance(alert, LimitTable) and alert.no_data != NoData.OK.value else 0


def _members(alert: WindowTable) -> frozenset[Key]:
    if not alert.by:
        return frozenset({()})
    if not isinstance(alert, AbsenceAlert):
        return frozenset()
    return frozenset(tuple(label_text(group[label]) for label in alert.by) for group in alert.expected)
