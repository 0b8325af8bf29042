"""Alerts on windows as PromQL, over the metrics that are counted for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alerting.rules.window_tables import LimitTable, SampleTable
from logagent.alerting.rules.windows import (
    AbsenceAlert,
    MeanAlert,
    QuantileAlert,
    RateAlert,
    RatioAlert,
    SumAlert,
)
from logagent.export.annotations import Annotations, Lookup
from logagent.export.promql import grown, number, on, select, total
from logagent.export.rule_groups import LONGEST_INTERVAL, Rule, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logagent.alerting.rules.window_tables import WindowTable
    from logagent.export.context import Context


def interval_of(alert: WindowTable) -> float:
    """Seconds between two evaluations."""
    return min(alert.interval or LONGEST_INTERVAL, LONGEST_INTERVAL)


class WindowExpressions:
    """What one alert is in PromQL.

    ``stem`` begins the names of its metrics; ``firing`` selects its alerts that fired at the last evaluation.
    """

    def __init__(self, alert: WindowTable, stem: str, firing: str) -> None:
        self._alert = alert
        self._firing = firing
        self._stem = stem
        self._by = tuple(alert.by)
        has_values = isinstance(alert, (SumAlert, MeanAlert, QuantileAlert))
        self._seen = f"{stem}_value_count" if has_values else f"{stem}_events_total"
        window = duration_text(alert.window)
        self.events = f"{stem}:events:increase{window}"
        """Name of the series with the events of a window."""
        self._value = f"{stem}:value:{window}"
        self._known = f"{stem}:known"
        self._recent = f"{stem}:recent"

    def recorded(self) -> Iterator[Rule]:
        """The series that the alert is decided by."""
        alert = self._alert
        if isinstance(alert, AbsenceAlert):
            yield Rule(self._since(alert.window), record=self._recent)
        else:
            yield Rule(self._counted(), record=self.events)
            yield Rule(self._guarded(), record=self._value)
        if self._forgets():
            yield Rule(self._since(alert.forget_after or 0.0), record=self._known)

    def condition(self) -> str:
        """What is true while the alert's condition is."""
        if isinstance(self._alert, AbsenceAlert):
            return self._absent(self._alert)
        if not isinstance(self._alert, LimitTable):
            raise TypeError(self._alert)
        return "\nor ".join(self._reasons(self._alert))

    # -- what is measured ----------------------------------------------------------------------------------

    def _least(self) -> int:
        """Events that a window needs."""
        if isinstance(self._alert, SampleTable):
            return self._alert.min_count
        return int(isinstance(self._alert, LimitTable) and self._alert.no_data != "ok")

    def _guarded(self) -> str:
        least, by = self._least(), self._by
        enough = f"\nand {on(by)} {self.events} >= {least}" if least else ""
        return self.measure() + enough

    def measure(self) -> str:
        """What the alert looks at, however few events there are."""
        alert, by, stem, window = self._alert, self._by, self._stem, self._alert.window
        if isinstance(alert, RateAlert):
            return total(by, f"rate({self._seen}[{duration_text(window)}])")
        if isinstance(alert, RatioAlert):
            return f"{grown(by, f'{stem}_bad_total', window)}\n/ {grown(by, self._seen, window)}"
        if isinstance(alert, SumAlert):
            return grown(by, f"{stem}_value_sum", window)
        if isinstance(alert, MeanAlert):
            return f"{grown(by, f'{stem}_value_sum', window)}\n/ {grown(by, self._seen, window)}"
        if isinstance(alert, QuantileAlert):
            buckets = total(("le", *by), f"rate({stem}_value_bucket[{duration_text(window)}])")
            return f"histogram_quantile({number(alert.quantile)}, {buckets})"
        return self._counted()

    def _counted(self) -> str:
        return f"round({grown(self._by, self._seen, self._alert.window)})"

    # -- the condition -------------------------------------------------------------------------------------

    def _reasons(self, alert: LimitTable) -> Iterator[str]:
        """The condition's parts, one of which is enough."""
        side = ">" if alert.above is not None else "<"
        # a count of nought is told only of what is known for a whole window
        whole = self._whole() if alert.below is not None and not isinstance(alert, SampleTable) else ""
        fires = f"and {on(self._by)} {self._firing}"
        yield f"({self._value} {side} {number(alert.limit)}{whole})"
        if alert.recover is not None and alert.recover != alert.limit:
            yield f"({self._value} {side} {number(alert.recover)}{whole} {fires})"
        few = f"{self.events} < {self._least()}"
        if self._least() and alert.no_data == "alert":
            yield f"({few}{self._whole()})"
        elif self._least() and alert.no_data == "keep":
            shown = f"{total(self._by, self._firing)} * {number(alert.limit)}"
            yield f"({shown} and {on(self._by)} ({few}){self._still_known()})"

    def _whole(self) -> str:
        """Only groups that are known for a whole window, and not forgotten."""
        before = total(self._by, f"{self._seen} offset {duration_text(self._alert.window)}")
        return f" and {on(self._by)} {before}{self._still_known()}"

    def _still_known(self) -> str:
        return f" and {on(self._by)} {self._known}" if self._forgets() else ""

    def _forgets(self) -> bool:
        """Whether it matters that groups are forgotten."""
        alert = self._alert
        if not self._by or isinstance(alert, AbsenceAlert):
            return bool(self._by)
        keeps = isinstance(alert, LimitTable) and self._least() > 0 and alert.no_data != "ok"
        return keeps or (isinstance(alert, LimitTable) and alert.below is not None)

    # -- absence -------------------------------------------------------------------------------------------

    def _since(self, seconds: float) -> str:
        """Groups that had an event in a window: their counters grew, or began."""
        by, seen, window = self._by, self._seen, duration_text(seconds)
        began = f"({total(by, seen)} > 0 unless {total(by, f'{seen} offset {window}')})"
        return f"{grown(by, seen, seconds)} > 0\nor {began}"

    def _absent(self, alert: AbsenceAlert) -> str:
        window, groups = duration_text(alert.window), alert.expected if alert.by else [{}]
        members = [self._known] if alert.by else []
        for group in groups:
            series = select(self._seen, {name: group[name] for name in alert.by})
            members += [total(self._by, f"{series} offset {window}"), f"absent_over_time({series}[{window}])"]
        joined = "\n  or ".join(members)
        return f"(\n  {joined}\n)\nunless {on(self._by)} {self._recent}"


def window_rules(alert: WindowTable, context: Context) -> Iterator[Rule]:
    """The recording rules of an alert, and the alert."""
    firing = context.firing(alert, {**alert.by, **alert.labels}, severity=alert.severity)
    expressions = WindowExpressions(alert, context.stems[alert.name], firing)
    yield from expressions.recorded()
    constants: dict[str, object] = {"window": alert.window, "since": alert.window}
    lookups: dict[str, Lookup] = {}
    if isinstance(alert, LimitTable):
        constants["threshold"] = alert.limit
        lookups["count"] = Lookup(expressions.events, {name: name for name in alert.by})
    yield Rule(
        expressions.condition(),
        alert=alert.name,
        hold_seconds=alert.hold or 0.0,
        keep_seconds=alert.keep_firing_for or 0.0,
        labels=context.labels(alert.by, alert.labels, severity=alert.severity),
        annotations=context.annotations(alert, alert.summary, Annotations(constants, lookups)),
    )
