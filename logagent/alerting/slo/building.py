"""An SLO as a file writes it → what the engine runs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logagent.alerting.compiling import Watch, compile_capture
from logagent.alerting.leftovers import name_of
from logagent.alerting.periods import SECOND, Calendar, PeriodKind
from logagent.alerting.slo.books import superseded_ends
from logagent.alerting.slo.burn_rates import NOMINAL_DAYS, window_text
from logagent.alerting.slo.group import unpack_group
from logagent.alerting.slo.plan import SloPlan, burn_alerts
from logagent.alerting.slo.running import SloRule
from logagent.alerting.slo.spans import CalendarSpan, RollingSpan
from logagent.alerting.state import Texts, fingerprint
from logagent.alerting.templates import Template

if TYPE_CHECKING:
    from logagent.alerting.rules import Slo
    from logagent.alerting.running import Surroundings
    from logagent.alerting.slo.spans import BudgetSpan
    from logagent.model import Alert


def slo_rule(slo: Slo, given: Surroundings) -> SloRule:
    """An SLO, ready to run. Counts are kept over a change of objectives, period and alerts, not of what is counted."""
    span = _span(slo)
    burn_rates = slo.compiled_burn_rates()
    windows = tuple(sorted({minutes for one in burn_rates for minutes in (one.long_minutes, one.short_minutes)}))
    plan = SloPlan(
        name=slo.name,
        fingerprint=fingerprint(slo.source, slo.valid, slo.good, slo.bad, slo.by),
        label_names=tuple(slo.by),
        labels={**given.labels, **slo.labels, "alertname": slo.name},
        texts=Texts(Template(slo.summary), Template(slo.description), slo.runbook_url),
        objective=slo.objective,
        objectives=slo.objectives,
        composite=slo.composite,
        span=span,
        windows=windows,
        window_labels=(*map(window_text, windows), span.label),
        alerts=burn_alerts(burn_rates, windows, slo.min_valid, slo.low_traffic, span.label),
        min_bad=slo.min_bad,
        max_groups=slo.max_groups,
        lateness_nano=round(slo.allowed_lateness * SECOND),
        bad_value=bool(slo.good),
        capture=compile_capture((), slo.source, given.identify),
    )
    running = SloRule(plan, given.journal, given.lost)
    # negated, so that the value is true or false whatever the condition reads
    value = f"not ({slo.good or slo.bad})"
    running.watches = (Watch(slo.name, slo.source, slo.valid, value, tuple(slo.by.values()), running.count),)
    return running


def _span(slo: Slo) -> BudgetSpan:
    if slo.period in NOMINAL_DAYS:
        calendar = Calendar(PeriodKind(slo.period), ZoneInfo(slo.timezone))
        return CalendarSpan(calendar, slo.period, slo.period_days)
    return RollingSpan(slo.period_days)


def count_leftovers(entry: str, data: bytes) -> list[Alert]:  # noqa: ARG001 - part of the seam
    """Counts that no rule owns end nothing."""
    return []


def group_leftovers(entry: str, data: bytes) -> list[Alert]:
    """The ends of what fired in a group. Raises ValueError, TypeError, … where the entry is unreadable."""
    return superseded_ends(name_of(entry), unpack_group(data).burning.values())
