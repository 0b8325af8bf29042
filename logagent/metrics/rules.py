"""A ``[[metric]]`` of a rule file: its model, and everything that can be wrong with it."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from logagent.errors import Problem
from logagent.expr import Expression, ExpressionError, parse
from logagent.expr.tree import ANY, LIST, NUMBER, Constant, fields_of, kind
from logagent.fields import KNOWN_FIELDS, is_sensitive
from logagent.metrics.series import OVERFLOW, MetricType
from logagent.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Prometheus's default buckets, in seconds."""

SOURCES = ("log", "error", "span", "request", "llm", "query", "step", "tool", "agent")
"""What rules usually count; any other word is a span kind of a parser's own."""

_MAX_BUCKETS = 64
_MAX_LABELS = 16
_MAX_HELP = 400
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED_SUFFIXES = ("_bucket", "_sum", "_count", "_created", "_info")
_RESERVED_LABELS = {"le", "quantile"}


class MetricRule(BaseModel):
    """One metric rule: what it counts, and under which labels. Rules of one name feed one metric."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    name: str = Field(description="Name without the prefix; a counter's ends in _total")
    type: Literal["counter", "gauge", "histogram"] = Field(description="Kind of metric")
    help: str = Field(description="What it tells, in one sentence", max_length=_MAX_HELP)
    unit: str = Field(default="", description="Unit, which the name ends in: seconds, bytes, usd")
    source: str = Field(alias="from", description="log, error, span, or a kind of span")
    where: str = Field(default="", description="Condition that a record or span must meet")
    value: StrictStr | StrictInt | StrictFloat = Field(
        default="", description="What to add, set or observe; a counter adds 1 without it"
    )
    by: dict[str, str] = Field(default_factory=dict, description="Label → expression")
    labels: dict[str, str] = Field(default_factory=dict, description="Label → constant")
    buckets: tuple[float, ...] = Field(default=(), description="Upper bounds of a histogram, ascending")
    zero_init: tuple[dict[str, str], ...] = Field(default=(), description="Label sets to show before they occur")

    @property
    def metric_type(self) -> MetricType:
        """The type as the store knows it."""
        return MetricType(self.type)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in the order in which they are shown."""
        return (*self.by, *self.labels)

    @property
    def bounds(self) -> tuple[float, ...]:
        """A histogram's buckets, the default ones if it names none; empty for other types."""
        return (self.buckets or DEFAULT_BUCKETS) if self.type == "histogram" else ()

    @property
    def value_text(self) -> str:
        """The value's expression; ``1`` for a counter that has none."""
        return str(self.value) if self.value != "" else "1"

    @classmethod
    def read(cls, table: object, file: str, place: str) -> tuple[Self | None, list[Problem]]:
        """Give the rule of a decoded table, or None, and everything that is wrong with it."""
        try:
            rule = cls.model_validate(table)
        except ValidationError as error:
            return None, list(_structural_problems(error, file, place))
        found = problems(rule, file, place)
        return (None if found else rule), found


def problems(rule: MetricRule, file: str, place: str) -> list[Problem]:
    """Give everything that is wrong with a rule whose keys and types are right."""
    return _Inspection(rule, file, place).run()


def family_problems(rules: Sequence[tuple[MetricRule, str, str]]) -> list[Problem]:
    """Give what is wrong between rules, each with its file and place: one name with two meanings."""
    found = []
    first: dict[str, MetricRule] = {}
    shown: dict[str, str] = {}
    for rule, file, place in rules:
        other = first.setdefault(rule.name, rule)
        if other is rule:
            family = rule.name.removesuffix("_total")
            owner = shown.setdefault(family, rule.name)
            if owner != rule.name:
                message = f"{rule.name} and {owner} are one name in OpenMetrics"
                found.append(Problem(file, f"{place}.name", message, "rename one of them"))
            continue
        found += [
            Problem(file, f"{place}.{key}", f"{rule.name} has another {key} in another rule", f"{key} = {wanted}")
            for key, wanted, given in (
                ("type", other.type, rule.type),
                ("unit", other.unit, rule.unit),
                ("buckets", list(other.bounds), list(rule.bounds)),
                ("labels", sorted(other.label_names), sorted(rule.label_names)),
            )
            if wanted != given
        ]
    return found


def _structural_problems(error: ValidationError, file: str, place: str) -> Iterable[Problem]:
    keys = [info.alias or name for name, info in MetricRule.model_fields.items()]
    for detail in error.errors(include_url=False):
        where = ".".join([place, *(str(part) for part in detail["loc"])])
        message, hint = detail["msg"], ""
        if detail["type"] == "extra_forbidden":
            key = str(detail["loc"][-1])
            message, hint = f"unknown key `{key}`", did_you_mean(key, keys) or f"one of {', '.join(keys)}"
        elif detail["type"] == "missing":
            message, hint = "this key is missing", f"add {detail['loc'][-1]} = …"
        yield Problem(file, where, message[:1].lower() + message[1:], hint)


class _Inspection:
    """One look at one rule."""

    def __init__(self, rule: MetricRule, file: str, place: str) -> None:
        self._rule = rule
        self._file = file
        self._place = place
        self._found: list[Problem] = []

    def run(self) -> list[Problem]:
        """Look at everything."""
        self._check_name()
        self._check_source()
        self._check_unit()
        self._check_buckets()
        self._check_labels()
        self._check_value()
        self._check_zero_init()
        if self._rule.where:
            self._expression("where", self._rule.where)
        return self._found

    def _add(self, key: str, message: str, hint: str = "") -> None:
        self._found.append(Problem(self._file, f"{self._place}.{key}", message, hint))

    def _check_name(self) -> None:
        name, is_counter = self._rule.name, self._rule.type == "counter"
        if not _NAME.fullmatch(name):
            clean = re.sub(r"[^a-zA-Z0-9_]+", "_", name)
            self._add("name", f"{name!r} is no metric name: letters, digits and _ only", clean.lstrip("0123456789"))
        elif is_counter and not name.endswith("_total"):
            self._add("name", "the name of a counter ends in _total", f"{name}_total")
        elif not is_counter and name.endswith("_total"):
            self._add("name", f"only a counter's name ends in _total, and this is a {self._rule.type}")
        elif name.endswith(_RESERVED_SUFFIXES):
            self._add("name", f"_{name.rpartition('_')[2]} at the end of a name is Prometheus's own")
        elif name.startswith("logagent_"):
            self._add("name", "logagent_ begins the names of the agent's own metrics")

    def _check_source(self) -> None:
        source = self._rule.source
        if source in SOURCES:
            return
        near = did_you_mean(source, SOURCES, cutoff=0.8)
        if near or not _KIND.fullmatch(source):
            self._add("from", f"unknown source {source!r}", near or f"one of {', '.join(SOURCES)}")

    def _check_unit(self) -> None:
        rule = self._rule
        suffix = f"_{rule.unit}"
        if rule.unit and not rule.name.removesuffix("_total").endswith(suffix):
            ending = f"{suffix}_total" if rule.type == "counter" else suffix
            self._add("unit", f"the name does not end in its unit {rule.unit}", f"a name that ends in {ending}")

    def _check_buckets(self) -> None:
        buckets = self._rule.buckets
        if not buckets:
            return
        if self._rule.type != "histogram":
            self._add("buckets", f"a {self._rule.type} has no buckets", 'type = "histogram"')
        elif len(buckets) > _MAX_BUCKETS:
            self._add("buckets", f"at most {_MAX_BUCKETS} buckets")
        elif not all(map(math.isfinite, buckets)):
            self._add("buckets", "every bucket is finite; +Inf is added by itself", "leave it out")
        elif any(lower >= upper for lower, upper in itertools.pairwise(buckets)):
            self._add("buckets", "the buckets must ascend", str(sorted(set(buckets))))

    def _check_labels(self) -> None:
        rule = self._rule
        if len(rule.label_names) > _MAX_LABELS:
            self._add("by", f"at most {_MAX_LABELS} labels")
        for key, names in (("by", rule.by), ("labels", rule.labels)):
            for name in names:
                if not _NAME.fullmatch(name) or name.startswith("__") or name in _RESERVED_LABELS:
                    self._add(f"{key}.{name}", f"{name!r} cannot be a label's name", "letters, digits and single _")
        for name in rule.by.keys() & rule.labels.keys():
            self._add(f"labels.{name}", f"{name} is a label of `by` already", "rename one of them")
        for name, text in rule.by.items():
            expression = self._expression(f"by.{name}", text)
            if expression is not None and kind(expression.tree) == LIST:
                self._add(f"by.{name}", "a list is no label")

    def _check_value(self) -> None:
        rule = self._rule
        if rule.value == "":
            if rule.type != "counter":
                self._add("value", f"a {rule.type} needs a value", 'value = "duration"')
            return
        expression = self._expression("value", rule.value_text)
        if expression is None:
            return
        if kind(expression.tree) not in {NUMBER, ANY}:
            self._add("value", f"a value is a number, and this is {kind(expression.tree)}")
        elif isinstance(expression.tree, Constant) and float(expression.tree.value or 0) < 0 and rule.type != "gauge":
            self._add("value", f"a {rule.type} takes no negative value", 'type = "gauge"')

    def _check_zero_init(self) -> None:
        for position, values in enumerate(self._rule.zero_init):
            if values.keys() != self._rule.by.keys():
                wanted = ", ".join(self._rule.by) or "nothing"
                self._add(f"zero_init[{position}]", "every label of `by` needs a value, and no other", wanted)
            elif OVERFLOW in values.values():
                self._add(f"zero_init[{position}]", f"{OVERFLOW} is the overflow series' own")

    def _expression(self, key: str, text: str) -> Expression | None:
        try:
            expression = parse(text)
        except ExpressionError as error:
            self._add(key, f"column {error.column}: {error.message}", error.hint)
            return None
        self._check_fields(key, expression)
        return expression

    def _check_fields(self, key: str, expression: Expression) -> None:
        subject = self._rule.source if self._rule.source in {"log", "error"} else "span"
        known = KNOWN_FIELDS[subject]
        for field in fields_of(expression.tree):
            if field.name in known or field.quoted:
                continue
            cutoff = 0.92 if "." in field.name else 0.8
            near = nearest(field.name, known, cutoff) if subject == "span" else ""
            if near:
                message = f"column {field.column}: unknown field {field.name}"
                self._add(key, message, f'did you mean `{near}`? field("{field.name}") if it is really named so')
            elif subject != "span" and is_sensitive(field.name):
                self._add(key, f"column {field.column}: {field.name} names a secret, which no rule can read")
