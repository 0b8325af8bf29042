"""What is measured in a window: totals over the panes inside it, kept as panes enter and leave."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from logagent.alerting.windows.pane import NumberPane, Pane, RatioPane
from logagent.alerting.windows.quantiles import bucket_of, quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from logagent.alerting.windows.plan import WindowPlan

MOST_PLAIN = 64
"""Numbers that a pane keeps as they are before it counts them in buckets."""
P = TypeVar("P", bound=Pane)


class Total(Generic[P]):
    """The number of events in a window, which is the measure of the kinds ``count`` and ``absence``."""

    def __init__(self, plan: WindowPlan) -> None:
        self.plan = plan
        self.count = 0

    def enter(self, pane: P) -> int:
        """Take a pane in. Give how many of its values are left out because the window can hold no more."""
        self.count += pane.count
        return 0

    def leave(self, pane: P) -> None:
        """Take away a pane that is as it was when it entered."""
        self.count -= pane.count

    def value(self, panes: Iterable[P]) -> float:  # noqa: ARG002 - other measures add up anew
        """The measure. ``panes`` are those inside; where ``count`` is 0 only counts and sums have a value."""
        return self.count


class Rate(Total[Pane]):
    """Events per second."""

    def value(self, panes: Iterable[Pane]) -> float:  # noqa: ARG002 - the number is enough
        """The rate over the whole window, also where events fill a part of it."""
        return self.count / self.plan.window_seconds


class Ratio(Total[RatioPane]):
    """The share of the events that a condition is true for."""

    def __init__(self, plan: WindowPlan) -> None:
        super().__init__(plan)
        self.bad = 0

    def enter(self, pane: RatioPane) -> int:
        """Take a pane in."""
        self.bad += pane.bad
        return super().enter(pane)

    def leave(self, pane: RatioPane) -> None:
        """Take a pane away."""
        self.bad -= pane.bad
        super().leave(pane)

    def value(self, panes: Iterable[RatioPane]) -> float:  # noqa: ARG002 - the numbers are enough
        """From 0 to 1."""
        return self.bad / self.count


class Sum(Total[NumberPane]):
    """The sum of numbers: the panes' sums added up anew, so that nothing is left of those that have left."""

    def value(self, panes: Iterable[NumberPane]) -> float:
        """The sum."""
        return math.fsum(pane.sum for pane in panes)


class Mean(Sum):
    """The mean of numbers."""

    def value(self, panes: Iterable[NumberPane]) -> float:
        """The mean."""
        return super().value(panes) / self.count


class QuantilePane(NumberPane):
    """Also the numbers themselves, or, where they are many, how many of them each bucket has."""

    __slots__ = ("_counts", "_numbers")

    def __init__(self, plan: WindowPlan, entry: str, index: int) -> None:
        super().__init__(plan, entry, index)
        self._numbers: list[float] = []
        """Those that no bucket has yet; where there are no buckets, all."""
        self._counts: Counter[int] | None = None

    def take(self, event: object, time: int, value: Any) -> None:  # noqa: ARG002 - the number decides about the example
        """Count an event in; its value is a finite number."""
        self.count += 1
        if value * self.sign > self.rank:
            self.show(value * self.sign, event)
        self._numbers.append(value)
        if len(self._numbers) > MOST_PLAIN:
            self._put_away()

    def _put_away(self) -> None:
        """Have all numbers in buckets."""
        if self._counts is None:
            self._counts = Counter()
        self._counts.update(map(bucket_of, self._numbers))
        self._numbers.clear()

    def counts(self) -> Mapping[int, int]:
        """Bucket → how many numbers it has."""
        if self._counts is None:
            return Counter(map(bucket_of, self._numbers))
        self._put_away()
        return self._counts

    def content(self) -> list[Any]:
        """The numbers, or the buckets."""
        if self._counts is not None:
            self._put_away()
        return [self._numbers, None if self._counts is None else list(self._counts.items())]

    def restore_content(self, content: list[Any]) -> None:
        """The numbers, or the buckets."""
        numbers, counts = content
        self._numbers = [float(number) for number in numbers]
        self._counts = None if counts is None else Counter({int(code): int(count) for code, count in counts})


class Quantile(Total[QuantilePane]):
    """A quantile of numbers."""

    def __init__(self, plan: WindowPlan) -> None:
        super().__init__(plan)
        self._counts: dict[int, int] = {}

    def enter(self, pane: QuantilePane) -> int:
        """Take a pane in."""
        counts = self._counts
        for code, count in pane.counts().items():
            counts[code] = counts.get(code, 0) + count
        return super().enter(pane)

    def leave(self, pane: QuantilePane) -> None:
        """Take a pane away."""
        counts = self._counts
        for code, count in pane.counts().items():
            left = counts[code] - count
            if left:
                counts[code] = left
            else:
                del counts[code]
        super().leave(pane)

    def value(self, panes: Iterable[QuantilePane]) -> float:  # noqa: ARG002 - the buckets are enough
        """The quantile, as ``quantiles`` says."""
        return quantile(self._counts, self.count, self.plan.quantile)
