"""Every kind of rule there is: the table of a rule file that it is written as, and what runs it."""

from __future__ import annotations

from logagent.alerting import accounts, burning, events, spending
from logagent.alerting.anomaly import collection as anomaly
from logagent.alerting.anomaly.building import anomaly_rule
from logagent.alerting.anomaly.leftovers import anomaly_leftovers
from logagent.alerting.building import budget_rule, event_rule
from logagent.alerting.leftovers import budget_leftovers, burn_leftovers, event_leftovers, past_leftovers
from logagent.alerting.rules import WINDOW_ALERTS, AnomalyAlert, Budget, EventAlert, Slo
from logagent.alerting.running import RuleKind
from logagent.alerting.slo import plan as slo
from logagent.alerting.slo.building import count_leftovers, group_leftovers, slo_rule
from logagent.alerting.windows import collection
from logagent.alerting.windows.building import window_rule
from logagent.alerting.windows.leftovers import window_leftovers

_BUDGET_LEFTOVERS = {
    accounts.ENTRY: budget_leftovers,
    spending.DAYS: past_leftovers,
    spending.HOURS: past_leftovers,
    burning.BURNS: burn_leftovers,
}
KINDS = (
    RuleKind("alert", "event", EventAlert, event_rule, {events.ENTRY: event_leftovers}),
    *(
        RuleKind("alert", word, model, window_rule, {collection.ENTRY: window_leftovers})
        for word, model in WINDOW_ALERTS.items()
    ),
    RuleKind("alert", "anomaly", AnomalyAlert, anomaly_rule, {anomaly.ENTRY: anomaly_leftovers}),
    RuleKind("slo", "", Slo, slo_rule, {slo.ENTRY: count_leftovers, slo.GROUP_ENTRY: group_leftovers}),
    RuleKind("budget", "", Budget, budget_rule, _BUDGET_LEFTOVERS),
)
TABLES = tuple(dict.fromkeys(kind.table for kind in KINDS))
"""Tables of rule files that hold such rules."""
LEFTOVERS = {room: leftovers for kind in KINDS for room, leftovers in kind.leftovers.items()}
"""Room of the ledger → the ends of the alerts in an entry that no rule owns."""
