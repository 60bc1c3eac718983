"""Messages between a codec process and its parent: a head, the name of a type, a value in MessagePack.

No pickle: a codec that was taken over by what it decodes must not take over who asked.
"""

import socket
from collections.abc import Callable
from dataclasses import astuple, dataclass
from struct import Struct
from typing import Final, Self

# Bytes of the value, whether it is the last one of its sender, bytes of the name.
_HEAD: Final = Struct("<Q?B")
READY: Final = "ready"
# What the nursery tells of a codec process that has ended: negative, the number of the signal.
EXIT_CODE: Final = Struct("<i")


class WireBroken(Exception):
    """What came is no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A value of the type `name`; is_last: a codec process is not to be given another order after this."""

    name: str
    body: bytes | bytearray = b""
    is_last: bool = False

    def buffers(self) -> tuple[bytes, bytes | bytearray]:
        name = self.name.encode("ascii")
        return _HEAD.pack(len(self.body), self.is_last, len(name)) + name, self.body


def receive(read: Callable[[int], bytearray], *, max_bytes: int) -> Message:
    """The next message; read(n) gives n bytes, or raises. Raises WireBroken."""
    body_bytes, is_last, name_bytes = _HEAD.unpack(read(_HEAD.size))
    if body_bytes > max_bytes:
        raise WireBroken(f"a message of {body_bytes} bytes")
    name = read(name_bytes)
    if not name.isascii():
        raise WireBroken("the name of no type")
    return Message(name.decode("ascii"), read(body_bytes), is_last=is_last)


@dataclass(frozen=True, slots=True)
class Birth:
    """The descriptors of a codec process to be: for its orders, its noise, its end, and the news of that."""

    connection: int
    noise: int
    lifeline: int
    status: int

    def send(self, control: socket.socket) -> None:
        socket.send_fds(control, [b"+"], astuple(self))

    @classmethod
    def receive(cls, control: socket.socket) -> Self | None:
        """None when the parent has closed its end."""
        message, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        return cls(*descriptors) if message else None
