"""multipart/related bodies, streamed. RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2.

Python's email package writes bare line feeds and holds whole messages, so it is not used.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class PartHead:
    content_type: str
    content_location: str

    def encode(self) -> bytes:
        return (
            f"Content-Type: {self.content_type}\r\nContent-Location: {self.content_location}\r\n\r\n"
        ).encode("ascii")


def new_boundary() -> str:
    """A boundary that no part holds: 122 random bits, made anew for each response."""
    return f"dicomhub-{uuid.uuid4().hex}"


def content_type(*, part_type: str, boundary: str) -> str:
    return f'multipart/related; type="{part_type}"; boundary={boundary}'


def encode(parts: Iterable[tuple[PartHead, Iterable[bytes]]], boundary: str) -> Iterator[bytes]:
    """The body, a chunk at a time: each part is its head, and its content in chunks.

    A head goes out with what is behind it: each chunk is a call of the kernel's, and wakes the reader.
    """
    delimiter = b"--" + boundary.encode("ascii")
    ahead = b""
    for number, (head, chunks) in enumerate(parts):
        ahead += (CRLF if number else b"") + delimiter + CRLF + head.encode()
        for chunk in chunks:
            yield b"".join((ahead, chunk)) if ahead else chunk
            ahead = b""
    yield ahead + CRLF + delimiter + b"--" + CRLF


def encoded_length(parts: Iterable[tuple[PartHead, int]], boundary: str) -> int:
    """The length in bytes of what encode() makes of one or more parts with contents of these sizes."""
    delimiter_bytes = len(CRLF) + len("--") + len(boundary) + len(CRLF)
    parts_bytes = sum(delimiter_bytes + len(head.encode()) + size for head, size in parts)
    # The first delimiter has no line before it; the last one ends with two hyphens.
    return parts_bytes - len(CRLF) + delimiter_bytes + len("--")
