"""The instants at which a rule decides: multiples of its interval since the epoch, each once, in order.

Instant *i* is the moment ``i * interval``. It decides about the events of pane *i*, those after instant *i* - 1 and not
after itself, and of as many panes before as its window has: the window is open at its beginning and closed at its end,
as Prometheus's range selectors are since version 3.
"""

from __future__ import annotations

from logagent.alerting.running import NEVER

LATEST = NEVER - 1
"""No later moment is decided about, in Unix nanoseconds (the year 2262): what the ledger's numbers can hold."""


class Instants:
    """Which instants a rule has decided, and which it can.

    Is an entry of the ledger: journal it after ``decide``. ``interval`` and ``lateness`` are nanoseconds.
    """

    __slots__ = ("decided", "dirty", "entry", "interval", "lateness")

    def __init__(self, interval: int, lateness: int, entry: str) -> None:
        self.interval = interval
        self.lateness = lateness
        self.entry = entry
        self.dirty = False
        self.decided: int | None = None
        """The last instant that was decided."""

    def index(self, time_unix_nano: int) -> int:
        """The first instant not before a moment: the one that decides about an event of that moment."""
        return -(-time_unix_nano // self.interval)

    def moment(self, index: int) -> int:
        """When an instant is, in Unix nanoseconds."""
        return index * self.interval

    def ripe(self, time_unix_nano: int) -> int:
        """The last instant that can be decided where no event before a moment is expected any more."""
        return (min(time_unix_nano, LATEST) - self.lateness) // self.interval

    @property
    def due(self) -> int:
        """The moment from which there is an instant to decide."""
        return 0 if self.decided is None else (self.decided + 1) * self.interval + self.lateness

    def is_decided(self, index: int) -> bool:
        """Whether an event that this instant decides about is late."""
        return self.decided is not None and index <= self.decided

    def pack(self) -> bytes:
        """The ledger's value: a decimal number."""
        return b"" if self.decided is None else str(self.decided).encode()

    def restore(self, data: bytes) -> None:
        """Take back what ``pack`` gave. Raises ValueError where it is none."""
        self.decided = int(data) if data else None
