"""Waiting for a condition, with a deadline that only what hangs reaches."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, what: str, seconds: float = 120.0) -> T:
    """Return the first true value of condition. Fails with `what` when that takes too long."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    return value
