"""The listening socket, which the supervisor opens and all children share, and where it is announced."""

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomhub.storage.durable import replace_small

# The kernel bounds this by net.core.somaxconn.
_BACKLOG = 1024
# Linux' struct tcp_info: of a listening socket, tcpi_unacked is the length of its queue.
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_TCPI_UNACKED = slice(24, 28)


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
