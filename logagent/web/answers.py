"""How the server answers: headers, JSON, numbers in a query, and the page's files."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "logagent",
}
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def encode(payload: object) -> bytes:
    """Give JSON; text with lone surrogates and integers beyond 64 bits, which logs can contain, too."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return json.dumps(payload, default=str).encode()


def answer_json(payload: object, status: int = 200) -> web.Response:
    """Give a JSON answer that is never cached."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=encode(payload), status=status, content_type="application/json", headers=headers)


def answer_error(status: int, message: str) -> web.Response:
    """Give an error as JSON."""
    return answer_json({"error": message}, status)


def integer(request: web.Request, name: str, default: int, highest: int) -> int:
    """Give a number from 0 to ``highest`` out of the query; raises HTTPBadRequest where it is something else."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004 - the digits of 64 bits
        raise web.HTTPBadRequest(text=f"{name} must be a whole number from 0 to {highest}\n")
    return min(int(text), highest)


class Asset:
    """A file of the page, kept in memory."""

    def __init__(self, name: str, body: bytes) -> None:
        self.body = body
        self.content_type = CONTENT_TYPES["." + name.rpartition(".")[2]]
        self.etag = hashlib.sha256(body).hexdigest()[:16]

    def answer(self, request: web.Request) -> web.Response:
        """Give the file, or tell the browser that it has it."""
        headers = {"Content-Type": self.content_type, "Cache-Control": "no-cache", "ETag": f'"{self.etag}"'}
        if any(tag.value == self.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        response = web.Response(body=self.body, headers=headers)
        response.enable_compression()
        return response


def load_assets() -> dict[str, Asset]:
    """Give the page's files by name."""
    return {
        entry.name: Asset(entry.name, entry.read_bytes())
        for entry in files("logagent.web").joinpath("static").iterdir()
    }
