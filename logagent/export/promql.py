"""Pieces of PromQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.export.rule_groups import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def number(value: float) -> str:
    """A number as short as it can be without being another one."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - beyond it floats skip whole numbers


def text(value: str) -> str:
    r"""A string in double quotes, with PromQL's escapes, which are Go's."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in escaped) + '"'


def select(metric: str, labels: Mapping[str, str]) -> str:
    """The series of a metric that have these labels."""
    matchers = ",".join(f"{name}={text(value)}" for name, value in labels.items())
    return f"{metric}{{{matchers}}}" if matchers else metric


def total(by: Iterable[str], expression: str) -> str:
    """The sum, by labels."""
    names = ", ".join(by)
    return f"sum by ({names}) ({expression})" if names else f"sum({expression})"


def grown(by: Iterable[str], series: str, seconds: float) -> str:
    """How much counters grew in a window, by labels."""
    return total(by, f"increase({series}[{duration_text(seconds)}])")


def on(by: Iterable[str]) -> str:
    """What two sides of ``and`` are matched by."""
    return f"on ({', '.join(by)})"


def firing(labels: Mapping[str, str]) -> str:
    """What the rule of the alerts with these labels said at the last evaluation, where they fire."""
    return select("ALERTS", {**labels, "alertstate": "firing"})


def by_group(label: str, single: Mapping[str, float], other: float) -> Iterator[tuple[str, float]]:
    """Matchers of the groups that have a number of their own, and of all others."""
    for value, amount in single.items():
        yield f"{{{label}={text(value)}}}", amount
    yield ("{" + ",".join(f"{label}!={text(value)}" for value in single) + "}" if single else ""), other
