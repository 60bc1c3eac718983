"""The timers of one association. PS3.8 9.1.5 knows ARTIM only, which never watches an established one."""

import time
from enum import Enum

from dicomhub.configuration.receiving import ScpSettings
from scp.progress import Progress

_NEVER = float("inf")
# How often a busy association looks at its timers, its signals and the journal. No more often than it has to:
# the express lane comes back to Python for it, whose caches are the colder the more associations there are.
_TICK_SECONDS = 0.25


class Timeout(Enum):
    ARTIM = "ARTIM"
    IDLE = "idle"  # nothing was asked of us for too long
    STALL = "stalled"  # a PDU or a message was begun and does not go on
    SLOW = "slow"  # it goes on, with next to nothing


class Timers:
    def __init__(self, settings: ScpSettings) -> None:
        self._artim_seconds = settings.artim_seconds
        self._idle_seconds = settings.idle_seconds
        self._stall_seconds = settings.stall_seconds
        self._artim_at = _NEVER
        self._heard_at = time.monotonic()
        self._tick_at = 0.0
        self._progress = Progress(
            period_seconds=settings.stall_seconds, min_bytes_per_second=settings.min_bytes_per_second
        )

    def is_tick_due(self) -> bool:
        """Whether it is time to look after everything but the peer's bytes. True once in a while only."""
        now = time.monotonic()
        if now < self._tick_at:
            return False
        self._tick_at = now + _TICK_SECONDS
        return True

    @property
    def tick_at(self) -> float:
        """When, on time.monotonic(), the next tick is due."""
        return self._tick_at

    def start_artim(self) -> None:
        self._artim_at = time.monotonic() + self._artim_seconds
        self._tick_at = 0.0  # it may expire before the next tick would come

    def stop_artim(self) -> None:
        self._artim_at = _NEVER
        self._heard_at = time.monotonic()

    def heard(self, at: float | None = None) -> None:
        """Bytes came, or were dealt with, or were answered: from then on it is the peer's turn."""
        self._heard_at = time.monotonic() if at is None else at

    def answered(self, at: float | None = None) -> None:
        """A message is complete and has its answer, at that moment on time.monotonic() or now."""
        self.heard(at)
        self._progress.begin_anew()

    def rested(self, seconds: float) -> None:
        """The peer was waited for, outside of any receive."""
        self._progress.waited(seconds)

    def deadline(self, *, is_waiting_for_more: bool) -> float:
        """When, on time.monotonic(), the next timer expires."""
        if self._artim_at != _NEVER:
            return self._artim_at
        return self._heard_at + (self._stall_seconds if is_waiting_for_more else self._idle_seconds)

    def expired(self, *, is_waiting_for_more: bool, received_bytes: int) -> Timeout | None:
        """What has come to its end, at this tick. received_bytes are all of the connection so far."""
        is_slow = self._progress.is_too_slow(received_bytes, is_waiting_for_more=is_waiting_for_more)
        if time.monotonic() < self.deadline(is_waiting_for_more=is_waiting_for_more):
            return Timeout.SLOW if is_slow and self._artim_at == _NEVER else None
        if self._artim_at != _NEVER:
            return Timeout.ARTIM
        return Timeout.STALL if is_waiting_for_more else Timeout.IDLE
