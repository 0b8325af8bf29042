"""A finished span in a few words: ``POST /api/v1/prompts 200 74.9 ms``, ``llm gpt-4 321 tok $0.0096 66.8 ms``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from logagent.cli.times import NANO, duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from logagent.model import AttributeValue, Span

_SHORT_ID = 8
_CENT = 0.01
_MOST_DECIMALS = 12


def span_text(span: Span, arrow: str) -> str:
    """What the span was and how long it took; not yet safe for a terminal."""
    parts = _WRITERS.get(span.kind, _other)(span, arrow)
    took = duration_text((span.end_unix_nano - span.start_unix_nano) / NANO)
    parts.append(f"no end seen after {took}" if span.incomplete else took)
    return " ".join(parts)


def span_remark(span: Span) -> str:
    """What went wrong in the span, if anything did: the error's type and message."""
    if span.outcome not in ("failed", "error"):
        return ""
    kind = str(span.attributes.get("error.type") or "")
    message = span.status_message or str(span.attributes.get("error.message") or "")
    if kind == "_OTHER" or kind.isdigit() or message.startswith(kind):
        kind = ""
    return f"{kind}: {message}" if kind and message else kind or message


def short_id(context_id: str) -> str:
    """The first eight characters, as accepted wherever an id is asked for."""
    return context_id[:_SHORT_ID]


def cost_text(dollars: float) -> str:
    """An amount of money with two digits that matter: ``$0.0096``, ``$1.25``."""
    if not 0 < dollars < _CENT:
        return f"${dollars:.2f}"
    return f"${dollars:.{min(1 - math.floor(math.log10(dollars)), _MOST_DECIMALS)}f}"


def _request(span: Span, _: str) -> list[str]:
    found = span.attributes.get
    path = found("url.path") or found("http.route")
    method = found("http.request.method")
    if not path and not method:
        return _other(span, _)
    return _present(method, path, found("http.response.status_code"))


def _llm(span: Span, arrow: str) -> list[str]:
    found = span.attributes.get
    model = found("gen_ai.response.model") or found("gen_ai.request.model") or found("gen_ai.provider.name")
    tokens = _tokens(found, arrow)
    cost = found("gen_ai.usage.cost")
    money = cost_text(cost) if isinstance(cost, int | float) else None
    return _present("llm", model, tokens, money)


def _tokens(found: Callable[[str], AttributeValue | None], arrow: str) -> str | None:
    put_in, put_out = found("gen_ai.usage.input_tokens"), found("gen_ai.usage.output_tokens")
    if put_in is not None and put_out is not None:
        return f"{put_in}{arrow}{put_out} tok"
    total = next((one for one in (found("gen_ai.usage.total_tokens"), put_in, put_out) if one is not None), None)
    return None if total is None else f"{total} tok"


def _query(span: Span, _: str) -> list[str]:
    found = span.attributes.get
    operation, table = found("db.operation.name"), found("db.collection.name")
    what = _present(operation, table) or _present(found("db.query.summary") or found("db.query.text"))
    rows = found("db.response.returned_rows")
    return ["db", *what, *([] if rows is None else [f"{rows} rows"])]


def _other(span: Span, _: str) -> list[str]:
    return [span.kind, span.name] if span.name and span.name != span.kind else [span.kind]


def _present(*values: AttributeValue | None) -> list[str]:
    return [str(value) for value in values if value is not None and value != ""]


_WRITERS: dict[str, Callable[[Span, str], list[str]]] = {"request": _request, "llm": _llm, "query": _query}
