"""The supervisor's signals: a handler queues, the loop is woken and asks."""

import signal
from collections import deque
from collections.abc import Iterator
from types import FrameType

from scp.waking import WakePipe

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class SignalQueue:
    def __init__(self) -> None:
        self._queue: deque[signal.Signals] = deque()
        self._pipe = WakePipe()
        for number in HANDLED:
            signal.signal(number, self._enqueue)
        signal.set_wakeup_fd(self._pipe.writer, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """Readable when there is something in the queue."""
        return self._pipe.fileno()

    def _enqueue(self, number: int, _frame: FrameType | None) -> None:
        self._queue.append(signal.Signals(number))

    def drain(self) -> Iterator[signal.Signals]:
        self._pipe.drain()
        while self._queue:
            yield self._queue.popleft()
