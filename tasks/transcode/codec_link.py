"""The parent's end of one codec process. One thread at a time uses it; any may kill it."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dicomhub.log import logger
from tasks.transcode.failure import (
    CodecCrashed,
    CodecFailure,
    CodecOutOfMemory,
    CodecTimeout,
    CodecUnavailable,
)
from tasks.transcode.wire import READY, Message, WireBroken, receive

# To start Python and import the codecs takes less than a second; on a machine that is very busy it may not.
_START_SECONDS: Final = 120.0
_NOISE_CHUNK_BYTES: Final = 65536
_NOISE_KEPT_BYTES: Final = 400
# What C++ programs say before they abort for want of memory.
_OUT_OF_MEMORY_WORDS: Final = ("bad_alloc", "out of memory", "cannot allocate memory")
_ROOT: Final = Path(__file__).parents[2]


class _ProcessEnded(Exception):
    pass


class _TooLate(Exception):
    pass


class CodecLink:
    def __init__(self, work: str, *, memory_bytes: int, modules: Sequence[str]) -> None:
        """Start a codec process; it is ready later. Raises CodecUnavailable."""
        self.orders = 0
        self.is_spent = False
        self._is_ready = False
        self._max_bytes = memory_bytes
        self._noise = bytearray()
        try:
            self._start(work, memory_bytes, modules)
        except OSError as error:
            raise CodecUnavailable(f"a codec process cannot be started: {error}") from error

    def _start(self, work: str, memory_bytes: int, modules: Sequence[str]) -> None:
        lifeline_reader, self._lifeline = os.pipe()
        noise_reader, noise = os.pipe()
        self._noise_reader = noise_reader
        self._connection, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tasks.transcode.codec_process", str(theirs.fileno()), work]
        try:
            self._process = subprocess.Popen(
                [*command, str(memory_bytes), *modules],
                stdin=lifeline_reader,
                stdout=noise,
                stderr=noise,
                pass_fds=[theirs.fileno()],
                cwd=_ROOT,
                start_new_session=True,  # what a terminal sends to its foreground is for those who drain
            )
        except OSError:
            self._close_descriptors()
            raise
        finally:
            os.close(lifeline_reader)
            os.close(noise)
            theirs.close()
        self._poll = select.poll()
        self._poll.register(self._connection, select.POLLIN)
        self._poll.register(noise_reader, select.POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether a process that has nothing to do may be given an order."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Raises CodecUnavailable with what the process had to say."""
        if self._is_ready:
            return
        try:
            self._is_ready = self._receive(time.monotonic() + _START_SECONDS).name == READY
        except (_ProcessEnded, WireBroken):
            self.kill()
        except _TooLate:
            self.kill()
            raise CodecUnavailable(f"a codec process did not start within {_START_SECONDS:g} s") from None
        if not self._is_ready:
            raise CodecUnavailable(f"a codec process cannot start: {self._last_words()}")

    def perform(self, order: Message, *, seconds: float) -> Message:
        """Raises CodecTimeout, CodecCrashed and CodecOutOfMemory; the process is spent then."""
        self.orders += 1
        self._noise.clear()
        deadline = time.monotonic() + seconds
        try:
            self._connection.settimeout(seconds)
            for buffer in order.buffers():
                self._connection.sendall(buffer)
            reply = self._receive(deadline)
        except (_TooLate, TimeoutError):
            self.kill()
            raise CodecTimeout(seconds, self._last_words()) from None
        except (_ProcessEnded, OSError, WireBroken):
            self.kill()
            raise self._death() from None
        except BaseException:  # whoever waits is interrupted: the order must not go on behind its back
            self.kill()
            raise
        else:
            self.is_spent = reply.is_last
            return reply
        finally:
            if self._noise:
                logger().debug("codec_noise", pid=self.pid, noise=self._last_words())

    def _death(self) -> CodecFailure:
        noise = self._last_words()
        exit_code = self._process.returncode
        if any(words in noise.lower() for words in _OUT_OF_MEMORY_WORDS):
            return CodecOutOfMemory(f"an allocation failed, and the codec ended its process: {noise}")
        return CodecCrashed(exit_code, noise)

    def _receive(self, deadline: float) -> Message:
        return receive(lambda size: self._read_exactly(size, deadline), max_bytes=self._max_bytes)

    def _read_exactly(self, size: int, deadline: float) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            self._wait(deadline)
            received = self._connection.recv_into(view)
            if received == 0:
                raise _ProcessEnded
            view = view[received:]
        return buffer

    def _wait(self, deadline: float) -> None:
        """Until there is something to be read from the connection. Noise is drained meanwhile."""
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise _TooLate
            ready = [descriptor for descriptor, _ in self._poll.poll(remaining * 1000)]
            if self._noise_reader in ready:
                self._drain_noise()
            if self._connection.fileno() in ready:
                return

    def _drain_noise(self) -> None:
        noise = os.read(self._noise_reader, _NOISE_CHUNK_BYTES)
        if not noise:
            self._poll.unregister(self._noise_reader)  # it has closed both, and may still answer
        self._noise += noise
        del self._noise[:-_NOISE_KEPT_BYTES]

    def _last_words(self) -> str:
        """The end of what it has printed since its order, shortened."""
        if any(descriptor == self._noise_reader for descriptor, _ in self._poll.poll(0)):
            self._drain_noise()
        return " ".join(self._noise.decode("utf-8", "backslashreplace").split())

    def kill(self) -> None:
        """End the process, whatever it does, and wait for that. If it has ended itself, how stays known."""
        self.is_spent = True
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._close_descriptors()

    def forget(self) -> None:
        """In a forked child: the process belongs to the parent, and so does its end."""
        self._process.returncode = 0  # nothing to wait for
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        self._connection.close()
        os.close(self._noise_reader)
        os.close(self._lifeline)
