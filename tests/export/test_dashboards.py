"""The dashboards: identities that stay, queries that name what exists, limits of the rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from promtool_comparison import configured

from logagent.export.dashboards import dashboards

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
[[metric]]
name = "http_requests_total"
type = "counter"
help = "Requests."
from = "request"

[[alert]]
name = "FewRequests"
kind = "rate"
from = "request"
window = "5m"
below = 0.5

[[slo]]
name = "Availability"
bad = "error"
objective = 99.5

[[budget]]
name = "Spend"
value = "gen_ai.usage.cost"
currency = "USD"
limit = 100
period = "month"
thresholds = [0.4, 0.8]
"""


def made(directory: Path, rules: str = RULES, namespace: str = "shop") -> dict[str, Any]:
    settings, catalog = configured(directory, rules)
    service = settings.service.model_copy(update={"namespace": namespace})
    found = dashboards(catalog, settings.model_copy(update={"service": service}))
    return {name: json.loads(text) for name, text in found.items()}


def panels(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {panel["title"]: panel for one in found.values() for panel in one["panels"] if panel["type"] != "row"}


def steps(panel: dict[str, Any]) -> list[tuple[float | None, str]]:
    return [(step["value"], step["color"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_a_panel_keeps_its_id_when_rules_come_before_it(tmp_path: Path) -> None:
    before = made(tmp_path)
    after = made(
        tmp_path, RULES.replace("[[slo]]", '[[slo]]\nname = "Earlier"\ngood = "not error"\nobjective = 99\n[[slo]]', 1)
    )
    for name, one in before.items():
        assert one["uid"] == after[name]["uid"]
        ids = [panel["id"] for panel in after[name]["panels"]]
        assert len(ids) == len(set(ids))
        assert {panel["id"] for panel in one["panels"]} <= {*ids}


def test_systems_of_several_namespaces_have_dashboards_of_their_own(tmp_path: Path) -> None:
    uids = {
        one["uid"]
        for namespace in ("", "shop", "x" * 60, "y" * 60)
        for one in made(tmp_path, namespace=namespace).values()
    }
    assert len(uids) == 12
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in uids)


def test_panels_do_not_overlap_and_stay_within_the_grid(tmp_path: Path) -> None:
    for one in made(tmp_path).values():
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridPos"] for panel in one["panels"]):
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells


def test_only_metrics_of_rules_in_force_are_asked_for_and_with_their_prefix(tmp_path: Path) -> None:
    asked = " ".join(target["expr"] for panel in panels(made(tmp_path)).values() for target in panel["targets"])
    assert "shop_http_requests_total" in asked
    assert "http_request_duration" not in asked
    assert "llm_" not in asked
    assert re.findall(r"(?<![\w:])http_requests_total", asked) == []


def test_every_query_asks_the_chosen_data_source_about_the_chosen_agents(tmp_path: Path) -> None:
    for panel in panels(made(tmp_path)).values():
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert target["expr"].count("{") == target["expr"].count('instance=~"$instance"'), target["expr"]


def test_colours_and_lines_are_the_limits_of_the_rules(tmp_path: Path) -> None:
    found = panels(made(tmp_path))
    assert steps(found["FewRequests"]) == [(None, "red"), (0.5, "green")]
    assert steps(found["Spent of the limit"]) == [(None, "green"), (0.4, "orange"), (0.8, "red")]
    assert steps(found["Good events"]) == [(None, "red"), (0.995, "green")]
    assert [value for value, _ in steps(found["Burn rates"])] == [None, 1, 3, 6, 14.4]


def test_a_row_without_panels_is_left_out(tmp_path: Path) -> None:
    titles = [panel["title"] for panel in made(tmp_path)["logagent-system.json"]["panels"]]
    assert "Requests" in titles
    assert "Database" not in titles
