"""The states of an alert whose condition is looked at again and again: inactive → pending → firing → inactive.

The semantics are Prometheus's: ``for`` runs from the first true instant and one false instant ends it;
``keep_firing_for`` runs from the first false instant. Instants without data stop both clocks.

A step may be left out wherever the condition is as it was at the last one and nothing is ``due``: it would change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from logagent.model import AlertState


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a condition must hold, or not hold, before it tells. Nanoseconds."""

    hold: int = 0
    """``for``."""
    keep: int = 0
    """``keep_firing_for``."""


@dataclass(slots=True)
class Lifecycle:
    """The state of one group of one rule. Times are event times in Unix nanoseconds."""

    state: AlertState | None = None
    """PENDING or FIRING; None while inactive."""
    true_since: int = 0
    """First of the unbroken true instants; what ``for`` runs from."""
    firing_since: int = 0
    false_since: int | None = None
    """First of the unbroken false instants of a firing alert."""
    blind_since: int | None = None
    """First of the unbroken instants without data of a pending or firing alert."""

    def step(self, time: int, patience: Patience, *, holds: bool | None) -> AlertState | None:
        """Take the condition at an instant (None: no data); give the state that begins there, None where none does.

        RESOLVED is the end of a firing alert. The end of a pending one is told to nobody.
        """
        if holds is None:
            if self.state is not None and self.blind_since is None:
                self.blind_since = time
            return None
        if self.blind_since is not None:
            self._resume(time - self.blind_since)
        if holds:
            return self._hold(time, patience)
        return self._release(time, patience)

    def _resume(self, blind: int) -> None:
        """Leave the time without data out of what both clocks have run."""
        self.blind_since = None
        if self.state is AlertState.PENDING:
            self.true_since += blind
        elif self.false_since is not None:
            self.false_since += blind

    def _hold(self, time: int, patience: Patience) -> AlertState | None:
        before, self.false_since = self.state, None
        if before is AlertState.FIRING:
            return None
        if before is None:
            self.true_since = time
        if time - self.true_since < patience.hold:
            self.state = AlertState.PENDING
            return None if before else AlertState.PENDING
        self.state, self.firing_since = AlertState.FIRING, time
        return AlertState.FIRING

    def _release(self, time: int, patience: Patience) -> AlertState | None:
        if self.state is not AlertState.FIRING:
            self.state = None
            return None
        if self.false_since is None:
            self.false_since = time
        if time - self.false_since < patience.keep:
            return None
        self.state, self.false_since = None, None
        return AlertState.RESOLVED

    def due(self, patience: Patience) -> int | None:
        """When the state would change by itself if the condition stayed as it is; None where it would not.

        Between now and then no step is needed while neither the condition changes nor data is missing.
        """
        if self.blind_since is not None:
            return None
        if self.state is AlertState.PENDING:
            return self.true_since + patience.hold
        if self.false_since is not None:
            return self.false_since + patience.keep
        return None

    def pack(self) -> list[int | str | None]:
        """What the ledger keeps: scalars only."""
        state = self.state.value if self.state else None
        return [state, self.true_since, self.firing_since, self.false_since, self.blind_since]

    @classmethod
    def unpack(cls, packed: list[int | str | None]) -> Lifecycle:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        state, true_since, firing_since, false_since, blind_since = packed
        return cls(
            AlertState(state) if state else None,
            _time(true_since),
            _time(firing_since),
            None if false_since is None else _time(false_since),
            None if blind_since is None else _time(blind_since),
        )


def _time(packed: int | str | None) -> int:
    if isinstance(packed, bool) or not isinstance(packed, int):
        raise TypeError(packed)
    return packed
