from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from alert_samples import PlainDialect
from hypothesis import given
from hypothesis import strategies as st
from rule_conditions import FIELDS, conditions, events

from logagent.alerting import compiling
from logagent.alerting.compiling import Watch, compile_watches
from logagent.alerting.state import label_text
from logagent.expr import compile_condition, compile_value, parse
from logagent.expr import index as index_module
from logagent.fields import resolve_failure, resolve_record, resolve_span
from logagent.model import Failure, LogRecord, Resource, Span

RESOURCE = Resource("shop")
RESOLVE = {"span": resolve_span, "log": resolve_record, "error": resolve_failure}


class Drawn(NamedTuple):
    """A rule as it is drawn."""

    source: str
    where: str
    value: str
    by: tuple[str, ...]


def drawn(sources: list[str]) -> st.SearchStrategy[Drawn]:
    fields = st.sampled_from(FIELDS)
    by = st.lists(fields, max_size=2).map(tuple)
    return st.builds(
        Drawn, st.sampled_from(sources), st.one_of(conditions, st.just("")), st.one_of(fields, st.just("")), by
    )


def span(fields: dict[str, Any], kind: str) -> Span:
    return Span(kind, "1", "GET", 2, 10**18, 10**18 + 5, fields, RESOURCE)


def record(fields: dict[str, Any]) -> LogRecord:
    return LogRecord(5, 1, 9, "", "body", "app", fields, PlainDialect(), RESOURCE, "r", "s")  # type: ignore[arg-type]


class Reactions:
    """What rules did, in order."""

    def __init__(self, rules: list[Drawn]) -> None:
        self.rules = rules
        self.seen: list[tuple[object, ...]] = []
        self.failed: list[str] = []

    def watches(self) -> list[Watch]:
        return [
            Watch(f"rule{number}", rule.source, rule.where, rule.value, rule.by, self._reaction(number))
            for number, rule in enumerate(self.rules)
        ]

    def _reaction(self, number: int) -> compiling.React:
        return lambda event, time, value, key: self.seen.append((number, id(event), time, repr(value), key))

    def indexed(self, items: list[Any], about: str, fewest: int) -> list[tuple[object, ...]]:
        """What they do; ``fewest`` conditions are worth a look-up."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index_module, "FEWEST", fewest)
            look = compile_watches(self.watches(), about, self.failed.append)
        assert look is not None
        look(items)
        return self.seen

    def one_by_one(self, items: list[Any], about: str) -> list[tuple[object, ...]]:
        """What they should do: each rule by itself on each event, without any index."""
        resolve = RESOLVE[about]
        outgoing = compiling._OUTGOING[about]
        found: list[tuple[object, ...]] = []
        for item in items:
            for number, rule in enumerate(self.rules):
                if rule.source not in (about, getattr(item, "kind", about)):
                    continue
                if rule.where and not compile_condition(parse(rule.where), resolve)(item):
                    continue
                value = compile_value(parse(rule.value), resolve)(item) if rule.value else None
                parts = [compile_value(parse(text), outgoing)(item) for text in rule.by]
                key = tuple(part if isinstance(part, str) else label_text(part) for part in parts)
                found.append((number, id(item), 10**18 + 5 if about == "span" else 5, repr(value), key))
        return found


@given(
    st.lists(drawn(["span", "query", "llm"]), min_size=1, max_size=16),
    st.lists(st.tuples(events, st.sampled_from(["query", "llm", "tool"])), max_size=8),
    st.sampled_from([1, 4]),
)
def test_indexed_rules_react_to_spans_as_each_would_by_itself(
    rules: list[Drawn], found: list[tuple[dict[str, Any], str]], fewest: int
) -> None:
    reactions = Reactions(rules)
    items = [span(fields, kind) for fields, kind in found]
    assert reactions.indexed(items, "span", fewest) == reactions.one_by_one(items, "span")
    assert reactions.failed == []


@pytest.mark.parametrize("about", ["log", "error"])
@given(data=st.data())
def test_indexed_rules_react_to_records_and_failures_as_each_would_by_itself(about: str, data: st.DataObject) -> None:
    reactions = Reactions(data.draw(st.lists(drawn([about]), min_size=1, max_size=16)))
    records = [record(fields) for fields in data.draw(st.lists(events, max_size=8))]
    items = [Failure(5, "KeyError", "x", "app", one) for one in records] if about == "error" else records
    assert reactions.indexed(items, about, data.draw(st.sampled_from([1, 4]))) == reactions.one_by_one(items, about)
    assert reactions.failed == []


def test_reactions_come_in_the_order_of_the_rules_whatever_they_are_found_by() -> None:
    wheres = ['a == "1"', 'startswith(b, "x")', "", "d > 5", 'a != "2"', 'a == "1"', "has(a)", "d > 7", "d <= 9"]
    rules = [Drawn("query", where, "", ()) for where in wheres]
    more = [Drawn("query", f'a == "o{number}" or d > {number + 100} or b == "z"', "", ()) for number in range(50)]
    more += [Drawn("query", f'{name} == "o{number}"', "", ()) for number in range(50) for name in ("a", "b")]
    reactions = Reactions([*more, *rules])
    look = compile_watches(reactions.watches(), "span", reactions.failed.append)
    assert look is not None
    look([span({"a": "1", "b": "xy", "d": 8}, "query")] * 2)
    assert [number - len(more) for number, *_ in reactions.seen] == [*range(9), *range(9)]


def test_a_condition_that_many_rules_have_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    real = compiling.condition_source

    def counted(expression: Any, resolve: Any, names: dict[str, object]) -> str:
        names["tried"] = tried
        return f"(tried.append(1) or {real(expression, resolve, names)})"

    monkeypatch.setattr(compiling, "condition_source", counted)
    reactions = Reactions([Drawn("query", "has(a)", "", ()) for _ in range(20)])
    look = compile_watches(reactions.watches(), "span", reactions.failed.append)
    assert look is not None
    look([span({"a": 1}, "query"), span({}, "query")])
    assert len(tried) == 2
    assert len(reactions.seen) == 20


def test_a_thousand_rules_cost_an_event_only_those_that_can_match_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    real = compiling.condition_source

    def counted(expression: Any, resolve: Any, names: dict[str, object]) -> str:
        names["tried"] = tried
        return f"(tried.append({expression.text!r}) or {real(expression, resolve, names)})"

    monkeypatch.setattr(compiling, "condition_source", counted)
    wheres = [f'not incomplete and db.collection.name == "t{number}" and duration > 1s' for number in range(1000)]
    reactions = Reactions([Drawn("query", where, "duration", ()) for where in wheres])
    look = compile_watches(reactions.watches(), "span", reactions.failed.append)
    assert look is not None
    look([span({"db.collection.name": name}, "query") for name in ("t3", "t999", "t1000", ["t3"], None)])
    assert tried == [wheres[3], wheres[999]]


@pytest.mark.parametrize("part", ["where", "value", "by"])
def test_a_rule_whose_part_cannot_be_worked_out_is_counted_and_no_other_suffers(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = lambda name: "1 / 0" if name == "d" else resolve_span(name)  # noqa: E731 - given twice
    monkeypatch.setitem(compiling._RESOLVERS, "span", resolve)
    monkeypatch.setitem(compiling._OUTGOING, "span", resolve)
    broken = Drawn("query", "d == 5" if part == "where" else "", "d" * (part == "value"), ("d",) * (part == "by"))
    reactions = Reactions([Drawn("query", "", "a", ()), *[broken] * 10, Drawn("query", 'a == "x"', "a", ())])
    look = compile_watches(reactions.watches(), "span", reactions.failed.append)
    assert look is not None
    look([span({"a": "x"}, "query")])
    assert reactions.failed == [f"rule{number}" for number in range(1, 11)]
    assert [number for number, *_ in reactions.seen] == [0, 11]
