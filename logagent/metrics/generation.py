"""Writes the function that counts one source.

Its shape, for each item ``x`` of a batch::

    f0 = <field that several rules read>
    if <condition>:                      # once for all rules with the same condition
        l0 = <label that these rules use>
        v = <value>                      # looked at before a series is made
        s = find(labels); s.value += v; <mark s dirty>

A rule that raises is counted and does not stop the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from logagent.expr import condition_source, parse, source
from logagent.expr.tree import Constant, Expression, fields_of
from logagent.fields import ATTRIBUTES, NUMBERS, TEMPLATE_FIELDS, TEXTS, resolve_failure, resolve_record, resolve_span
from logagent.metrics.series import MetricType, label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from logagent.metrics.rules import MetricRule
    from logagent.metrics.series import Family

LARGEST_VALUE = 1e300
"""Values beyond it are skipped, so that no sum becomes infinite."""

_RESOLVERS = {"log": resolve_record, "error": resolve_failure}


def compile_source(
    name: str,
    rules: Sequence[MetricRule],
    families: Mapping[str, Family],
    errors: Counter[str],
    skipped: Counter[str],
) -> Callable[[Sequence[object]], None]:
    """Give a function that counts a batch of what the source ``name`` gives: records, failures or spans of a kind."""
    constants: dict[str, object] = {
        "errors": errors,
        "skipped": skipped,
        "label_text": label_text,
        "bisect_left": bisect_left,
    }
    text = "\n".join(_Writer(name, families, constants).function(rules))
    exec(text, constants)  # noqa: S102 - the source is our own, made from checked expressions
    function: Callable[[Sequence[object]], None] = constants.pop("count")  # type: ignore[assignment]  # exec has just defined it
    return function


class _Writer:
    """Writes one function; lines are indented by the caller's depth."""

    def __init__(self, name: str, families: Mapping[str, Family], constants: dict[str, object]) -> None:
        self._name = name
        self._families = families
        self._constants = constants
        self._resolve = _RESOLVERS.get(name, resolve_span)
        self._locals: dict[str, str] = {}
        self._times = "1"
        """Source of a number: how many items ``x`` stands for."""

    def function(self, rules: Sequence[MetricRule]) -> Iterator[str]:
        """Yield the lines of the whole function."""
        groups: dict[str, list[MetricRule]] = {}
        for rule in rules:
            groups.setdefault(rule.where, []).append(rule)
        yield "def count(batch):"
        if not groups:
            yield "    return"
            return
        if self._name == "log" and _of_templates(rules):
            # records of one template read the same: one is looked at for all of them
            self._constants |= {"Counter": Counter, "template_of": attrgetter("template")}
            self._times = "n"
            yield "    templates = list(map(template_of, batch))"
            yield "    some = dict(zip(templates, batch))"
            yield "    for t, n in Counter(templates).items():"
            yield "        x = some[t]"
        else:
            yield "    for x in batch:"
        yield from _indented(self._shared_fields(groups), 2)
        for where, group in groups.items():
            yield from _indented(self._group(where, group), 2)

    def _shared_fields(self, groups: Mapping[str, Sequence[MetricRule]]) -> Iterator[str]:
        """Read what is used more than once; a label that several rules of a group use is read once anyway."""
        if self._resolve is resolve_span:
            yield f"attributes = {ATTRIBUTES}"
        uses: Counter[str] = Counter()
        for where, group in groups.items():
            texts = {text for rule in group for text in rule.by.values()}
            for text in (where, *texts, *(rule.value_text for rule in group)):
                uses.update(field.name for field in (fields_of(parse(text).tree) if text else ()))
        for name, count in uses.items():
            if count > 1:
                local = f"f{len(self._locals)}"
                yield from _guarded([f"{local} = {self._source(name)}"], [f"{local} = None", self._failed(self._name)])
                self._locals[name] = local

    def _read(self, name: str) -> str:
        return self._locals.get(name) or self._source(name)

    def _source(self, name: str) -> str:
        text = self._resolve(name)
        return text.removeprefix("x.") if text.startswith(f"{ATTRIBUTES}.") else text

    def _group(self, where: str, rules: Sequence[MetricRule]) -> Iterator[str]:
        names = {text: f"l{position}" for position, text in enumerate(_labels(rules))}
        body = [line for text, name in names.items() for line in self._label(name, parse(text))]
        for rule in rules:
            body += _guarded(self._rule(rule, names), [self._failed(rule.name)])
        if where:
            condition = condition_source(parse(where), self._read, self._constants)
            body = [f"if {condition}:", *_indented(body, 1)]
        yield from _guarded(body, [self._failed(rule.name) for rule in rules])

    def _failed(self, rule: str) -> str:
        return f"errors[{rule!r}] += {self._times}"

    def _label(self, name: str, expression: Expression) -> Iterator[str]:
        if isinstance(expression.tree, Constant):
            yield f"{name} = {label_text(expression.tree.value)!r}"
            return
        text = source(expression, self._read, self._constants)
        yield f"{name} = {text}"
        if text not in TEXTS:
            yield f"if {name}.__class__ is not str and {name}.__class__ is not int: {name} = label_text({name})"

    def _rule(self, rule: MetricRule, names: Mapping[str, str]) -> Iterator[str]:
        value = parse(rule.value_text)
        if isinstance(value.tree, Constant):
            amount = float(value.tree.value or 0)
            yield from self._update(rule, names, repr(amount) if self._times == "1" else f"{amount!r} * {self._times}")
            return
        text = source(value, self._read, self._constants)
        lowest = -LARGEST_VALUE if rule.metric_type is MetricType.GAUGE else 0.0
        yield f"v = {text}"
        if text in NUMBERS:
            yield from self._update(rule, names, "v")
            return
        yield "if v is not None:"
        yield f"    if (v.__class__ is float or v.__class__ is int) and {lowest} <= v <= {LARGEST_VALUE}:"
        yield from _indented(self._update(rule, names, "v"), 2)
        yield "    else:"
        yield f"        skipped[{rule.name!r}] += 1"

    def _update(self, rule: MetricRule, names: Mapping[str, str], value: str) -> Iterator[str]:
        family = self._families[rule.name]
        labels = [names[rule.by[name]] if name in rule.by else repr(rule.labels[name]) for name in family.label_names]
        yield f"k = ({', '.join(labels)}{',' if len(labels) == 1 else ''})"
        yield f"s = {self._constant('get', rule, family.index.get)}(k)"
        times = "" if self._times == "1" else f", {self._times}"
        yield f"if s is None: s = {self._constant('find', rule, family.find)}(k{times})"
        if rule.metric_type is MetricType.HISTOGRAM:
            yield f"s.counts[bisect_left({self._constant('bounds', rule, family.buckets)}, {value})] += 1"
        yield f"s.value = {value} + 0.0" if rule.metric_type is MetricType.GAUGE else f"s.value += {value}"
        yield "if not s.dirty:"
        yield "    s.dirty = True"
        yield f"    {self._constant('mark', rule, family.dirty.append)}(s)"

    def _constant(self, what: str, rule: MetricRule, value: object) -> str:
        name = f"{what}_{rule.name}"
        self._constants[name] = value
        return name


def _of_templates(rules: Sequence[MetricRule]) -> bool:
    """Whether the rules only count records, by nothing but what all records of one template share."""
    texts = {text for rule in rules for text in (rule.where, *rule.by.values()) if text}
    names = {field.name for text in texts for field in fields_of(parse(text).tree)}
    counted = (isinstance(parse(rule.value_text).tree, Constant) for rule in rules)
    return names <= TEMPLATE_FIELDS and all(counted) and all(rule.metric_type is MetricType.COUNTER for rule in rules)


def _labels(rules: Sequence[MetricRule]) -> dict[str, None]:
    return {text: None for rule in rules for text in rule.by.values()}


def _guarded(lines: Iterable[str], otherwise: Iterable[str]) -> Iterator[str]:
    yield "try:"
    yield from _indented(lines, 1)
    yield "except Exception:"
    yield from _indented(otherwise, 1)


def _indented(lines: Iterable[str], depth: int) -> Iterator[str]:
    indent = "    " * depth
    return (indent + line for line in lines)
