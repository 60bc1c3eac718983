"""A peer's connection: waiting, receiving and sending, each with an end. Knows bytes, no PDUs."""

import select
import socket
import struct
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

# A child that waits still has to say that it lives and to see that it shall stop.
TICK_SECONDS = 1.0
_TICK = struct.pack("ll", int(TICK_SECONDS), 0)  # a struct timeval
# Linux only; elsewhere the kernel acknowledges when it likes.
_TCP_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class Arrival(Enum):
    BYTES = "bytes"
    NOTHING = "nothing"
    CLOSED = "closed"


class ConnectionLost(Exception):
    """The peer went away, or does not take what is sent to it."""


def address_text(address: object) -> str:
    """An address as the socket module gives it, as host:port."""
    match address:
        case (str() as host, int() as port, *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return str(address)


class Connection:
    def __init__(
        self, accepted: socket.socket, *, send_seconds: float, beat: Callable[[], None] = lambda: None
    ) -> None:
        """What takes longer than a tick while we send calls beat: the peer may take nothing."""
        self._socket = accepted
        self._send_seconds = send_seconds
        self._beat = beat
        # What is waited for before more can be received, and when nothing could be sent.
        self._receive_wants, self._send_wants = select.POLLIN, select.POLLOUT
        # Blocking, and never for longer than a tick: one system call a receive, where poll would be another.
        accepted.setblocking(True)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TICK)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = select.poll()
        self._readable.register(accepted, select.POLLIN)
        self._acknowledge()

    @property
    def socket(self) -> socket.socket:
        """The accepted socket, for who sends and closes in our stead."""
        return self._socket

    def peer_address(self) -> tuple[str, int]:
        """Raises ConnectionLost when the peer has reset the connection."""
        try:
            host, port, *_ = self._socket.getpeername()
        except OSError as error:
            raise ConnectionLost(error.strerror or str(error)) from error
        return host, port

    @property
    def tls_version(self) -> str:
        """The version, "TLSv1.3" for one, or nothing without TLS."""
        return ""

    def rest(self, alarm: HasFileno, *, seconds: float) -> bool:
        """Wait longer than receive_into does, for bytes or the alarm; return whether there may be bytes."""
        either = select.poll()
        either.register(self._socket, self._receive_wants)
        either.register(alarm, select.POLLIN)
        return any(ready == self._socket.fileno() for ready, _ in either.poll(seconds * 1000))

    def receive_into(self, space: memoryview, *, until: float) -> tuple[Arrival, int]:
        """Wait until `until` on time.monotonic(), a tick at most, for bytes; return how many came."""
        wait_seconds = until - time.monotonic()
        if wait_seconds < TICK_SECONDS and not self._readable.poll(max(0.0, wait_seconds) * 1000 + 1):
            return Arrival.NOTHING, 0
        try:
            received = self._socket.recv_into(space)
        except BlockingIOError:
            return Arrival.NOTHING, 0
        except OSError:  # reset by the peer, or timed out by the kernel
            return Arrival.CLOSED, 0
        if not received:
            return Arrival.CLOSED, 0
        return Arrival.BYTES, received

    def _acknowledge(self) -> None:
        """Have the kernel acknowledge what comes at once.

        A sender with Nagle's algorithm on holds the tail of an instance back until then, and would wait for
        the delayed acknowledgement on every instance. The kernel forgets the option when we send, for it
        hopes then to acknowledge along with the next answer: so it is set anew after each.
        """
        if _TCP_QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _TCP_QUICKACK, 1)

    def send(self, data: bytes) -> None:
        """Send all of it. Raises ConnectionLost, also when the peer takes nothing for too long."""
        deadline = time.monotonic() + self._send_seconds
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._send_some(rest) :]
            except BlockingIOError:
                self._wait_for_room(deadline)
            except OSError as error:
                raise ConnectionLost(error.strerror or str(error)) from error
        self._acknowledge()

    def _send_some(self, data: memoryview) -> int:
        return self._socket.send(data, socket.MSG_DONTWAIT)

    def _wait_for_room(self, deadline: float) -> None:
        room = select.poll()
        room.register(self._socket, self._send_wants)
        while (left_seconds := deadline - time.monotonic()) > 0:
            self._beat()
            if room.poll(min(left_seconds, TICK_SECONDS) * 1000):
                return
        raise ConnectionLost("the peer takes nothing")

    def close(self) -> None:
        self._socket.close()
