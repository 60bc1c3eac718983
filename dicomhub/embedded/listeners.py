"""The ports of an embedded run: chosen or checked before anything starts, then kept for it.

A reservation is a socket that is bound and does not listen. With SO_REUSEADDR on both sides, which all our
servers set, the process that the port is for can bind it and listen; binding fails where someone else already
listens; and the kernel hands the number to nobody else, also not while a dead process waits for its restart.
"""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Self


class PortUnavailable(Exception):
    """A port cannot be listened on; the message names the setting to change."""


@dataclass(frozen=True, slots=True)
class Reservation:
    host: str
    port: int
    _socket: socket.socket

    @classmethod
    def make(cls, setting: str, *, host: str, port: int) -> Self:
        """Reserve a port, 0 for any free one. Raises PortUnavailable."""
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            sock.close()
            raise PortUnavailable(_reason(error, setting, host, port)) from None
        return cls(host, sock.getsockname()[1], sock)

    @property
    def reachable_host(self) -> str:
        """An address of this machine to reach the port at, for a URL."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host
        if address.is_unspecified:
            return "127.0.0.1"
        return f"[{self.host}]" if address.version == 6 else self.host

    def close(self) -> None:
        self._socket.close()


def _reason(error: OSError, setting: str, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what listens there, or set {setting} to another port."
    what = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
    return f"Port {port} on {host} cannot be listened on ({what}): change {setting} or its host."
