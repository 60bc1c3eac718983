"""Digests of data sets: "xxh3-128:<hex>", over the bytes as received, without the Part 10 header."""

import os
from collections.abc import Callable

import xxhash

from dicomhub.standard.part10 import HEADER_MAX_BYTES, Part10Malformed, read_file_meta
from dicomhub.storage.mapped import map_data_set

_PREFIX = "xxh3-128:"


class DataSetDigest:
    """A digest that grows with the data set as it arrives."""

    __slots__ = ("_hash", "update")

    update: Callable[[bytes | memoryview], None]

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()
        self.update = self._hash.update  # called for every fragment that a sender sends: nothing in between

    def __str__(self) -> str:
        return _PREFIX + self._hash.hexdigest()


def digest_of_file(descriptor: int) -> str:
    """The digest of the data set in an archived file; of all of a file that has lost its header."""
    digest = DataSetDigest()
    try:
        offset = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0)).data_set_offset
    except Part10Malformed:
        offset = 0
    if os.fstat(descriptor).st_size <= offset:
        return str(digest)
    digest.update(map_data_set(descriptor, offset))
    return str(digest)
