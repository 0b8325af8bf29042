"""Trace and span ids as functions of the data alone (the contract's identities)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logagent.model import Span

TRACE_SIZE = 16
SPAN_SIZE = 8
_CANONICAL, _BARE = 36, 32
_CACHE_SIZE = 4_096


def uuid_bytes(text: str) -> bytes:
    """The 16 bytes of a UUID written canonically or as 32 hex digits; empty for other text and for the nil UUID."""
    size = len(text)
    if size == _CANONICAL:
        if text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
            return b""
        text = text.replace("-", "")
    if len(text) != _BARE:
        return b""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return b""
    return raw if len(raw) == TRACE_SIZE and any(raw) else b""


def trace_id(namespace: str, scope: str, context_id: str) -> bytes:
    """16 bytes: the id's own where it is a UUID, else from SHA-256 over namespace, scope (if any) and id.

    Each part is followed by a zero byte. A scope belongs to ids that are unique only within it, so it goes into
    the hash even where such an id looks like a UUID.
    """
    if not scope and (raw := uuid_bytes(context_id)):
        return raw
    parts = (namespace, scope, context_id) if scope else (namespace, context_id)
    return sha256(_joined(parts)).digest()[:TRACE_SIZE]


def span_id(trace: bytes, service: str, kind: str, entity: str, process: str = "") -> bytes:
    """8 bytes of SHA-256 over the trace id's 16 bytes, service, kind and entity id, each followed by a zero byte.

    A process belongs to ids that are unique only within it, in a trace that several processes share. It comes before
    the id.
    """
    parts = (service, kind, process, entity) if process else (service, kind, entity)
    return sha256(trace + b"\0" + _joined(parts)).digest()[:SPAN_SIZE]


def _joined(parts: tuple[str, ...]) -> bytes:
    return b"".join([part.encode("utf-8", "replace") + b"\0" for part in parts])


class Identifier:
    """Gives spans their ids. Remembers the ids of recent requests, which their children need again."""

    def __init__(self) -> None:
        self._traces: dict[tuple[str, str, str], bytes] = {}
        self._parents: dict[tuple[bytes, str, str, str], bytes] = {}
        self._middles: dict[tuple[str, str], bytes] = {}
        """Service and kind → what stands between the trace id and the entity in what a span id is the hash of."""

    def identify(self, spans: list[Span]) -> None:
        """Sets trace, span and parent span id of each span that has none yet."""
        traces, parents = self._traces, self._parents
        for span in spans:
            resource = span.resource
            service = resource.service_name
            trace = span.trace_id
            if not trace:
                context = (resource.service_namespace, span.scope, span.request_id or span.id)
                trace = span.trace_id = traces.get(context) or self.trace(*context)
            parent_id = span.parent_id
            if not span.span_id:
                # a child that ended before has asked for its parent's id
                known = None if parent_id else parents.get((trace, service, span.kind, span.id))
                span.span_id = known or self._span(trace, service, span.kind, span.id)
            if parent_id and not span.parent_span_id:
                key = (trace, service, span.parent_kind, parent_id)
                span.parent_span_id = parents.get(key) or self._parent(key)

    def trace(self, namespace: str, scope: str, context_id: str) -> bytes:
        """The trace id of a context id, remembered."""
        key = (namespace, scope, context_id)
        found = self._traces.get(key)
        if found is None:
            if len(self._traces) >= _CACHE_SIZE:
                self._traces.clear()
            found = self._traces[key] = trace_id(namespace, scope, context_id)
        return found

    def _parent(self, key: tuple[bytes, str, str, str]) -> bytes:
        if len(self._parents) >= _CACHE_SIZE:
            self._parents.clear()
        found = self._parents[key] = self._span(*key)
        return found

    def _span(self, trace: bytes, service: str, kind: str, entity: str) -> bytes:
        """``span_id``, with what most spans have in common put together once."""
        middle = self._middles.get((service, kind))
        if middle is None:
            if len(self._middles) >= _CACHE_SIZE:
                self._middles.clear()
            middle = self._middles[service, kind] = b"\0" + _joined((service, kind))
        return sha256(trace + middle + entity.encode("utf-8", "replace") + b"\0").digest()[:SPAN_SIZE]
