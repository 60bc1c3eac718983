"""Digests of data sets: "xxh3-128:<hex>", over the bytes as received, without the Part 10 header."""

import os
from collections.abc import Callable
from typing import Self

import xxhash

from dicomhub.standard.part10 import HEADER_MAX_BYTES, Part10Malformed, read_file_meta
from dicomhub.storage.mapped import map_data_set

DIGEST_PREFIX = "xxh3-128:"
# A disk of 2 MB/s reads as much in half a minute.
STRETCH_BYTES = 64 * 1024 * 1024


class DataSetDigest:
    """A digest that grows with the data set as it arrives."""

    __slots__ = ("_hash", "update")

    update: Callable[[bytes | memoryview], None]

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()
        self.update = self._hash.update  # called for every fragment that a sender sends: nothing in between

    @classmethod
    def of_begun_file(
        cls, descriptor: int, data_set_offset: int, *, beat: Callable[[], None] = lambda: None
    ) -> Self:
        """The digest of as much of a data set as its file has. beat is called after each stretch of it."""
        digest = cls()
        if os.fstat(descriptor).st_size > data_set_offset:
            data_set = map_data_set(descriptor, data_set_offset)
            for start in range(0, len(data_set), STRETCH_BYTES):
                digest.update(data_set[start : start + STRETCH_BYTES])
                beat()
        return digest

    def __str__(self) -> str:
        return DIGEST_PREFIX + self._hash.hexdigest()


def digest_of_file(descriptor: int, *, beat: Callable[[], None] = lambda: None) -> str:
    """The digest of the data set in an archived file; of all of a file that has lost its header.

    beat is called now and then: a file of many gigabytes takes its time.
    """
    try:
        offset = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0)).data_set_offset
    except Part10Malformed:
        offset = 0
    return str(DataSetDigest.of_begun_file(descriptor, offset, beat=beat))
