"""Checked anomaly rules → what runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from logagent.alerting.anomaly.events import EventAnomalies
from logagent.alerting.anomaly.plan import AnomalyPlan, Season
from logagent.alerting.anomaly.scales import LINEAR, LOGARITHMIC, Scale, counted, square_root
from logagent.alerting.anomaly.windows import WindowAnomalies
from logagent.alerting.compiling import Watch, compile_capture
from logagent.alerting.lifecycle import Patience
from logagent.alerting.periods import SECOND
from logagent.alerting.rules.anomaly import ANOMALY_NAMES
from logagent.alerting.state import Texts, fingerprint
from logagent.alerting.templates import Template
from logagent.alerting.windows.measures import Mean, Quantile, QuantilePane, Rate, Sum, Total
from logagent.alerting.windows.pane import NumberPane, Pane
from logagent.alerting.windows.plan import NoData, Reads, WindowPlan

if TYPE_CHECKING:
    from logagent.alerting.rules.anomaly import AnomalyAlert
    from logagent.alerting.running import Surroundings
    from logagent.alerting.windows.pane import Capture

_DAYS_BACK = {"day": tuple(range(1, 8)), "week": (7, 14, 21, 28)}
"""Which of the days before are like a day."""
_SHORTEST_SLOT = 1800.0
_DAY = 86_400.0


class _Measure(NamedTuple):
    pane: type[Pane]
    total: type[Total[Any]]
    reads: Reads


_MEASURES = {
    "count": _Measure(Pane, Total, Reads.ANY),
    "rate": _Measure(Pane, Rate, Reads.ANY),
    "sum": _Measure(NumberPane, Sum, Reads.NUMBERS),
    "mean": _Measure(NumberPane, Mean, Reads.NUMBERS),
    "quantile": _Measure(QuantilePane, Quantile, Reads.NUMBERS),
}


def anomaly_rule(alert: AnomalyAlert, given: Surroundings) -> EventAnomalies | WindowAnomalies:
    """An anomaly alert, ready to run. What was learned is kept over a change of sensitivity, texts and times."""
    plan = anomaly_plan(alert, given)
    running: EventAnomalies | WindowAnomalies
    if plan.window is None:
        running = EventAnomalies(plan, given.journal, given.lost)
    else:
        running = WindowAnomalies(plan, plan.window, given.journal, given.lost)
    by = tuple(alert.by.values())
    running.watches = (Watch(alert.name, alert.source, alert.where, alert.value, by, running.react),)
    return running


def anomaly_plan(alert: AnomalyAlert, given: Surroundings) -> AnomalyPlan:
    """The alert, compiled."""
    texts = Texts(Template(alert.summary), Template(alert.description), alert.runbook_url)
    fields = [name for name in texts.names if name not in ANOMALY_NAMES and not name.startswith("labels.")]
    capture = compile_capture(fields, alert.source, given.identify)
    own = {"alertname": alert.name, "severity": alert.severity}
    scale = _scale(alert)
    # what is measured by a number of events has too little only where there usually are enough
    is_counted = alert.aggregate in {"count", "rate"}
    least = scale.forward(alert.min_count / (alert.window or 1.0 if alert.aggregate == "rate" else 1.0))
    return AnomalyPlan(
        name=alert.name,
        fingerprint=fingerprint(
            *(alert.kind, alert.source, alert.where, alert.by, alert.value, alert.window, alert.aggregate),
            *(alert.quantile, alert.scale, alert.season, alert.timezone, alert.severity),
            sorted(alert.labels.items()),
        ),
        label_names=tuple(alert.by),
        labels={**given.labels, **alert.labels, **own},
        texts=texts,
        capture=capture,
        window=_window(alert, texts, capture),
        is_filled=alert.aggregate in {"count", "rate", "sum"},
        scale=scale,
        season=_season(alert),
        sensitivity=alert.sensitivity,
        looks_up=alert.direction != "below",
        looks_down=alert.direction != "above",
        min_count=alert.min_count,
        least_usual=least if is_counted else float("-inf"),
        warm_up=alert.warm_up,
        datapoints=alert.datapoints,
        of=alert.of,
        accept_after=_nano(alert.accept_after),
        cooldown=_nano(alert.cooldown),
        quiet=_nano(alert.resolve_after),
        forget_after=_nano(alert.forget_after),
        max_groups=alert.max_groups,
    )


def _nano(seconds: float | None) -> int:
    return round((seconds or 0) * SECOND)


def _scale(alert: AnomalyAlert) -> Scale:
    if alert.scale == "linear":
        return LINEAR
    if alert.scale == "log":
        return LOGARITHMIC
    if alert.aggregate == "count":
        return counted()
    return counted(1 / (alert.window or 1.0)) if alert.aggregate == "rate" else square_root()


def _season(alert: AnomalyAlert) -> Season | None:
    if alert.season == "none":
        return None
    slots = max(int(_DAY // max(alert.window or 0.0, _SHORTEST_SLOT)), 1)
    return Season(ZoneInfo(alert.timezone), _DAYS_BACK[alert.season], slots)


def _window(alert: AnomalyAlert, texts: Texts, capture: Capture) -> WindowPlan | None:
    """What the windows' panes and totals read; the state of an anomaly rule's groups is its own."""
    if alert.window is None or alert.aggregate is None:
        return None
    measure = _MEASURES[alert.aggregate]
    return WindowPlan(
        name=alert.name,
        fingerprint="",
        label_names=tuple(alert.by),
        labels={},
        texts=texts,
        capture=capture,
        pane=measure.pane,
        total=measure.total,
        reads=measure.reads,
        interval=_nano(alert.window),
        length=1,
        lateness=_nano(alert.allowed_lateness),
        is_above=alert.direction != "below",
        limit=0.0,
        recover=0.0,
        patience=Patience(),
        min_count=alert.min_count,
        no_data=NoData.KEEP,
        needs_whole=False,
        forget_after=_nano(alert.forget_after),
        max_groups=alert.max_groups,
        members=frozenset(),
        quantile=alert.quantile or 0.5,
    )
