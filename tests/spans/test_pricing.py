"""What LLM calls cost where the log does not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.model import Resource, Span
from logagent.spans.pricing import COST, SOURCE, Pricer

MOMENT = 1_795_340_612 * 10**9


def priced(pricer: Pricer | None = None, **attributes: Any) -> dict[str, Any]:
    names = {
        "model": "gen_ai.request.model", "answered": "gen_ai.response.model", "provider": "gen_ai.provider.name",
        "inputs": "gen_ai.usage.input_tokens", "outputs": "gen_ai.usage.output_tokens",
        "read": "gen_ai.usage.cache_read.input_tokens", "write": "gen_ai.usage.cache_creation.input_tokens", "cost": COST,
    }  # fmt: skip
    own = {names[name]: value for name, value in attributes.items()}
    span = Span("llm", "c", "", 3, MOMENT, MOMENT, own, Resource("backend"))
    (pricer or Pricer()).price(span)
    return span.attributes


def listed(model: str, inputs: int, outputs: int, provider: str | None = None) -> float:
    usage = Usage(input_tokens=inputs, output_tokens=outputs)
    at = datetime.fromtimestamp(MOMENT / 1e9, UTC)
    return float(calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price)


def test_the_logged_cost_stays_and_is_called_logged() -> None:
    found = priced(model="gpt-4o", provider="openai", inputs=1000, cost=0.5)
    assert (found[COST], found[SOURCE]) == (0.5, "logged")


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 0), (1234, 567), (0, 9), (10**7, 10**6)])
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini"])
def test_a_cost_that_is_not_logged_is_worked_out_from_the_tokens(model: str, inputs: int, outputs: int) -> None:
    found = priced(model=model, provider="openai", inputs=inputs, outputs=outputs)
    assert found[COST] == pytest.approx(listed(model, inputs, outputs, "openai"), rel=1e-9)
    assert found[SOURCE] == "computed"


def test_the_model_that_answered_counts_and_an_unknown_provider_does_not_matter() -> None:
    found = priced(model="gpt-4o", answered="gpt-4o-mini", provider="gateway-7", inputs=10_000)
    assert found[COST] == pytest.approx(listed("gpt-4o-mini", 10_000, 0), rel=1e-9)


@pytest.mark.parametrize("tokens", [10_000, 150_000, 400_000])
def test_prices_with_tiers_are_asked_for_each_call(tokens: int) -> None:
    found = priced(model="gemini-2.5-pro", provider="google", inputs=tokens, outputs=10)
    assert found[COST] == pytest.approx(listed("gemini-2.5-pro", tokens, 10, "google"), rel=1e-9)


def test_cached_tokens_are_part_of_the_input_and_cheaper() -> None:
    plain = priced(model="gpt-4o", provider="openai", inputs=10_000)[COST]
    cached = priced(model="gpt-4o", provider="openai", inputs=10_000, read=10_000)[COST]
    assert 0 < cached < plain


def test_a_model_without_a_price_is_counted_and_has_no_cost() -> None:
    pricer = Pricer()
    found = priced(pricer, model="our-own-7b", inputs=10)
    assert COST not in found
    assert SOURCE not in found
    assert pricer.unpriced == {"our-own-7b": 1}


@pytest.mark.parametrize(
    "attributes", [{"model": "gpt-4o"}, {"inputs": 5}, {"model": 7, "inputs": 5}, {"model": "gpt-4o", "inputs": "many"}]
)
def test_without_a_model_or_tokens_there_is_nothing_to_price(attributes: dict[str, Any]) -> None:
    pricer = Pricer()
    assert COST not in priced(pricer, **attributes)
    assert not pricer.unpriced


_any = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just(2**63) | st.just("gpt-4o")
)


@given(st.dictionaries(st.sampled_from(["model", "provider", "inputs", "outputs", "read", "write", "cost"]), _any))
@settings(deadline=None)
def test_no_attribute_raises(attributes: dict[str, Any]) -> None:
    found = priced(**attributes)
    assert found.get(SOURCE) in (None, "logged", "computed")
