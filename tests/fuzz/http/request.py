"""An HTTP/1.1 request that may be as wrong as it likes: nothing is checked or quoted on the way out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """target: path and query, as bytes on the wire. Content-Length is told truly, unless headers name it."""

    method: str
    path: bytes
    query: tuple[tuple[bytes, bytes], ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    @property
    def target(self) -> bytes:
        query = b"&".join(name + b"=" + value for name, value in self.query)
        return self.path + (b"?" + query if query else b"")

    def encode(self, host: str) -> bytes:
        lines = [self.method.encode() + b" " + self.target + b" HTTP/1.1", b"Host: " + host.encode()]
        lines += [name + b": " + value for name, value in self.headers]
        if self.body or self.method == "POST":
            lines.append(b"Content-Length: " + str(len(self.body)).encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def related(parts: Sequence[tuple[bytes, bytes]], boundary: bytes = b"fuzz") -> bytes:
    """A multipart body of (content type, content)."""
    made = [
        b"--" + boundary + b"\r\nContent-Type: " + content_type + b"\r\n\r\n" + content + b"\r\n"
        for content_type, content in parts
    ]
    return b"".join(made) + b"--" + boundary + b"--\r\n"
