"""The parent's end of one codec process. One thread at a time uses it; any may kill it."""

import os
import select
import socket
import threading
import time
from typing import Final

from dicomhub.log import logger
from tasks.transcode.failure import (
    CodecCrashed,
    CodecFailure,
    CodecOutOfMemory,
    CodecTimeout,
    CodecUnavailable,
)
from tasks.transcode.nursery import Nursery
from tasks.transcode.wire import EXIT_CODE, READY, Birth, Message, WireBroken, receive

# To start Python and import the codecs takes less than a second; on a machine that is very busy it may not.
_START_SECONDS: Final = 120.0
_NOISE_CHUNK_BYTES: Final = 65536
_NOISE_KEPT_BYTES: Final = 400
# What C++ programs say before they abort for want of memory.
_OUT_OF_MEMORY_WORDS: Final = ("bad_alloc", "out of memory", "cannot allocate memory")
# A process that waits for a disk that does not answer is killed only when that does.
_DYING_SECONDS: Final = 10.0
# The exit code of a process whose end nobody has seen.
_UNKNOWN_EXIT_CODE: Final = -9


class _ProcessEnded(Exception):
    pass


class _TooLate(Exception):
    pass


class CodecLink:
    def __init__(self, nursery: Nursery, *, max_answer_bytes: int) -> None:
        """Have a codec process forked; it is ready later. Raises OSError."""
        self.orders = 0
        self.is_spent = False
        self.nursery = nursery
        self.pid = 0  # known when it is ready
        self._max_bytes = max_answer_bytes
        self._printed = bytearray()
        self._ending = threading.Lock()
        self._connection, connection = socket.socketpair()
        self._noise, noise = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self._status, status = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._connection, select.POLLIN)
        self._poll.register(self._noise, select.POLLIN)
        try:
            nursery.bear(Birth(connection.fileno(), noise, lifeline, status))
        except OSError:
            self.forget()
            raise
        finally:
            connection.close()
            for descriptor in (noise, lifeline, status):
                os.close(descriptor)

    def is_alive(self) -> bool:
        """Whether a process that has nothing to do may be given an order."""
        return not self._has_news(0)

    def wait_until_ready(self) -> None:
        """Raises CodecUnavailable; the process is spent then."""
        if self.pid:
            return
        self.is_spent = True
        try:
            ready = self._receive(time.monotonic() + _START_SECONDS)
            self.pid = int(ready.body) if ready.name == READY else 0
        except (_ProcessEnded, WireBroken, OSError):
            pass
        except _TooLate:
            raise CodecUnavailable(f"no codec process was ready within {_START_SECONDS:g} s") from None
        self.is_spent = not self.pid
        if self.is_spent:
            raise CodecUnavailable(f"no codec process could be started: {self.nursery.last_words()}")

    def perform(self, order: Message, *, seconds: float) -> Message:
        """Raises CodecTimeout, CodecCrashed and CodecOutOfMemory; the process is spent then."""
        self.orders += 1
        self._printed.clear()
        deadline = time.monotonic() + seconds
        try:
            self._connection.settimeout(seconds)
            for buffer in order.buffers():
                self._connection.sendall(buffer)
            reply = self._receive(deadline)
        except (_TooLate, TimeoutError):
            self._exit_code()
            raise CodecTimeout(seconds, self._last_words()) from None
        except (_ProcessEnded, ConnectionError, WireBroken):
            raise self._death(self._exit_code()) from None
        except BaseException:  # whoever waits is interrupted: the order must not go on behind its back
            self._exit_code()
            raise
        else:
            self.is_spent = reply.is_last
            return reply
        finally:
            if self._printed:
                logger().debug("codec_noise", pid=self.pid, noise=self._last_words())

    def _death(self, exit_code: int) -> CodecFailure:
        noise = self._last_words()
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
            if self._noise in ready:
                self._drain_noise()
            if self._connection.fileno() in ready:
                return

    def _drain_noise(self) -> None:
        printed = os.read(self._noise, _NOISE_CHUNK_BYTES)
        if not printed:
            self._poll.unregister(self._noise)  # it has closed both streams, and may still answer
        self._printed += printed
        del self._printed[:-_NOISE_KEPT_BYTES]

    def _last_words(self) -> str:
        """The end of what it has printed since its order, shortened."""
        if any(descriptor == self._noise for descriptor, _ in self._poll.poll(0)):
            self._drain_noise()
        return " ".join(self._printed.decode("utf-8", "backslashreplace").split())

    def end(self) -> None:
        """Have the kernel kill the process, whatever it does. For any thread, any number of times."""
        with self._ending:
            if self._lifeline >= 0:
                os.close(self._lifeline)
                self._lifeline = -1

    def close(self) -> None:
        """End the process, and wait until it is gone."""
        self._exit_code()
        self.forget()

    def forget(self) -> None:
        """Let go of our end alone: in a forked child the process belongs to the parent."""
        self.end()
        self._connection.close()
        os.close(self._noise)
        os.close(self._status)

    def _exit_code(self) -> int:
        """End the process; how it had ended itself before, if it had."""
        self.is_spent = True
        self.end()
        told = os.read(self._status, EXIT_CODE.size) if self._has_news(_DYING_SECONDS) else b""
        return int(EXIT_CODE.unpack(told)[0]) if told else _UNKNOWN_EXIT_CODE

    def _has_news(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
