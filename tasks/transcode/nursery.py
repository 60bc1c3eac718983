"""The parent's end of the process that codec processes are forked from."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tasks.transcode.wire import Birth

_ROOT: Final = Path(__file__).parents[2]
_NOISE_BYTES: Final = 65536
_BURYING_SECONDS: Final = 10.0


class Nursery:
    def __init__(self, work: str, *, memory_bytes: int, modules: Sequence[str]) -> None:
        """Start it; what is ordered of it meanwhile waits until it is ready. Raises OSError."""
        lifeline, self._lifeline = os.pipe()
        self._noise, noise = os.pipe()
        self._control, control = socket.socketpair()
        command = [sys.executable, "-m", "tasks.transcode.codec_process", str(control.fileno()), work]
        try:
            self._process = subprocess.Popen(
                [*command, str(memory_bytes), *modules],
                stdin=lifeline,
                stdout=noise,
                stderr=noise,
                pass_fds=[control.fileno()],
                cwd=_ROOT,
                start_new_session=True,
            )
        except OSError:
            self._close_descriptors()
            raise
        finally:
            os.close(lifeline)
            os.close(noise)
            control.close()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def bear(self, birth: Birth) -> None:
        """Have a codec process forked that takes these descriptors. Raises OSError."""
        birth.send(self._control)

    def last_words(self) -> str:
        """The last line that it has printed: why it could not start."""
        poll = select.poll()
        poll.register(self._noise, select.POLLIN)
        lines = os.read(self._noise, _NOISE_BYTES).splitlines() if poll.poll(0) else []
        return lines[-1].decode("utf-8", "backslashreplace") if lines else "it says nothing"

    def close(self) -> None:
        """Let it go when it has buried all that it has borne; it is killed when that takes long."""
        self._control.close()
        try:
            self._process.wait(_BURYING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_descriptors()

    def forget(self) -> None:
        """In a forked child: the process belongs to the parent, and so does its end."""
        self._process.returncode = 0  # nothing to wait for
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        self._control.close()
        os.close(self._noise)
        os.close(self._lifeline)
