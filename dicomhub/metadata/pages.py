"""How lines of JSON lie in a document: a JSON array, gzip, in three members.

The first member is "[", the last "]", and the middle one the lines. So the study's document is put together
from those of its series without unpacking them.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator

import xxhash

# Quick over small: at 4 the text of 400 CT headers shrinks to 3 % in a third of the default's time.
_LEVEL = 4
_GZIP_WINDOW_BITS = 31  # a deflate window of 32 KiB in a gzip wrapper
_FIRST_BYTES = 32 * 1024
_SEPARATOR = b",\n"


def _member(text: bytes) -> bytes:
    return gzip.compress(text, compresslevel=_LEVEL, mtime=0)


_OPENING = _member(b"[\n")
_CLOSING = _member(b"\n]\n")
_BETWEEN = _member(_SEPARATOR)


def pack(lines: Iterable[bytes]) -> bytes:
    """Lines (a JSON object each, without a newline in it) as a document."""
    body = _SEPARATOR.join(lines)
    return _OPENING + (_member(body) if body else b"") + _CLOSING


def join(documents: Iterable[bytes]) -> bytes:
    """Several documents as one. What they hold is not unpacked."""
    bodies = (document[len(_OPENING) : -len(_CLOSING)] for document in documents)
    return _OPENING + _BETWEEN.join(body for body in bodies if body) + _CLOSING


def unpack(document: bytes) -> Iterator[bytes]:
    """The lines of a document. Raises OSError or EOFError when it is damaged."""
    text = gzip.decompress(document)
    return (line.removesuffix(b",") for line in text.split(b"\n")[1:-2] if line)


def first_line(document: bytes) -> bytes | None:
    """The first line alone, without unpacking more; None of an empty one. Raises OSError when damaged."""
    member = document[len(_OPENING) :]
    try:
        unpacker = zlib.decompressobj(_GZIP_WINDOW_BITS)
        line = unpacker.decompress(member, _FIRST_BYTES)
        while b"\n" not in line and not unpacker.eof:
            more = unpacker.decompress(unpacker.unconsumed_tail, _FIRST_BYTES)
            if not more and not unpacker.eof:
                raise EOFError("the document breaks off")
            line += more
    except zlib.error as error:
        raise OSError("the document is damaged") from error
    return line.split(b"\n", 1)[0].removesuffix(b",") if line.startswith(b"{") else None


def document_digest(lines: Iterable[bytes]) -> str:
    digest = xxhash.xxh3_64()
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
    return digest.hexdigest()
