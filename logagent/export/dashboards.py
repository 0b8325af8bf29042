"""Three dashboards for Grafana: the system, the SLOs, the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.export.context import metric_prefix
from logagent.export.cost_dashboard import cost_rows
from logagent.export.panels import dashboard
from logagent.export.slo_dashboard import slo_rows
from logagent.export.system_dashboard import system_rows

if TYPE_CHECKING:
    from logagent.catalog import Catalog
    from logagent.settings import Settings


def dashboards(catalog: Catalog, settings: Settings) -> dict[str, str]:
    """File name → the JSON of a dashboard. They ask only for metrics that the catalog's rules or the agent define."""
    prefix = metric_prefix(settings)
    parts = {
        "system": ("System", system_rows(catalog, settings, prefix)),
        "slo": ("Service level objectives", slo_rows(catalog)),
        "cost": ("Cost", cost_rows(catalog, prefix)),
    }
    return {
        f"logagent-{name}.json": dashboard(name, f"logagent: {title}", prefix, rows)
        for name, (title, rows) in parts.items()
    }
