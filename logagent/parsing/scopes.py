"""Within what the ids of a dialect are unique, as its definition says for each kind of span."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.shapes import Scope, Scopes

if TYPE_CHECKING:
    from logagent.parsing.definition import ParserDefinition, SpanDefinition


def request_scope(dialect: ParserDefinition) -> Scope:
    """The scope of request ids: that of the first span which is the root of its trace."""
    return next((Scope(span.scope) for span in dialect.span if span.kind == span.parent_kind), Scope.GLOBAL)


def scopes_of(span: SpanDefinition, dialect: ParserDefinition) -> Scopes | None:
    """The scopes of the ids on a span's lines; None where all are unique everywhere."""
    own = Scope(span.scope)
    by_kind = {known.kind: Scope(known.scope) for known in dialect.span}
    is_root = span.kind == span.parent_kind
    scopes = Scopes(
        own=own,
        request=own if is_root else request_scope(dialect),
        parent=by_kind.get(span.parent_kind, Scope.GLOBAL),
    )
    return None if scopes == _EVERYWHERE else scopes


_EVERYWHERE = Scopes(Scope.GLOBAL, Scope.GLOBAL, Scope.GLOBAL)
