"""How many answers a client may be sent at the same time, over all gunicorn's processes of a host.

A place is a lock on a byte of a file that nobody reads or writes: which byte follows from the client's name.
The lock is its open file's, so the kernel frees it whatever becomes of the process, and there is nothing to
sweep. Two clients whose names fall on the same bytes share them, which does not happen in practice: there
are 2**46 such runs of bytes.
"""

import fcntl
import hashlib
import os
import struct
from pathlib import Path

_MOST_PLACES = 2**16
_LOCK = struct.Struct("hhqqi4x")  # struct flock on 64 bits: l_type, l_whence, l_start, l_len, l_pid


class TooManyRetrieves(Exception):
    """A client is being sent as many answers as it may be."""

    def __init__(self, places: int) -> None:
        super().__init__(f"{places} answers are being sent to you already")


class Place:
    """One of a client's places, until it is closed or forgotten."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    __del__ = close


def take_place(file: Path, client: str, *, places: int) -> Place:
    """Raises TooManyRetrieves."""
    first = (int.from_bytes(hashlib.blake2b(client.encode(), digest_size=8).digest()) >> 18) * _MOST_PLACES
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    place = Place(descriptor)
    for offset in range(first, first + places):
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0))
        except BlockingIOError:
            continue
        return place
    place.close()
    raise TooManyRetrieves(places)
