"""Digests of data sets: "xxh3-128:<hex>", over the bytes as received, without the Part 10 header."""

import mmap
import os

import xxhash

from dicomhub.standard.part10 import read_file_meta

_PREFIX = "xxh3-128:"
_HEADER_BYTES = 16 * 1024


class DataSetDigest:
    """A digest that grows with the data set as it arrives."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()

    def update(self, data: bytes | memoryview) -> None:
        self._hash.update(data)

    def __str__(self) -> str:
        return _PREFIX + self._hash.hexdigest()


def digest_of_file(descriptor: int) -> str:
    """Return the digest of the data set in an archived file. Raises Part10Malformed."""
    size_bytes = os.fstat(descriptor).st_size
    offset = read_file_meta(os.pread(descriptor, _HEADER_BYTES, 0)).data_set_offset
    digest = DataSetDigest()
    with (
        mmap.mmap(descriptor, size_bytes, access=mmap.ACCESS_READ) as pages,
        memoryview(pages) as view,
        view[offset:] as data_set,
    ):
        digest.update(data_set)
    return str(digest)
