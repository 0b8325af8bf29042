"""Every kind of rule there is: the table of a rule file that it is written as, and what runs it."""

from __future__ import annotations

from logagent.alerting import accounts, events
from logagent.alerting.building import budget_rule, event_rule
from logagent.alerting.leftovers import budget_leftovers, event_leftovers
from logagent.alerting.rules import Budget, EventAlert
from logagent.alerting.running import RuleKind

KINDS = (
    RuleKind("alert", "event", EventAlert, event_rule, {events.ENTRY: event_leftovers}),
    RuleKind("budget", "", Budget, budget_rule, {accounts.ENTRY: budget_leftovers}),
)
TABLES = tuple(dict.fromkeys(kind.table for kind in KINDS))
"""Tables of rule files that hold such rules."""
LEFTOVERS = {room: leftovers for kind in KINDS for room, leftovers in kind.leftovers.items()}
"""Room of the ledger → the ends of the alerts in an entry that no rule owns."""
