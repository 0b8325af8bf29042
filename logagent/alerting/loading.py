"""Tables of rule files → checked rules, and every problem in them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from logagent.alerting.kinds import KINDS, TABLES
from logagent.alerting.rules import Budget, BurnRate, BurnRateAlert, NamedRule, Slo, Threshold
from logagent.errors import Problem
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
Make = Callable[[Place, str, str], Problem]
"""Makes a problem of a place in a file, a message and a hint."""
_Table = TypeVar("_Table", bound=BaseModel)

_OTHER_WORDS = {
    "expr": "`where`: a condition on one event",
    "condition": "`where`",
    "filter": "`where`",
    "match": "`where`",
    "group_by": "`by`",
    "realert": "`repeat`",
    "renotify": "`repeat`",
    "repeat_interval": "`repeat`",
    "keep_firing_for": "`resolve_after`",
    "message": "`summary`",
    "annotations": "`summary`, `description` and `runbook_url`",
    "measure": '`value`, such as value = "gen_ai.usage.cost"',
    "budget_duration": '`period`, such as period = "month"',
    "levels": "one rule for each `severity`",
    "threshold": "`above` or `below`, of an alert on a window",
    "gt": "`above`",
    "greater_than": "`above`",
    "num_events": "`above`, of the kind `count`",
    "lt": "`below`",
    "less_than": "`below`",
    "range": '`window`, such as window = "5m"',
    "timeframe": '`window`, such as window = "5m"',
    "evaluation_window": '`window`, such as window = "5m"',
    "every": "`interval`",
    "evaluation_interval": "`interval`",
    "pending_period": "`for`",
    "hysteresis": "`recover`",
    "recovery": "`recover`",
    "recovery_threshold": "`recover`",
    "min_samples": "`min_count`",
    "min_denominator": "`min_count`",
    "no_data_state": "`no_data`",
    "on_missing_data": "`no_data`",
    "buffer_time": "`allowed_lateness`",
    "query_delay": "`allowed_lateness`",
    "percentile": 'kind = "quantile" and quantile = 0.95',
    "good": "`bad`: the condition the other way round",
    "avg": 'kind = "mean"',
    "average": 'kind = "mean"',
    "frequency": 'kind = "count"',
    "cardinality": 'kind = "distinct"',
    "flatline": 'kind = "absence", or kind = "count" with `below`',
    "heartbeat": 'kind = "absence"',
    "spike": 'kind = "anomaly"',
    "seasonality": '`season`, such as season = "week"',
    "deviations": "`sensitivity`",
    "datapoints_to_alarm": "`datapoints`",
    "evaluation_periods": "`of`",
    "absent": 'kind = "absence"',
}
"""What authors of other systems' rules write → our word."""
_EXAMPLES = {
    "name": "letters, digits, `_`, `.` and `-`, beginning with a letter",
    "from": "log, error, span, request, llm, query or another kind of span",
    "severity": "a word in lower case, such as info, warning or critical",
    "currency": 'an ISO 4217 code such as "USD"',
}


_WITHIN: dict[tuple[type[BaseModel], str | int], type[BaseModel]] = {
    (Budget, "thresholds"): Threshold,
    (Budget, "burn_rates"): BurnRate,
    (Slo, "burn_rates"): BurnRateAlert,
}
"""Tables within rules, by the rule and the key that holds them."""


class RuleReader:
    """Collects the rules and the problems of all files; names are unique over all of them."""

    def __init__(self) -> None:
        self.rules: list[NamedRule] = []
        self.problems: list[Problem] = []
        self._files: dict[str, str] = {}

    def read(self, file: str, data: Mapping[str, Any], make: Make | None = None) -> None:
        """Take the tables of a file that hold rules. ``make`` makes a Problem of a place in it."""
        make = make or problem_maker(file)
        for name in TABLES:
            for index, table in enumerate(listed_tables(data, name, make, self.problems)):
                self._table(file, (name, index), table, make)

    def _table(self, file: str, at: Place, table: object, make: Make) -> None:
        try:
            model = _model(str(at[0]), table)
        except _KindError as error:
            self.problems.append(make((*at, "kind"), error.message, error.hint))
            return
        rule = read_table(model, at, table, make, self.problems)
        if rule is None:
            return
        if rule.name in self._files:
            message = f"`{rule.name}` is there already, in {self._files[rule.name]}"
            self.problems.append(make((*at, "name"), message, "a name of its own"))
            return
        self._files[rule.name] = file
        self.rules.append(rule)


def problem_maker(file: str) -> Make:
    """What makes a Problem of a place in a file."""
    return lambda place, message, hint: Problem(file, dotted(place), message, hint)


def listed_tables(data: Mapping[str, Any], key: str, make: Make, problems: list[Problem]) -> list[object]:
    """The tables that a file lists under a key; that it lists something else is a problem."""
    tables = data.get(key, [])
    if isinstance(tables, list):
        return tables
    problems.append(make((key,), f"`{key}` is a list of tables", f"[[{key}]]"))
    return []


def read_table(model: type[_Table], at: Place, table: object, make: Make, problems: list[Problem]) -> _Table | None:
    """What a table says; None where something in it is wrong, which becomes problems."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            within, message, hint = _problem(model, details)
            problems.append(make((*at, *within), message, hint))
    return None


class _KindError(Exception):
    """A table whose kind is not known, so that nothing else of it can be judged."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def _model(table: str, data: object) -> type[NamedRule]:
    """The model of a table, by its key ``kind`` where there are several."""
    models = {kind.word: kind.model for kind in KINDS if kind.table == table}
    if "" in models:
        return models[""]
    words = ", ".join(models)
    if not isinstance(data, dict) or "kind" not in data:
        raise _KindError("`kind` is missing", f"one of {words}")
    word = data["kind"]
    if not isinstance(word, str) or word not in models:
        raise _KindError(
            f"`{word}` is no kind of {table}",
            did_you_mean(str(word), models) or _OTHER_WORDS.get(str(word)) or f"one of {words}",
        )
    return models[word]


def dotted(place: Place) -> str:
    """``alert[0].where`` of keys and indexes."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _problem(model: type[BaseModel], details: ErrorDetails) -> tuple[Place, str, str]:
    """Place within the table, message and hint of one of pydantic's errors."""
    place, kind = details["loc"], details["type"]
    key = str(place[-1]) if place else ""
    context = details.get("ctx", {})
    if kind == "logagent":
        return place, context["message"], context["hint"]
    if kind == "extra_forbidden":
        return place, f"unknown key `{key}`", _unknown_key(model, place, key)
    if kind == "missing":
        return place, f"`{key}` is missing", _example(model, key)
    if kind == "literal_error":
        return place, f"`{details['input']}` is none of {context['expected']}", _nearest(details, context["expected"])
    if kind == "string_pattern_mismatch":
        return place, f"`{details['input']}` is no {key}", _example(model, key)
    message = details["msg"][:1].lower() + details["msg"][1:]
    return place, message.replace("input should", "it should"), _example(model, key)


def _unknown_key(model: type[BaseModel], place: Place, key: str) -> str:
    keys = _keys(_WITHIN.get((model, place[0]), model) if len(place) > 1 else model)
    return did_you_mean(key, keys) or _OTHER_WORDS.get(key, "") or f"one of {', '.join(keys)}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _nearest(details: ErrorDetails, expected: str) -> str:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    return did_you_mean(str(details["input"]), words) or expected


def _example(model: type[BaseModel], key: str) -> str:
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return _EXAMPLES.get(key) or f"{key} = {_toml((field.examples or [''])[0])}"
    return "the value that the documentation shows"


def _toml(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    return str(value)
