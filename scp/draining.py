"""The end of the supervisor: who is told what, and when."""

import signal
import time

from dicomhub.log import logger
from scp.children import Children, Role

# From the order to abort until a child is killed, and what the dispatcher has to publish the last batches.
_ABORT_SECONDS = 1.5
_DISPATCHER_SECONDS = 2.0
_LAST = {Role.DISPATCHER, Role.METER}


class Draining:
    """Idle children go at once, busy ones when their association ends, is aborted, or they are killed.

    The dispatcher goes last, so that what came in last is still published. The journal has it otherwise.
    """

    tick_seconds = 0.1

    def __init__(self, drain_seconds: float) -> None:
        self._abort_at = time.monotonic() + drain_seconds
        self._kill_at: float | None = None  # known once the order to abort was given, however late that was
        self._dispatcher_until: float | None = None

    def hurry(self) -> None:
        """Abort now: somebody has asked twice."""
        self._abort_at = min(self._abort_at, time.monotonic())

    def advance(self, children: Children) -> None:
        serving = [child for child in children if child.role not in _LAST]
        for child in serving:
            child.retire()
        now = time.monotonic()
        if serving:
            if self._kill_at is not None:
                if now >= self._kill_at:
                    for child in serving:
                        child.kill()
            elif now >= self._abort_at:
                logger().warning("aborting_associations", children=len(serving))
                for child in serving:
                    child.send(signal.SIGQUIT)
                self._kill_at = time.monotonic() + _ABORT_SECONDS
        else:
            self._dismiss_dispatcher(children)

    def _dismiss_dispatcher(self, children: Children) -> None:
        now = time.monotonic()
        if self._dispatcher_until is None:
            self._dispatcher_until = now + _DISPATCHER_SECONDS
        for child in children:
            child.retire()
            if now >= self._dispatcher_until:
                child.kill()
