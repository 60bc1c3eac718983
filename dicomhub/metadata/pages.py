"""How lines of JSON lie in a document: a JSON array, gzip, in three members.

The first member is "[", the last "]", and the middle one the lines. So the study's document is put together
from those of its series without unpacking them.
"""

import gzip
from collections.abc import Iterable, Iterator

import xxhash

# Quick over small: at 4 the text of 400 CT headers shrinks to 3 % in a third of the default's time.
_LEVEL = 4
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


def document_digest(lines: Iterable[bytes]) -> str:
    digest = xxhash.xxh3_64()
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
    return digest.hexdigest()
