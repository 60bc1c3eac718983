"""The way into the archive that all threads of a web process share, with a thread that ends its batches.

One journal a process, however many requests: a thousand of one instance each must not be a thousand batches.
A batch ends when it is full or BATCH_MAX_SECONDS old, as the SCP's do, and when nothing has been stored for a
moment, as the SCP's do with their association.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dicomhub.environment import Environment
from dicomhub.intake.door import Intake
from dicomhub.intake.recovery import recover
from dicomhub.log import logger

QUIET_SECONDS = 0.5
_TICK_SECONDS = 0.1


class SharedIntake:
    """Belongs to one process; open it after the fork."""

    def __init__(self, environment: Environment) -> None:
        self._intake = Intake.open(environment, owner=f"web-{os.getpid()}")
        self._lock = threading.Lock()
        self._in_use = 0
        self._used_at = time.monotonic()
        self._was_used = threading.Event()
        threading.Thread(target=self._run, name="intake", daemon=True).start()
        atexit.register(self._intake.close)

    @contextmanager
    def in_use(self) -> Iterator[Intake]:
        """For the time of a request."""
        with self._lock:
            self._in_use += 1
        self._was_used.set()
        try:
            yield self._intake
        finally:
            with self._lock:
                self._in_use -= 1
                self._used_at = time.monotonic()

    def _run(self) -> None:
        try:
            # The process that this one stands in for may have been killed, and no dispatcher be on this host.
            recover(self._intake.store)
        except OSError as error:
            logger().error("journal_not_recovered", error=str(error))
        while True:
            self._was_used.wait()
            self._was_used.clear()
            while self._in_use or self._intake.next_deadline() is not None:
                time.sleep(_TICK_SECONDS)
                self._end_batch()

    def _end_batch(self) -> None:
        with self._lock:
            is_quiet = not self._in_use and time.monotonic() - self._used_at >= QUIET_SECONDS
        if is_quiet:
            self._intake.cut()
        else:
            self._intake.cut_if_due()


_shared: dict[Environment, SharedIntake] = {}
_sharing = threading.Lock()


def shared_intake(environment: Environment) -> SharedIntake:
    """The one that this process has by these settings."""
    with _sharing:
        if environment not in _shared:
            _shared[environment] = SharedIntake(environment)
        return _shared[environment]
