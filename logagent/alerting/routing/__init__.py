"""Alerts → notifications: grouped, kept back while it is quiet, repeated while they go on."""

from logagent.alerting.routing.router import Router
from logagent.alerting.routing.tables import ROUTING_TABLES, Routing, read_routing

__all__ = ["ROUTING_TABLES", "Router", "Routing", "read_routing"]
