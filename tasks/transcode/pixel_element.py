"""Where an archived file's pixel data lies: from the headers of its data set's top level. PS3.5 7.1, A.4."""

import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from dicomhub.standard.element import UNDEFINED_LENGTH, DataSetTruncated, Encoding, read_header
from dicomhub.standard.item import end_of_undefined
from dicomhub.standard.part10 import HEADER_MAX_BYTES, FileMeta, read_file_meta
from dicomhub.storage.instance_file import file_version
from dicomhub.storage.mapped import map_data_set

PIXEL_DATA: Final = 0x7FE00010
FLOAT_PIXEL_DATA: Final = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE00009
EXTENDED_OFFSET_TABLE: Final = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS: Final = 0x7FE00002

_PIXEL_ELEMENTS: Final = frozenset((PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA))
_TABLES: Final = frozenset((EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS))


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where a pixel data element lies: its tag, VR ("" in Implicit VR), header, value's start and length.

    A length of element.UNDEFINED_LENGTH says that the value is encapsulated. The extended offset table and
    its lengths are those of PS3.3 C.7.6.3.1.8, 64 bits each, empty where there are none.
    """

    tag: int
    vr: str
    offset: int
    start: int
    length: int
    extended_offsets: bytes
    extended_lengths: bytes

    @property
    def is_encapsulated(self) -> bool:
        return self.length == UNDEFINED_LENGTH


def map_file(path: str | os.PathLike[str]) -> tuple[FileMeta, memoryview, str]:
    """An archived file's header, its data set mapped into memory, and its instance_file.file_version().

    Raises OSError, part10.Part10Malformed and element.DataSetTruncated.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        meta = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0))
        status = os.fstat(descriptor)
        if status.st_size <= meta.data_set_offset:
            raise DataSetTruncated(0)
        return meta, map_data_set(descriptor, meta.data_set_offset), file_version(status)
    finally:
        os.close(descriptor)


def top_level(
    data: memoryview, encoding: Encoding, wanted: AbstractSet[int]
) -> tuple[dict[int, bytes], PixelElement | None]:
    """Wanted values by tag, up to the pixel data, which may be cut short. Raises element.DataSetMalformed."""
    values: dict[int, bytes] = {}
    tables: dict[int, bytes] = {}
    offset = 0
    while offset + 8 <= len(data):
        tag, vr, start, length = read_header(data, offset, encoding)
        if tag in _PIXEL_ELEMENTS:
            offsets = tables.get(EXTENDED_OFFSET_TABLE, b"")
            lengths = tables.get(EXTENDED_OFFSET_TABLE_LENGTHS, b"")
            return values, PixelElement(tag, vr.decode("ascii"), offset, start, length, offsets, lengths)
        if tag >> 16 > PIXEL_DATA >> 16:
            return values, None
        if length == UNDEFINED_LENGTH:
            offset = end_of_undefined(data, start, encoding) + 8
            continue
        offset = start + length
        if offset > len(data):
            raise DataSetTruncated(start)
        if tag in wanted:
            values[tag] = bytes(data[start:offset])
        elif tag in _TABLES:
            tables[tag] = bytes(data[start:offset])
    return values, None
