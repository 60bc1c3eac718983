"""The deflated transfer syntaxes: a data set as one raw deflate stream. PS3.5 A.5."""

import zlib
from collections.abc import Iterator

from dicomhub.standard.element import DataSetMalformed, DataSetTruncated
from dicomhub.standard.transfer_syntax import TransferSyntax

# What a data set may inflate to. Deflate shrinks at most 1032 to 1, so that a small file can fill the memory.
INFLATED_MAX_BYTES = 256 * 1024 * 1024
# How far to inflate for what stands near the beginning, in steps: nearly always the first will do, and the
# last bounds what a sender can make us inflate.
HEAD_STEPS_BYTES = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024)


def inflated(
    data: bytes | memoryview,
    syntax: TransferSyntax,
    *,
    max_bytes: int = INFLATED_MAX_BYTES,
    must_be_whole: bool = True,
) -> memoryview:
    """The data set as it is walked through: inflated where its syntax is deflated.

    Raises DataSetMalformed, also when it would be longer than max_bytes. Without must_be_whole a stream that
    is cut short gives what it holds, and a longer one its beginning.
    """
    if not syntax.is_deflated:
        return memoryview(data)
    data_set, is_complete = inflate_head(data, max_bytes=max_bytes)
    if must_be_whole and not is_complete and len(data_set) < max_bytes:
        raise DataSetTruncated(len(data_set))
    if must_be_whole and not is_complete:
        raise DataSetMalformed(f"the data set inflates to more than {max_bytes} bytes")
    return memoryview(data_set)


def inflate_head(data: bytes | memoryview, *, max_bytes: int) -> tuple[bytes, bool]:
    """At most max_bytes of the data set, and whether they are all of it. Raises DataSetMalformed."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = stream.decompress(data, max_bytes)
    except zlib.error as error:
        raise DataSetMalformed(f"the data set is no deflate stream: {error}") from None
    return inflated, stream.eof


def inflated_chunks(
    data: bytes | memoryview, *, chunk_bytes: int, max_bytes: int = INFLATED_MAX_BYTES
) -> Iterator[bytes]:
    """The data set in chunks of chunk_bytes at most. Raises DataSetMalformed on the way."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    deflated = memoryview(data)
    inflated_bytes = 0
    for start in range(0, len(deflated), chunk_bytes):
        waiting = bytes(deflated[start : start + chunk_bytes])
        while waiting and not stream.eof:
            try:
                chunk = stream.decompress(waiting, chunk_bytes)
            except zlib.error as error:
                raise DataSetMalformed(f"the data set is no deflate stream: {error}") from None
            waiting = stream.unconsumed_tail
            inflated_bytes += len(chunk)
            if inflated_bytes > max_bytes:
                raise DataSetMalformed(f"the data set inflates to more than {max_bytes} bytes")
            yield chunk
    if not stream.eof:
        raise DataSetTruncated(inflated_bytes)
