"""Alerts on windows of event time: panes that slide, what is measured in them, and when that is decided."""

from logagent.alerting.windows.instants import LATEST, Instants
from logagent.alerting.windows.panes import Indexed, Panes

__all__ = ["LATEST", "Indexed", "Instants", "Panes"]
