"""JSON arrays as they are made, and gzip for those who want it."""

import re
import zlib
from collections.abc import Iterable, Iterator

_BLOCK_BYTES = 64 * 1024
_GZIP_WINDOW_BITS = 31  # a deflate window of 32 KiB in a gzip wrapper
# Level 1 gives a ninth of the size of metadata; what level 6 takes off that costs three times its time.
_CHEAP = 1
_CODING = re.compile(r"\s*([a-z*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip. RFC 9110 12.5.3."""
    weights = {
        match[1].lower(): float(match[2] or 1)
        for match in map(_CODING.fullmatch, accept_encoding.split(","))
        if match
    }
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def array(elements: Iterable[bytes]) -> Iterator[bytes]:
    """One JSON array of encoded elements, in blocks of about 64 KiB."""
    gathered = [b"["]
    gathered_bytes = 0
    is_first = True
    for element in elements:
        if not is_first:
            gathered.append(b",")
        is_first = False
        gathered.append(element)
        gathered_bytes += len(element)
        if gathered_bytes >= _BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, gathered_bytes = [], 0
    gathered.append(b"]")
    yield b"".join(gathered)


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_CHEAP, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()
