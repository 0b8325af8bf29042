"""What the sample application logs of its requests, LLM calls and queries: AutoForgeNexus's lines.

As there, LLM calls and queries carry neither a request's id nor a parent's.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web

from logagent.demo.dialect import ACCESS, SERVER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler

requests_log = logging.getLogger("autoforgenexus.observability")
llm_log = logging.getLogger("autoforgenexus.llm")
database_log = logging.getLogger("autoforgenexus.database")
monitoring_log = logging.getLogger("autoforgenexus.monitoring")

SLOW_MILLISECONDS = 1000.0
SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key", "x-auth-token"})
ENVIRONMENT = "development"
ERROR_STATUS = 400

Context = dict[str, object]


def timestamp() -> str:
    """Give the time in UTC, as the contexts write it."""
    return datetime.now(UTC).isoformat()


@web.middleware
async def observe_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log a request's start and its end or failure, its metric, and the access line."""
    context = _request_context(request)
    requests_log.info("Request started", extra={"context": dict(context)})
    start = time.time()
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.json_response({"detail": refusal.reason}, status=refusal.status)
    except Exception as error:  # noqa: BLE001 - a handler's bug is the request's failure, as in any web framework
        _error_metric(error)
        _note_failure(context, start, error)
        requests_log.exception("Request failed with exception", extra={"context": context})
        _access(request, "500 Internal Server Error")
        SERVER.exception("Exception in ASGI application")
        return web.json_response({"detail": "Internal Server Error"}, status=500)
    duration = (time.time() - start) * 1000
    _metric(
        logging.INFO,
        "Request metric",
        type="http_request",
        method=request.method,
        endpoint=request.path,
        status_code=response.status,
        duration_ms=duration,
    )
    context |= {
        "status_code": response.status,
        "duration_ms": duration,
        "response_headers": {"content-type": response.content_type},
    }
    if response.status < ERROR_STATUS:
        requests_log.info("Request completed successfully", extra={"context": context})
    else:
        requests_log.warning("Request completed with error", extra={"context": context})
    _access(request, f"{response.status} {response.reason or ''}".strip())
    response.headers["X-Request-ID"] = str(context["request_id"])
    return response


class Call:
    """An LLM call that is going on; its result is recorded when it is there."""

    def __init__(self, provider: str, model: str) -> None:
        self.id = str(uuid.uuid4())
        self._provider = provider
        self._model = model
        self._start = time.time()

    def record(self, text: str, tokens: int, cost_usd: float, metadata: Context) -> None:
        """Log what came back, after the call."""
        result = {"call_id": self.id, "response_length": len(text), "tokens_used": tokens, "cost_usd": cost_usd}
        llm_log.info("LLM response recorded", extra={"context": {**result, "metadata": metadata}})
        duration = (time.time() - self._start) * 1000
        _metric(
            logging.INFO,
            "LLM metric",
            type="llm_call",
            provider=self._provider,
            model=self._model,
            tokens_used=tokens,
            cost_usd=cost_usd,
            duration_ms=duration,
        )


@asynccontextmanager
async def track_llm_call(
    provider: str, model: str, prompt: str, user_id: str | None, session_id: str | None
) -> AsyncIterator[Call]:
    """Log an LLM call's start and its completion or failure."""
    call = Call(provider, model)
    context: Context = {
        "call_id": call.id,
        "provider": provider,
        "model": model,
        "user_id": user_id,
        "session_id": session_id,
        "timestamp": timestamp(),
        "prompt_length": len(prompt),
    }
    llm_log.info("LLM call started", extra={"context": dict(context)})
    start = time.time()
    try:
        yield call
    except Exception as error:
        _note_failure(context, start, error)
        llm_log.exception("LLM call failed", extra={"context": context})
        _error_metric(error, "LLM_")
        raise
    context["duration_ms"] = (time.time() - start) * 1000
    llm_log.info("LLM call completed", extra={"context": context})


@asynccontextmanager
async def track_query(operation: str, table: str, user_id: str | None) -> AsyncIterator[None]:
    """Log a query's start and its completion, slowness or failure."""
    context: Context = {
        "query_id": str(uuid.uuid4()),
        "operation": operation,
        "table": table,
        "user_id": user_id,
        "timestamp": timestamp(),
    }
    database_log.info("Database query started", extra={"context": dict(context)})
    start = time.time()
    try:
        yield
    except Exception as error:
        _note_failure(context, start, error)
        database_log.exception("Database query failed", extra={"context": context})
        _error_metric(error, "DB_")
        raise
    duration = context["duration_ms"] = (time.time() - start) * 1000
    if duration > SLOW_MILLISECONDS:
        database_log.warning("Slow database query detected", extra={"context": context})
    else:
        database_log.info("Database query completed", extra={"context": context})


def _note_failure(context: Context, start: float, error: Exception) -> None:
    context["duration_ms"] = (time.time() - start) * 1000
    context |= {"error": str(error), "error_type": type(error).__name__}


def _error_metric(error: Exception, prefix: str = "") -> None:
    kind = prefix + type(error).__name__
    _metric(logging.ERROR, "Error metric", type="error", error_type=kind, error_message=str(error), stack_trace=None)


def _metric(level: int, message: str, **values: object) -> None:
    metric = {"timestamp": timestamp(), **values, "environment": ENVIRONMENT}
    monitoring_log.log(level, message, extra={"metric": metric})


def _request_context(request: web.Request) -> Context:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {
        "request_id": str(uuid.uuid4()),
        "timestamp": timestamp(),
        "method": request.method,
        "path": request.path,
        "query_params": dict(request.query),
        "headers": {name: "[REDACTED]" if name in SECRET_HEADERS else value for name, value in headers.items()},
        "client_ip": headers.get("x-forwarded-for", request.remote),
        "user_agent": headers.get("user-agent"),
    }


def _access(request: web.Request, status: str) -> None:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    host, port = peer[:2] if peer else (request.remote, 0)
    ACCESS.info('%s:%s - "%s %s HTTP/1.1" %s', host, port, request.method, request.path_qs, status)
