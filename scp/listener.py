"""The listening socket, which the supervisor opens and all children share, and where it is announced."""

import errno
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomhub.log import logger
from dicomhub.storage.durable import replace_small
from scp.connection import address_text

# The kernel bounds this by net.core.somaxconn.
_BACKLOG = 1024
# Linux' struct tcp_info: of a listening socket, tcpi_unacked is the length of its queue.
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_TCPI_UNACKED = slice(24, 28)
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SHORTAGE_PAUSE_SECONDS = 0.5
# Nobody waits, or whoever did is gone: accept(2) passes on what has happened to the connection since.
_NOBODY = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENONET,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EPROTO,
}


class PortUnavailable(Exception):
    """The address cannot be listened on; says which and why in one line."""


def listen(host: str, port: int, *, setting: str = "SCP_PORT") -> socket.socket:
    """Listen on host and port, 0 for any that is free. Raises PortUnavailable, which names the setting."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PortUnavailable(
            f"Cannot listen on {host} port {port}: {reason}. Another port: {setting}=<port>."
        ) from error
    # One connection wakes one child, yet another may be faster: it must not wait in accept().
    listener.setblocking(False)
    return listener


def accept(listener: socket.socket) -> tuple[socket.socket, str] | None:
    """A connection that waits, and its peer as host:port; None where there is none to be had now.

    A listener that is closed has none. Raises OSError when one cannot be accepted on for another reason.
    """
    try:
        accepted, address = listener.accept()
    except OSError as error:
        if error.errno in _SHORTAGES:
            # The connection still waits, and would wake us at once.
            logger().error("accept_failed", error=error.strerror, retry_seconds=_SHORTAGE_PAUSE_SECONDS)
            time.sleep(_SHORTAGE_PAUSE_SECONDS)
        elif error.errno not in _NOBODY and listener.fileno() >= 0:
            raise
        return None
    return accepted, address_text(address)


def waiting_connections(listener: socket.socket) -> int:
    """How many connections nobody has accepted yet; 0 where the kernel does not tell."""
    if _TCP_INFO is None:
        return 0
    information = listener.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCPI_UNACKED.stop)
    return int.from_bytes(information[_TCPI_UNACKED], sys.byteorder)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets: for plain DICOM, and for DICOM through TLS where that is set up."""

    plain: socket.socket
    secure: socket.socket | None = None

    def __iter__(self) -> Iterator[socket.socket]:
        yield self.plain
        if self.secure is not None:
            yield self.secure

    def close(self) -> None:
        for listener in self:
            listener.close()


class PortFile:
    """A file under $DICOMHUB_HOME/run: the port, for those who have to find it; gone when nobody listens."""

    def __init__(self, home: Path, *, name: str = "scp.port") -> None:
        self._path = home / "run" / name

    def write(self, port: int) -> None:
        replace_small(self._path, f"{port}\n".encode("ascii"))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
