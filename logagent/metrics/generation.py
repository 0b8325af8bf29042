"""Writes the function that counts one source.

Its shape, for each item ``x`` of a batch::

    f0 = <field that several rules read>
    if <condition>:                      # once for all rules with the same condition
        l0 = <label that these rules use>
        v = <value>                      # looked at before a series is made
        s = find(labels); s.value += v; <mark s dirty>
    <look-ups>                           # bind plan: those of an index's conditions that this item may meet
    for attempt in plan: attempt(x)      # each a function of the shape above

A rule that raises is counted and does not stop the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from logagent.expr import condition_source, parse, source
from logagent.expr.index import Index
from logagent.expr.tree import Constant, Expression, fields_of
from logagent.fields import ATTRIBUTES, NUMBERS, TEMPLATE_FIELDS, TEXTS, resolve_failure, resolve_record, resolve_span
from logagent.metrics.series import MetricType, label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from logagent.metrics.rules import MetricRule
    from logagent.metrics.series import Family

    _Group = tuple[str, list[MetricRule]]
    """A condition and the rules that have it."""

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
    text = "\n".join(_Module(name, families, constants).function(rules))
    exec(text, constants)  # noqa: S102 - the source is our own, made from checked expressions
    function: Callable[[Sequence[object]], None] = constants.pop("count")  # type: ignore[assignment]  # exec has just defined it
    return function


class _Module:
    """Writes the function of one source, and those that it calls."""

    def __init__(self, name: str, families: Mapping[str, Family], constants: dict[str, object]) -> None:
        self._name = name
        self._families = families
        self._constants = constants
        self._plans = 0
        self._after: list[str] = []
        """Lines that follow the function."""

    def function(self, rules: Sequence[MetricRule]) -> Iterator[str]:
        """Yield all lines."""
        shared: list[MetricRule] = []
        others: list[MetricRule] = []
        for rule in rules:
            (shared if self._name == "log" and _is_of_templates(rule) else others).append(rule)
        yield "def count(batch):"
        if shared:
            # records of one template read the same: one is looked at for all of them
            self._constants |= {"Counter": Counter, "template_of": attrgetter("template")}
            yield "    templates = list(map(template_of, batch))"
            yield "    some = dict(zip(templates, batch))"
            yield "    for t, n in Counter(templates).items():"
            yield "        x = some[t]"
            yield from _indented(self._counting(shared, "n"), 2)
        if others:
            yield "    for x in batch:"
            yield from _indented(self._counting(others, "1"), 2)
        if not rules:
            yield "    return"
        yield from self._after

    def _counting(self, rules: Sequence[MetricRule], times: str) -> Iterator[str]:
        """What is done with one item, or with as many as ``times`` says that read the same."""
        shared: dict[str, list[MetricRule]] = {}
        ordered: list[_Group] = []
        rivals = _rivals(rules)
        for rule in rules:
            if rule.name in rivals:
                ordered.append((rule.where, [rule]))
            else:
                shared.setdefault(rule.where, []).append(rule)
        groups = [*shared.items(), *ordered]
        index = Index([parse(where) if where else None for where in shared] + [None] * len(ordered))
        writer = _Writer(self._name, self._families, self._constants, times)
        yield from writer.groups([groups[position] for position in index.others], index.fields)
        if not index.told:
            return
        plans, parameters = f"plans_{self._plans}", "x" if times == "1" else f"x, {times}"
        self._plans += 1
        yield from index.lookups(plans, writer.read, self._constants)
        yield f"for attempt in plan: attempt({parameters})"
        for position in index.told:
            own = _Writer(self._name, self._families, self._constants, times)
            self._after.append(f"def {plans}_{position}({parameters}):")
            self._after += _indented(own.groups([groups[position]], ()), 1)
        self._constants[f"of_{plans}"] = index.plans
        attempts = ", ".join(f"{position}: {plans}_{position}" for position in index.told)
        self._after.append(f"{plans} = of_{plans}({{{attempts}}})")


class _Writer:
    """Writes what is done with one item; lines are indented by the caller's depth."""

    def __init__(self, name: str, families: Mapping[str, Family], constants: dict[str, object], times: str) -> None:
        self._name = name
        self._families = families
        self._constants = constants
        self._resolve = _RESOLVERS.get(name, resolve_span)
        self._locals: dict[str, str] = {}
        self._times = times
        """Source of a number: how many items ``x`` stands for."""

    def groups(self, groups: Sequence[_Group], more: Iterable[str]) -> Iterator[str]:
        """Yield what the rules of some conditions do. ``more`` are fields that are read after that."""
        yield from self._shared_fields(groups, more)
        for where, rules in groups:
            yield from self._group(where, rules)

    def _shared_fields(self, groups: Sequence[_Group], more: Iterable[str]) -> Iterator[str]:
        """Read what is used more than once; a label that several rules of a group use is read once anyway."""
        if self._resolve is resolve_span:
            yield f"attributes = {ATTRIBUTES}"
        uses = Counter(more)
        for where, rules in groups:
            texts = {text for rule in rules for text in rule.by.values()}
            for text in (where, *texts, *(rule.value_text for rule in rules)):
                uses.update(field.name for field in (fields_of(parse(text).tree) if text else ()))
        for name, count in uses.items():
            if count > 1:
                local = f"f{len(self._locals)}"
                yield from _guarded([f"{local} = {self._source(name)}"], [f"{local} = None", self._failed(self._name)])
                self._locals[name] = local

    def read(self, name: str) -> str:
        """Source of a field, as the lines before have bound it."""
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
            condition = condition_source(parse(where), self.read, self._constants)
            body = [f"if {condition}:", *_indented(body, 1)]
        yield from _guarded(body, [self._failed(rule.name) for rule in rules])

    def _failed(self, rule: str) -> str:
        return f"errors[{rule!r}] += {self._times}"

    def _label(self, name: str, expression: Expression) -> Iterator[str]:
        if isinstance(expression.tree, Constant):
            yield f"{name} = {label_text(expression.tree.value)!r}"
            return
        text = source(expression, self.read, self._constants)
        yield f"{name} = {text}"
        if text not in TEXTS:
            yield f"if {name}.__class__ is not str and {name}.__class__ is not int: {name} = label_text({name})"

    def _rule(self, rule: MetricRule, names: Mapping[str, str]) -> Iterator[str]:
        value = parse(rule.value_text)
        if isinstance(value.tree, Constant):
            amount = float(value.tree.value or 0)
            yield from self._update(rule, names, repr(amount) if self._times == "1" else f"{amount!r} * {self._times}")
            return
        text = source(value, self.read, self._constants)
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


def _is_of_templates(rule: MetricRule) -> bool:
    """Whether a rule only counts records, by nothing but what all records of one template share."""
    if rule.metric_type is not MetricType.COUNTER or not isinstance(parse(rule.value_text).tree, Constant):
        return False
    texts = (text for text in (rule.where, *rule.by.values()) if text)
    return TEMPLATE_FIELDS.issuperset(field.name for text in texts for field in fields_of(parse(text).tree))


def _rivals(rules: Sequence[MetricRule]) -> set[str]:
    """Gauges that rules with different conditions set: their order decides, for the last one counts."""
    wheres: defaultdict[str, set[str]] = defaultdict(set)
    for rule in rules:
        if rule.metric_type is MetricType.GAUGE:
            wheres[rule.name].add(rule.where)
    return {name for name, conditions in wheres.items() if len(conditions) > 1}


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
