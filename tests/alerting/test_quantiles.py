from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logagent.alerting.windows.quantiles import LARGEST_ERROR, ZERO, bucket_of, middle, quantile

ROUNDING = 1e-9
numbers = st.one_of(
    st.floats(-1e15, 1e15, allow_nan=False), st.floats(1e-12, 1e3), st.integers(-(10**15), 10**15).map(float)
)
shares = st.floats(1e-6, 1 - 1e-6)


def exact(values: list[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values) - ROUNDING), 1) - 1]


def told(values: list[float], share: float) -> float:
    return quantile(Counter(map(bucket_of, values)), len(values), share)


def error(seen: float, expected: float) -> float:
    return abs(seen - expected) / abs(expected) if abs(expected) >= ZERO else abs(seen)


@given(st.lists(numbers, min_size=1, max_size=300), shares)
@example([5.0] * 20, 0.95)
@example([-1.0, -2.0, 0.0, 3.0], 0.5)
def test_a_quantile_is_within_its_bound_of_the_exact_one_whatever_the_numbers(
    values: list[float], share: float
) -> None:
    assert error(told(values, share), exact(values, share)) <= LARGEST_ERROR + ROUNDING


@given(numbers, numbers)
def test_buckets_are_ordered_as_their_numbers_are_and_those_below_nought_mirror_those_above(
    one: float, other: float
) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other
    assert bucket_of(-one) == -bucket_of(one)


@given(numbers)
def test_the_middle_of_a_bucket_is_in_it(number: float) -> None:
    assert bucket_of(middle(bucket_of(number))) == bucket_of(number)


def test_the_bounds_are_those_of_prometheus() -> None:
    assert bucket_of(1.0) + 1 == bucket_of(1.0001), "a bucket holds its upper bound"
    assert bucket_of(2.0) - bucket_of(1.0) == 32
    assert pytest.approx(0.0109, abs=2e-5) == LARGEST_ERROR


def test_numbers_near_nought_are_nought() -> None:
    assert [bucket_of(number) for number in (0.0, -0.0, 1e-300, -5e-324, ZERO / 2)] == [0] * 5
    assert bucket_of(ZERO) == 1
    assert told([0.0, 0.0, 1e-20], 0.9) == 0.0


def lab(chance: random.Random) -> float:
    """Calls of a language model: two humps, and one in 250 runs into its timeout of a minute."""
    if chance.random() < 0.004:
        return 60.0
    return chance.lognormvariate(-0.5, 0.4) if chance.random() < 0.7 else chance.lognormvariate(1.4, 0.5)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize(
    "draw",
    [
        lab,
        lambda chance: chance.lognormvariate(-3.0, 0.8),
        lambda chance: chance.paretovariate(1.1),
        lambda chance: chance.paretovariate(0.5),
        lambda chance: chance.weibullvariate(1.0, 0.3),
        lambda chance: float(chance.randint(1, 8000)),
    ],
    ids=["lab", "lognormal", "pareto 1.1", "pareto 0.5", "weibull 0.3", "tokens"],
)
def test_quantiles_of_heavy_tails_are_within_the_bound(draw: object, share: float) -> None:
    chance = random.Random(7)
    values = [draw(chance) for _ in range(20_000)]
    assert error(told(values, share), exact(values, share)) <= LARGEST_ERROR + ROUNDING


def test_a_rank_that_no_count_reaches_is_an_error() -> None:
    with pytest.raises(ValueError, match="10"):
        quantile({1: 1}, 10, 0.4)
    with pytest.raises(ValueError, match="1"):
        quantile({}, 10, 0.9)
