"""Where the fragments of encapsulated Pixel Data lie, and which of them make up a frame. PS3.5 A.4.

To find out, the header of every item is read: once for a file, and with few of its pages in memory.
"""

import mmap
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import iter_unpack
from typing import Final

from dicomhub.standard.element import SEQUENCE_DELIMITATION, DataSetMalformed, Encoding
from dicomhub.standard.item import checked_end, read_item_header
from tasks.transcode.known import FileKey, Known
from tasks.transcode.pixel_element import PixelElement

# What the first fragment of a frame begins with, in the codestreams that may be cut into several: JPEG and
# JPEG-LS, JPEG 2000 and its file format, which some writers leave around it.
_FIRST_BYTES: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")
_ITEM_HEADER_BYTES: Final = 8
# The kernel maps the pages around a header too, 64 KiB in all.
_FORGET_ITEMS: Final = 32


class FramesUnreadable(DataSetMalformed):
    """Pixel Data does not hold the frames that it should, or nothing tells where each of them begins."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """Offsets in the data set: fragment n lies from starts[n] to ends[n].

    Frame n begins with fragment firsts[n], and ends before that of the next; behind the last frame's is how
    many fragments there are. lengths are those of frames in bytes, empty where no table says them.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    firsts: Sequence[int]
    lengths: Sequence[int]

    def pieces_of(self, frame: int) -> Iterator[tuple[int, int]]:
        """Start and end of each piece of a frame, numbered from 0."""
        left = self.lengths[frame] if self.lengths else None
        for number in range(self.firsts[frame], self.firsts[frame + 1]):
            start, end = self.starts[number], self.ends[number]
            if left is not None:
                end = min(end, start + left)
                left -= end - start
            yield start, end


_KNOWN: Final = Known[Fragments](16)


def known_fragments(
    key: FileKey, data: memoryview, element: PixelElement, number_of_frames: int, encoding: Encoding
) -> Fragments:
    """Of a file's pixel data. Raises FramesUnreadable and DataSetMalformed."""
    return _KNOWN.of(key, lambda: _fragments(data, element, number_of_frames, encoding))


def _fragments(
    data: memoryview, element: PixelElement, number_of_frames: int, encoding: Encoding
) -> Fragments:
    starts, ends = array("Q"), array("Q")
    items = _items(data, element.start, encoding)
    table_start, table_end = next(items, (0, 0))
    for start, end in items:
        starts.append(start)
        ends.append(end)
    if not starts:
        raise FramesUnreadable("there are no fragments")
    lengths = array("Q", (length for (length,) in iter_unpack("<Q", _whole(element.extended_lengths, 8))))
    extended = [offset for (offset,) in iter_unpack("<Q", _whole(element.extended_offsets, 8))]
    firsts = _by_offsets(starts, extended, number_of_frames)
    if firsts is None or len(lengths) != number_of_frames:
        lengths = array("Q")
        basic = [offset for (offset,) in iter_unpack("<I", _whole(bytes(data[table_start:table_end]), 4))]
        firsts = _by_offsets(starts, basic, number_of_frames)
    if firsts is None:
        firsts = _by_themselves(data, starts, ends, number_of_frames)
    if any(later <= earlier for earlier, later in pairwise(firsts)):
        raise FramesUnreadable("the offset table does not ascend")
    return Fragments(starts, ends, array("Q", (*firsts, len(starts))), lengths)


def _items(data: memoryview, start: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Start and end of each item's value, the table's first.

    A Sequence Delimitation Item that the data ends without is no loss.
    """
    pages = data.obj if isinstance(data.obj, mmap.mmap) else None
    offset, read = start, 0
    while offset < len(data):
        tag, length = read_item_header(data, offset, encoding)
        if tag == SEQUENCE_DELIMITATION:
            return
        value = offset + _ITEM_HEADER_BYTES
        offset = checked_end(data, value, length)
        yield value, offset
        read += 1
        if pages is not None and read % _FORGET_ITEMS == 0:
            pages.madvise(mmap.MADV_DONTNEED)


def _by_offsets(starts: Sequence[int], offsets: Sequence[int], number_of_frames: int) -> Sequence[int] | None:
    """The first fragment of each frame as a table says, None for a table that is none or is wrong.

    An offset is that of an item, from the first byte of the item behind the Basic Offset Table.
    """
    if len(offsets) != number_of_frames or offsets[0] != 0:
        return None
    number_of = {start - starts[0]: number for number, start in enumerate(starts)}
    numbers = [number for offset in offsets if (number := number_of.get(offset)) is not None]
    return numbers if len(numbers) == number_of_frames else None


def _by_themselves(
    data: memoryview, starts: Sequence[int], ends: Sequence[int], number_of_frames: int
) -> Sequence[int]:
    if number_of_frames == 1:
        return [0]
    filled = [number for number in range(len(starts)) if ends[number] > starts[number]]
    if len(filled) != number_of_frames:
        filled = [
            number
            for number in filled
            if bytes(data[starts[number] : starts[number] + 8]).startswith(_FIRST_BYTES)
        ]
    if len(filled) != number_of_frames:
        raise FramesUnreadable(
            f"{number_of_frames} frames in {len(starts)} fragments, and no usable offset table"
        )
    return filled


def _whole(table: bytes, entry_bytes: int) -> bytes:
    return table if len(table) % entry_bytes == 0 else b""
