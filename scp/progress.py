"""Whether a peer goes on fast enough with what it has begun: one byte now and then keeps it from stalling."""

import time

from scp.connection import TICK_SECONDS


class Progress:
    """Judged over whole periods in which one message, or one PDU, is waited for."""

    def __init__(self, *, period_seconds: float, min_bytes_per_second: int) -> None:
        """A peer may bring as little as it likes when min_bytes_per_second is 0."""
        self._period_seconds = period_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self._waited_seconds = 0.0
        self._asked_at = 0.0
        self._bytes_before: int | None = None  # of the connection, when the period began; None: it has not

    def begin_anew(self) -> None:
        """A message is complete: what it took is no concern of the next one."""
        self._bytes_before = None

    def waited(self, seconds: float) -> None:
        """All of this time was the peer's, beside what is found when next asked."""
        self._waited_seconds += seconds
        self._asked_at = time.monotonic()

    def is_too_slow(self, received_bytes: int, *, is_waiting_for_more: bool) -> bool:
        """To be asked once a tick, but for rests. received_bytes are all of the connection so far."""
        asked_before, self._asked_at = self._asked_at, time.monotonic()
        if not is_waiting_for_more:
            self._bytes_before = None
            return False
        if self._bytes_before is None:
            self._begin(received_bytes)
            return False
        # No receive waits for longer than a tick: what is beyond it is time that we took, to write for one.
        self._waited_seconds += min(self._asked_at - asked_before, TICK_SECONDS)
        if self._waited_seconds < self._period_seconds:
            return False
        # Nothing at all is a stall, whose timer counts from when our own work on the last bytes was done.
        is_slow = 0 < received_bytes - self._bytes_before < self._min_bytes_per_second * self._waited_seconds
        self._begin(received_bytes)
        return is_slow

    def _begin(self, received_bytes: int) -> None:
        self._waited_seconds = 0.0
        self._bytes_before = received_bytes
