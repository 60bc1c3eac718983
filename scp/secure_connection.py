"""A peer's connection through TLS: the same lane, with OpenSSL between the socket and its buffer.

OpenSSL decrypts a record of 16 KiB at most and copies it to where it is wanted, which is the lane's buffer:
one copy more than without TLS. The handshake is a part of the first receiving, so that the timers of the
association, ARTIM first, watch it like everything else.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from scp.connection import TICK_SECONDS, Arrival, Connection, ConnectionLost, HasFileno
from scp.tls import tls_reason

_WANTS: dict[type[ssl.SSLError], int] = {
    ssl.SSLWantReadError: select.POLLIN,
    ssl.SSLWantWriteError: select.POLLOUT,
}


class SecureConnection(Connection):
    def __init__(
        self,
        accepted: socket.socket,
        *,
        context: ssl.SSLContext,
        send_seconds: float,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(accepted, send_seconds=send_seconds, beat=beat)
        # OpenSSL may want to write when we read: it must never wait for the peer by itself.
        accepted.setblocking(False)
        self._context = context
        self._secured: ssl.SSLSocket | None = None
        # Whether only the socket can tell of more. What is decrypted and was not taken for lack of space, a
        # close_notify and a failure make no socket readable.
        self._is_drained = True

    @property
    def tls_version(self) -> str:
        return (self._secured and self._secured.version()) or ""

    def rest(self, alarm: HasFileno, *, seconds: float) -> bool:
        return not self._is_drained or super().rest(alarm, seconds=seconds)

    def receive_into(self, space: memoryview, *, until: float) -> tuple[Arrival, int]:
        """As without TLS. Raises ConnectionLost when the handshake fails or a record is none."""
        if self._is_drained:
            wait_seconds = min(max(0.0, until - time.monotonic()), TICK_SECONDS)
            if not self._readable.poll(wait_seconds * 1000 + 1):
                return Arrival.NOTHING, 0
        try:
            received = self._fill(self._handshaking(), space)
        except ssl.SSLError as error:
            raise ConnectionLost(f"TLS: {tls_reason(error)}") from error
        except OSError:  # reset by the peer, or timed out by the kernel
            return Arrival.CLOSED, 0
        if received:
            self._acknowledge()
            return Arrival.BYTES, received
        return (Arrival.NOTHING if self._is_drained else Arrival.CLOSED), 0

    def _handshaking(self) -> ssl.SSLSocket:
        """The socket with TLS on it. To read from it goes on with the handshake, while there is one."""
        if self._secured is None:
            self._secured = self._context.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            self._socket = self._secured
        return self._secured

    def _fill(self, secured: ssl.SSLSocket, space: memoryview) -> int:
        """Take all records that are there; return their bytes.

        One at a time would cost the lane a turn, and the file a write, every 16 KiB.
        """
        received = 0
        self._is_drained = False
        try:
            while received < len(space) and (length := secured.recv_into(space[received:])):
                received += length
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
            self._is_drained = True
            self._receive_wants = _WANTS[type(want)]
            self._readable.modify(secured, self._receive_wants)
        except OSError:
            if not received:
                raise
            # What came before is served first; the failure is met again.
        return received

    def _send_some(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
            self._send_wants = _WANTS[type(want)]
            raise BlockingIOError from want

    def close(self) -> None:
        if self._secured is not None:
            with suppress(OSError, ValueError):  # the peer may be gone, or not have come so far
                self._secured.unwrap()
        super().close()
