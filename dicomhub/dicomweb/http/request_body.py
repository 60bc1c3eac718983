"""The body of a request, a block at a time, whatever its length. PS3.18 8.6.1.

It is read from the server's own stream: Django would know the length of none that is sent in chunks, and REST
framework would hold all of it.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from gunicorn.http.errors import ParseException

BLOCK_BYTES: Final = 256 * 1024
_TICK_SECONDS: Final = 0.5


class BodyTooLarge(Exception):
    """max_bytes is what a body may have."""

    def __init__(self, what: str, max_bytes: int) -> None:
        super().__init__(f"{what} is longer than {max_bytes} bytes")


class BodyBroken(Exception):
    """The body ends before it should: the client has gone away, or does not keep to HTTP."""


class BodyStalled(Exception):
    """A block of the body has not come in time."""


def blocks(environ: Mapping[str, Any], *, max_bytes: int, stall_seconds: float) -> Iterator[bytes]:
    """The body in blocks of BLOCK_BYTES, each of which may take stall_seconds to come.

    Raises BodyTooLarge before the first block where the length is known, BodyBroken and BodyStalled.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    expected = int(length) if length.isdigit() else None
    if expected is not None and expected > max_bytes:
        raise BodyTooLarge("the body", max_bytes)
    stream: BinaryIO = environ["wsgi.input"]
    received = 0
    while block := _read(stream, environ.get("gunicorn.socket"), stall_seconds):
        received += len(block)
        if received > max_bytes:
            raise BodyTooLarge("the body", max_bytes)
        yield block
    if expected is not None and received < expected:
        raise BodyBroken(f"{received} of {expected} bytes have come")


def _read(stream: BinaryIO, connection: socket.socket | None, stall_seconds: float) -> bytes:
    stalled = BodyStalled(f"no {BLOCK_BYTES} bytes have come within {stall_seconds:g} seconds")
    with _watchdog.watching(connection, stall_seconds) as watch:
        try:
            block = stream.read(BLOCK_BYTES)
        except (OSError, ParseException) as error:
            raise stalled if watch.is_stalled else BodyBroken(f"the body breaks off: {error}") from error
    if watch.is_stalled:
        raise stalled
    return block


@dataclass(eq=False, slots=True)
class _Watch:
    connection: socket.socket | None
    deadline: float
    is_stalled: bool = False


class _Watchdog:
    """Ends reads that take too long, from a thread of its own.

    A timeout of the socket would not do: it begins anew with each byte.
    """

    def __init__(self) -> None:
        self._watches: set[_Watch] = set()
        self._begun = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, connection: socket.socket | None, seconds: float) -> Iterator[_Watch]:
        watch = _Watch(connection, time.monotonic() + seconds)
        with self._begun:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stalled-bodies", daemon=True)
                self._thread.start()
            self._watches.add(watch)
            self._begun.notify()
        try:
            yield watch
        finally:
            with self._begun:
                self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            with self._begun:
                self._begun.wait_for(lambda: self._watches)
                now = time.monotonic()
                for watch in self._watches:
                    if now > watch.deadline and watch.connection is not None:
                        watch.is_stalled = True
                        with suppress(OSError):
                            # The reader sees the end of the stream; it can still send its answer.
                            watch.connection.shutdown(socket.SHUT_RD)
            time.sleep(_TICK_SECONDS)


_watchdog = _Watchdog()
