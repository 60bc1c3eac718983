"""gunicorn's threaded worker: clients cannot keep its threads, and its threads wait a moment for clients.

A thread sends and receives with blocking calls, so a client that stops reading, or never ends its request,
would have the thread for ever. Here every client's socket has a clock: too few bytes for the time that was
spent waiting for the client, and the connection is reset.

gunicorn's main thread waits for the next request of every connection and hands it to a thread, which takes
as long as many a request does. A viewer asks for one frame after the other, so a thread that has answered
waits for the next request itself, for a moment, as long as there are threads enough for others.
"""

import array
import errno
import fcntl
import select
import socket
import struct
import termios
import threading
import time
from dataclasses import dataclass
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from dicomhub.environment import read_environment
from dicomhub.log import logger

_FOLLOWS_MILLISECONDS = 100


class WebWorker(ThreadWorker):
    def init_process(self) -> None:
        web = read_environment().web
        self._stall_seconds, self._least_rate = web.stall_seconds, web.min_bytes_per_second
        self._may_wait = threading.Semaphore(self.cfg.threads // 2)
        super().init_process()  # type: ignore[no-untyped-call]

    def handle(self, conn: TConn) -> Any:
        """Serve a connection's requests, as long as they follow each other closely. Runs in a thread."""
        while True:
            is_kept = super().handle(conn)  # type: ignore[no-untyped-call]
            if is_kept is not True or not self._next_request_follows(conn):
                return is_kept

    def _next_request_follows(self, conn: TConn) -> bool:
        assert conn.parser is not None
        if conn.parser.unreader.buf.getvalue():
            return True  # it came with the last one's body
        if not self.alive or not self._may_wait.acquire(blocking=False):
            return False
        try:
            following = select.poll()
            following.register(conn.sock, select.POLLIN)
            return bool(following.poll(_FOLLOWS_MILLISECONDS))
        finally:
            self._may_wait.release()

    def enqueue_req(self, conn: TConn) -> None:
        """Called for a connection whenever there is something to read from it."""
        if not isinstance(conn.sock, ClockedSocket):
            conn.sock = ClockedSocket(conn.sock, self._stall_seconds, self._least_rate)
        super().enqueue_req(conn)  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class _Clock:
    """What came of waiting so far; judged once each stall_seconds of it."""

    waited_seconds: float = 0.0
    bytes_before: int = 0

    def is_too_slow(self, waited_seconds: float, total_bytes: int, least: tuple[float, float]) -> bool:
        """total_bytes: of the connection. least: the seconds to wait for, and bytes for each of them."""
        self.waited_seconds += waited_seconds
        stall_seconds, rate = least
        if self.waited_seconds < stall_seconds:
            return False
        is_slow = total_bytes - self.bytes_before < rate * self.waited_seconds
        self.waited_seconds, self.bytes_before = 0.0, total_bytes
        return is_slow


class ClockedSocket(socket.socket):
    """A connection that is reset when its client is too slow, which its user sees as ECONNRESET.

    A client may keep a blocking call waiting for up to twice stall_seconds.
    """

    def __init__(self, sock: socket.socket, stall_seconds: float, least_rate: float) -> None:
        timeout_seconds = sock.gettimeout()
        super().__init__(fileno=sock.detach())
        self.settimeout(timeout_seconds)
        self._least = (stall_seconds, least_rate)
        self._sending, self._receiving = _Clock(), _Clock()
        self._sent_bytes = self._received_bytes = 0
        # Blocking calls come back after this long, with what they have done by then.
        seconds, microseconds = divmod(int(stall_seconds * 1e6), 1_000_000)
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            self.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, microseconds))

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.gettimeout() is not None:
            return super().sendall(data, flags)
        view = memoryview(data)
        while view:
            began_at = time.monotonic()
            try:
                sent_bytes = self.send(view, flags)
            except BlockingIOError:
                sent_bytes = 0
            view = view[sent_bytes:]
            self._sent_bytes += sent_bytes
            waited_seconds = time.monotonic() - began_at
            if self._sending.is_too_slow(waited_seconds, self._taken_bytes(), self._least):
                self._reset("sending")
        return None

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self.gettimeout() is not None:
            return super().recv(size, flags)
        while True:
            began_at = time.monotonic()
            try:
                data = super().recv(size, flags)
            except BlockingIOError:
                data = None
            self._received_bytes += len(data or b"")
            waited_seconds = time.monotonic() - began_at
            if self._receiving.is_too_slow(waited_seconds, self._received_bytes, self._least):
                self._reset("receiving")
            if data is not None:
                return data

    def _taken_bytes(self) -> int:
        """What the client has acknowledged; the kernel may hold megabytes more."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, waiting)
        return self._sent_bytes - waiting[0]

    def _reset(self, doing: str) -> None:
        """Not closed: that is its owner's to do. What the kernel still holds for the client is let go."""
        logger().warning("client_too_slow", doing=doing, sent_bytes=self._sent_bytes)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")
