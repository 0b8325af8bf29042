"""Recording and alerting rules as Prometheus has them, and the YAML that it reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logagent.settings.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LONGEST_INTERVAL = 60.0
"""Seconds between two evaluations at most: a result is looked for in the last 5 minutes only, and long gaps lose it."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_PLAIN = re.compile(r"[ -~\n]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``expr`` is PromQL."""

    expr: str
    record: str = ""
    """Name of the series; empty for an alert."""
    alert: str = ""
    hold_seconds: float = 0.0
    keep_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""


@dataclass(slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other, at one time."""

    name: str
    interval_seconds: float
    rules: list[Rule] = field(default_factory=list)


def duration_text(seconds: float) -> str:
    """A duration as Prometheus writes it: whole milliseconds, one at least."""
    return format_duration(max(round(seconds, 3), 0.001))


def yaml_of(groups: Iterable[RuleGroup], head: Sequence[str]) -> str:
    """The rule file; ``head`` are the lines of its first comment."""
    lines = [*(f"# {line}".rstrip() for line in head), "groups:"]
    for group in groups:
        lines.append(f"  - name: {quoted(group.name)}")
        lines.append(f"    interval: {duration_text(group.interval_seconds)}")
        lines.append("    rules:")
        for rule in group.rules:
            lines += _rule(rule)
    return "\n".join(lines if len(lines) > len(head) + 1 else [*lines[:-1], "groups: []"]) + "\n"


def _rule(rule: Rule) -> Iterator[str]:
    if rule.comment:
        yield f"      # {_one_line(rule.comment)}"
    yield f"      - record: {quoted(rule.record)}" if rule.record else f"      - alert: {quoted(rule.alert)}"
    yield from _text("expr", rule.expr)
    if rule.hold_seconds:
        yield f"        for: {duration_text(rule.hold_seconds)}"
    if rule.keep_seconds:
        yield f"        keep_firing_for: {duration_text(rule.keep_seconds)}"
    for key, table in (("labels", rule.labels), ("annotations", rule.annotations)):
        if table:
            yield f"        {key}:"
            yield from (f"          {name}: {quoted(text)}" for name, text in table.items())


def _text(key: str, text: str) -> Iterator[str]:
    """Several lines as a literal block, where nothing in them needs an escape."""
    if "\n" not in text or not _PLAIN.fullmatch(text):
        yield f"        {key}: {quoted(text)}"
        return
    yield f"        {key}: |-"
    yield from (f"          {line}" for line in text.splitlines())


def quoted(text: str) -> str:
    """A double-quoted scalar: JSON's escapes are YAML's."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return quoted(" ".join(text.split()))[1:-1]
