"""Patience with a child that dies as soon as it is born."""

import time

_FIRST_SECONDS = 0.5
_MOST_SECONDS = 30.0


class Backoff:
    def __init__(self) -> None:
        self._failures = 0
        self._failed_at = 0.0
        self._ready_at = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ready_at

    def failed(self) -> float:
        """Note one more failure in a row; return for how many seconds not to try again."""
        seconds: float = min(_FIRST_SECONDS * 2**self._failures, _MOST_SECONDS)
        self._failures += 1
        self._failed_at = time.monotonic()
        self._ready_at = self._failed_at + seconds
        return seconds

    def succeeded(self, *, begun_at: float) -> None:
        """Note that what was begun then, on time.monotonic(), went well: what failed later still counts."""
        if begun_at > self._failed_at:
            self._failures = 0
