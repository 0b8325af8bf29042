"""The states of an alert whose condition is looked at again and again: inactive → pending → firing → inactive.

The semantics are Prometheus's: ``for`` runs from the first true instant and one false instant ends it;
``keep_firing_for`` runs from the first false instant. Instants without data stop both clocks.
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
    false_since: int = 0
    """First of the unbroken false instants of a firing alert; 0 while it is true."""
    seen: int = 0
    """The instant of the last step."""

    def step(self, time: int, patience: Patience, *, holds: bool | None) -> AlertState | None:
        """Take the condition at an instant (None: no data); give the state that begins there, None where none does.

        RESOLVED is the end of a firing alert. The end of a pending one is told to nobody.
        """
        idle, self.seen = time - self.seen, time
        if holds is None:
            self._wait(idle)
            return None
        if holds:
            return self._hold(time, patience)
        return self._release(time, patience)

    def _wait(self, idle: int) -> None:
        if self.state is AlertState.PENDING:
            self.true_since += idle
        elif self.state is AlertState.FIRING and self.false_since:
            self.false_since += idle

    def _hold(self, time: int, patience: Patience) -> AlertState | None:
        before, self.false_since = self.state, 0
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
        self.false_since = self.false_since or time
        if time - self.false_since < patience.keep:
            return None
        self.state, self.false_since = None, 0
        return AlertState.RESOLVED

    def due(self, patience: Patience) -> int | None:
        """When the state would change by itself if the condition stayed as it is; None where it would not.

        Between now and then no step is needed while neither the condition changes nor data is missing.
        """
        if self.state is AlertState.PENDING:
            return self.true_since + patience.hold
        if self.state is AlertState.FIRING and self.false_since:
            return self.false_since + patience.keep
        return None

    def pack(self) -> list[int | str | None]:
        """What the ledger keeps: scalars only."""
        state = self.state.value if self.state else None
        return [state, self.true_since, self.firing_since, self.false_since, self.seen]

    @classmethod
    def unpack(cls, packed: list[int | str | None]) -> Lifecycle:
        """Take back what ``pack`` gave. Raises ValueError or TypeError where it is none."""
        state, *times = packed
        true_since, firing_since, false_since, seen = (int(time) for time in times if time is not None)
        return cls(AlertState(state) if state else None, true_since, firing_since, false_since, seen)
