"""How a child is told to stop: TERM, when its association is over; QUIT, at once."""

import os
import signal
from types import FrameType


class StopRequest:
    """What the supervisor wants of this child; its file descriptor becomes readable with every signal."""

    def __init__(self) -> None:
        self.is_retiring = False
        self.is_aborting = False
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._retire)
        signal.signal(signal.SIGQUIT, self._abort)
        # A terminal sends INT and HUP to all of us; what they mean for a child is for the supervisor to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def fileno(self) -> int:
        return self._reader

    def _retire(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_retiring = True

    def _abort(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_retiring = self.is_aborting = True
