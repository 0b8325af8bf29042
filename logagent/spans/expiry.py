"""Time: which spans it closes, by the clocks of their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logagent.spans.builder import Builder
    from logagent.spans.open import OpenSpan, StreamClock

_NEVER = 2**63


def _by_deadline(span: OpenSpan) -> tuple[int, int]:
    return span.deadline, span.order


def sweep(builder: Builder, clock: StreamClock) -> None:
    """Closes the log's spans whose time is over, in the order of their deadlines."""
    now = clock.now
    mine = [span for span in builder.spans() if span.clock is clock]
    for span in sorted((span for span in mine if span.deadline < now), key=_by_deadline):
        builder.time_out(span)
    clock.due = min((span.deadline for span in mine if span.deadline >= now), default=_NEVER) + 1


def tick(builder: Builder, now: int) -> None:
    """Wall time has come to ``now``: the clocks of logs go on, from where their last lines left them."""
    for clock in builder.clocks.values():
        if clock.observed and now > clock.observed:
            clock.now = (clock.now or clock.observed) + now - clock.observed
            clock.observed = now
            if clock.now >= clock.due:
                sweep(builder, clock)


def close_all(builder: Builder) -> None:
    """Closes whatever is open, as of the last dated line of its log."""
    for span in sorted(builder.spans(), key=_by_deadline):
        builder.close(span, span.ended or max(span.opened, span.clock.told), incomplete=not span.ended)
