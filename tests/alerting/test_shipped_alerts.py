from __future__ import annotations

from pathlib import Path

import tomli
from alert_samples import DAY, MINUTE, SECOND, START, call, query, span

from logagent.alerting import AlertEngine, RuleReader

RULES = Path(__file__).parents[2] / "rules"


def shipped(name: str) -> AlertEngine:
    rules = RuleReader()
    rules.read(name, tomli.loads((RULES / name).read_text()))
    assert rules.problems == []
    assert rules.rules
    return AlertEngine(rules.rules)


def test_queries_over_a_second_alert_by_the_shape_of_their_statement() -> None:
    rules = shipped("database.toml")
    alerts = rules.spans(
        [
            query(START, 1.0),
            query(START, 1.2, "users", db__query__summary="SELECT users", db__query__text="SELECT * FROM users"),
            query(
                START + MINUTE, 4.5, "users", db__query__summary="SELECT users", db__query__text="SELECT id FROM users"
            ),
            query(START, 1.2, "users", db__operation__name="UPDATE"),
            query(START, 1.2, "orders", db__operation__name="UPDATE"),
        ]
    )
    assert [(alert.labels["statement"], alert.labels["table"]) for alert in alerts] == [
        ("SELECT users", "users"),
        ("UPDATE", "users"),
        ("UPDATE", "orders"),
    ]
    (worst,) = [alert for alert in rules.firing() if alert.labels["statement"] == "SELECT users"]
    trace = (START + MINUTE).to_bytes(16, "big").hex()
    assert worst.annotations == {
        "summary": "Slow query: SELECT users on users, 2 since it began, worst 4.5 s",
        "description": f"Worst example, trace {trace}: SELECT id FROM users",
        "runbook_url": "docs/runbooks.md#slowquery",
        "trace_id": trace,
    }


def test_a_query_that_never_ended_is_not_slow() -> None:
    unended = span("query", START, 900.0, {})
    unended.incomplete = True
    assert shipped("database.toml").spans([unended]) == []


def test_the_monthly_llm_budget_tells_of_half_of_it_ninety_percent_and_all() -> None:
    rules = shipped("cost.toml")
    spans = [call(START + day * DAY + second * SECOND, 1.0) for day in range(25) for second in range(45)]
    alerts = rules.spans([call(START, None), *spans])
    unpriced, *reached = [one for one in alerts if one.labels.get("basis") in {None, "unpriced"}]
    assert unpriced.labels["basis"] == "unpriced"
    assert [(one.labels["alertname"], one.labels["threshold"], one.labels["severity"]) for one in reached] == [
        ("LlmMonthlyBudget", "0.5", "info"),
        ("LlmMonthlyBudget", "0.9", "warning"),
        ("LlmMonthlyBudget", "1", "critical"),
    ]
    assert reached[1].annotations == {
        "summary": "$900.00 of the $1,000.00 for LLM calls in 2026-11 are spent (90 %)",
        "description": "$100.00 are left; 1 of 901 calls had no price and are not in the sum",
        "runbook_url": "docs/runbooks.md#llmmonthlybudget",
        "trace_id": reached[1].trace_id.hex(),
    }
