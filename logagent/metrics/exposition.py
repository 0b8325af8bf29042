"""Prometheus's text format 0.0.4 and OpenMetrics 1.0, written from the store.

prometheus_client's own writer takes half a second for 36,000 lines; here the escaped labels of a series are kept with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from logagent.metrics.series import Family

_SPECIAL = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


def negotiate(accept: str) -> tuple[bool, str]:
    """Choose the format for an ``Accept`` header: whether it is OpenMetrics, and the content type to answer with."""
    try:
        _, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version such as 1.x, which prometheus_client compares with numbers
        return False, CONTENT_TYPE_PLAIN_0_0_4
    if content_type.startswith("application/openmetrics-text"):
        return True, CONTENT_TYPE_OPENMETRICS
    return False, CONTENT_TYPE_PLAIN_0_0_4


def labels_text(names: Sequence[str], values: Sequence[str]) -> str:
    r"""Give ``a="x",b="y"`` with ``\``, ``"`` and line feeds escaped."""
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True))


def render(families: Iterable[Family], *, openmetrics: bool) -> bytes:
    """Give the exposition of some metrics; OpenMetrics' ``# EOF`` is the caller's, who may add more metrics."""
    lines: list[str] = []
    for family in families:
        lines += _header(family, openmetrics=openmetrics)
        lines += _histogram(family) if family.buckets else _values(family)
    lines.append("")
    return "\n".join(lines).encode(errors="replace")


def _header(family: Family, *, openmetrics: bool) -> Iterator[str]:
    name = family.shown_name
    if not openmetrics:
        yield f"# HELP {name} {family.help_text.translate(_HELP_ESCAPES)}"
        yield f"# TYPE {name} {family.type.value}"
        return
    name = name.removesuffix("_total") if family.type.value == "counter" else name
    yield f"# HELP {name} {family.help_text.translate(_ESCAPES)}"
    yield f"# TYPE {name} {family.type.value}"
    if family.unit:
        yield f"# UNIT {name} {family.unit}"


def _values(family: Family) -> Iterator[str]:
    name = family.shown_name
    for series in family.series.values():
        labels = f"{{{series.labels}}}" if series.labels else ""
        yield f"{name}{labels} {_number(series.value)}"


def _histogram(family: Family) -> Iterator[str]:
    name = family.shown_name
    bounds = [*(f'le="{_number(bound)}"}} ' for bound in family.buckets), 'le="+Inf"} ']
    for series in family.series.values():
        head = f"{name}_bucket{{{series.labels}," if series.labels else f"{name}_bucket{{"
        labels = f"{{{series.labels}}}" if series.labels else ""
        total = 0
        for bound, count in zip(bounds, series.counts, strict=True):
            total += count
            yield f"{head}{bound}{total}"
        yield f"{name}_sum{labels} {_number(series.value)}"
        yield f"{name}_count{labels} {total}"


def _number(value: float) -> str:
    text = repr(value)
    return _SPECIAL.get(text, text)
