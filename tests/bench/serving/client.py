"""What a reader of DICOMweb sees: status, bytes, when the first and the last of them came."""

import http.client
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    size_bytes: int
    first_byte_seconds: float
    seconds: float


class Reader:
    """One connection that is kept open; its buffer is filled again and again, as by a reader that is never slow."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._root = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
        self._buffer = bytearray(_BUFFER_BYTES)

    def get(self, path: str, accept: str) -> Answer:
        return self._ask("GET", path, {"Accept": accept})

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        headers = {"Content-Type": content_type, "Accept": "application/dicom+json"}
        return self._ask("POST", path, headers, body)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        began = time.perf_counter()
        self._connection.request(method, self._root + path, body=body, headers=dict(headers))
        response = self._connection.getresponse()
        size = response.readinto(memoryview(self._buffer)[:1])
        first = time.perf_counter()
        while read := response.readinto(self._buffer):
            size += read
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {response.reason}")
        return Answer(size, first - began, time.perf_counter() - began)


def at_once(url: str, readers: int, ask: Callable[[Reader], list[Answer]]) -> tuple[list[Answer], float]:
    """As many readers at once, each with a connection of its own: all their answers, and the seconds of all."""

    def one(_: int) -> list[Answer]:
        reader = Reader(url)
        try:
            return ask(reader)
        finally:
            reader.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(readers) as pool:
        answers = [answer for some in pool.map(one, range(readers)) for answer in some]
    return answers, time.perf_counter() - began
