"""Rule files of any size, of which the same ten rules match the benchmark's lines.

The rules are those that people write by the hundred: for an endpoint, a logger, a model, a table, a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_REQUESTS = """
[[metric]]
name = "endpoint_{n}_requests_total"
type = "counter"
help = "Requests to one endpoint."
from = "request"
where = 'not incomplete and endpoint == "{endpoint}"'
by = {{ code = "http.response.status_code" }}
"""
_CALLS = """
[[metric]]
name = "model_{n}_seconds"
type = "histogram"
unit = "seconds"
help = "How long one model takes."
from = "llm"
where = 'gen_ai.request.model == "{model}" and not error'
value = "duration"
by = {{ provider = "gen_ai.provider.name" }}
"""
_RECORDS = """
[[metric]]
name = "logger_{n}_records_total"
type = "counter"
help = "Records of one logger."
from = "log"
where = 'logger == "{logger}"'
by = {{ level = "level" }}
"""
_SLOW_QUERIES = """
[[metric]]
name = "table_{n}_slow_total"
type = "counter"
help = "Slow queries of one table."
from = "query"
where = 'db.collection.name in ["{table}", "{table}_archive"] and duration > 100ms'
by = {{ operation = "db.operation.name" }}
"""
_SLOW_REQUEST = """
[[alert]]
name = "SlowRequest{n}"
kind = "event"
from = "request"
where = "duration > {seconds}s"
by = ["endpoint"]
value = "duration"
repeat = "1h"
summary = "{{{{ labels.endpoint }}}} took {{{{ value | duration }}}}"
"""
_SLOW_QUERY = """
[[alert]]
name = "SlowQuery{n}"
kind = "event"
from = "query"
where = 'duration > 1s and db.collection.name == "{table}"'
value = "duration"
repeat = "1h"
summary = "a query took {{{{ value | duration }}}}"
"""
_ERRORS = """
[[alert]]
name = "Failing{n}"
kind = "count"
from = "log"
where = 'level >= "error" and logger == "{logger}"'
window = "5m"
above = 50
summary = "{{{{ value }}}} errors of one logger"
"""
_RATIO = """
[[alert]]
name = "ErrorRatio{n}"
kind = "ratio"
from = "request"
where = 'startswith(url.path, "{prefix}")'
bad = "http.response.status_code >= 500"
window = "5m"
above = 0.05
min_count = 50
summary = "{{{{ value | percent }}}} fail"
"""
_QUANTILE = """
[[alert]]
name = "SlowModel{n}"
kind = "quantile"
from = "llm"
where = 'gen_ai.request.model == "{model}"'
value = "duration"
quantile = 0.95
window = "10m"
above = "5s"
min_count = 30
summary = "P95 is {{{{ value | duration }}}}"
"""
_STATUS = """
[[metric]]
name = "status_{n}_total"
type = "counter"
help = "Answers of one status."
from = "request"
where = "http.response.status_code == {status}"
by = {{ endpoint = "endpoint" }}
"""
_KINDS = (
    _REQUESTS, _CALLS, _RECORDS, _SLOW_QUERIES, _SLOW_REQUEST, _SLOW_QUERY, _ERRORS, _RATIO, _QUANTILE, _STATUS,
)  # fmt: skip
MATCHING = len(_KINDS)
"""Rules in every file that match lines: one of each kind."""
_MATCHING = {
    "endpoint": "/api/v1/prompts",
    "model": "gpt-4o",
    "logger": "autoforge.llm",
    "table": "prompts",
    "seconds": "2",
    "prefix": "/api/v1/",
    "status": "500",
}
_TEXT_SEARCH = """
[[metric]]
name = "needle_{n}_total"
type = "counter"
help = "Lines that hold one text."
from = "log"
where = 'contains(message, "needle {n}")'
"""


def _other(number: int) -> dict[str, str]:
    """What no line of the benchmark has."""
    return {
        "endpoint": f"/service-{number}/things",
        "model": f"model-{number}",
        "logger": f"service.{number}",
        "table": f"table_{number}",
        "seconds": str(600 + number),
        "prefix": f"/service-{number}/",
        "status": str(1000 + number),
    }


def write_rules(path: Path, count: int, searches: int = 0) -> None:
    """Write ``count`` rules, and further ones that search the text of every line, which no index spares."""
    texts = ['version = 1\ngroup = "many"\n']
    for number in range(count):
        words = _MATCHING if number < MATCHING else _other(number)
        texts.append(_KINDS[number % MATCHING].format(n=number, **words))
    texts += [_TEXT_SEARCH.format(n=number) for number in range(searches)]
    path.write_text("".join(texts))
