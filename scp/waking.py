"""A pipe by which one process wakes another; what is in it says nothing more."""

import os
from contextlib import suppress

_PIPE_BYTES = 65536


class WakePipe:
    """Made before the fork and kept by all. Nobody ever waits to write: a full pipe says enough."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """The end that becomes readable."""
        return self._reader

    @property
    def writer(self) -> int:
        return self._writer

    def poke(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._writer, b".")

    def drain(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._reader, _PIPE_BYTES):
                pass
