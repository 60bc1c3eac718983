"""Frames as they are stored, one at a time. PS3.5 8.1, 8.2 and A.4, PS3.3 C.7.6.3.1.8.

A frame that is asked for is looked up, and nothing else of the pixel data is touched: of a cine of any size
only one frame is in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import iter_unpack
from typing import Protocol

from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.element import SEQUENCE_DELIMITATION, DataSetMalformed, Encoding
from dicomhub.standard.item import checked_end, read_item_header
from dicomhub.standard.transfer_syntax import GE_PRIVATE_IMPLICIT_VR, TransferSyntax
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import PixelElement

# What the first fragment of a frame begins with, in the codestreams that may be cut into several: JPEG and
# JPEG-LS, JPEG 2000 and its file format, which some writers leave around it.
_FIRST_BYTES = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")
_ITEM_HEADER_BYTES = 8


class FramesUnreadable(DataSetMalformed):
    """Pixel Data does not hold the frames that it should, or nothing tells where each of them begins."""


class FrameReader(Protocol):
    def __len__(self) -> int: ...

    def read(self, index: int) -> bytes | memoryview:
        """A frame, numbered from 0: its codestream, or native little endian.

        One bit a pixel is moved to begin at a byte. Raises IndexError and DataSetMalformed.
        """
        ...

    def pieces(self, index: int) -> Sequence[bytes | memoryview]:
        """The same, in views of the data where they are as they lie in it: a fragment each."""
        ...


def frame_reader(
    data: memoryview,
    element: PixelElement,
    pixels: PixelDescription,
    syntax: TransferSyntax,
    encoding: Encoding,
) -> FrameReader:
    """The frames of a pixel data element. Raises FramesUnreadable."""
    if element.is_encapsulated != syntax.is_encapsulated:
        state = "encapsulated" if element.is_encapsulated else "native"
        raise FramesUnreadable(f"Pixel Data is {state}, which {syntax.name} is not")
    if element.is_encapsulated:
        return _EncapsulatedFrames(data, element, pixels.number_of_frames, encoding)
    is_big_endian = not encoding.is_little_endian or syntax.uid == GE_PRIVATE_IMPLICIT_VR
    return _NativeFrames(data, element, pixels, is_big_endian=is_big_endian)


class _NativeFrames:
    __slots__ = ("_frame_bits", "_number_of_frames", "_unit_bytes", "_value")

    def __init__(
        self, data: memoryview, element: PixelElement, pixels: PixelDescription, *, is_big_endian: bool
    ) -> None:
        self._value = data[element.start : element.start + element.length]
        self._number_of_frames = pixels.number_of_frames
        self._frame_bits = pixels.frame_bits
        full_bits = pixels.rows * pixels.columns * pixels.samples_per_pixel * pixels.bits_allocated
        if len(self._value) * 8 >= full_bits * len(self):
            self._frame_bits = full_bits  # whatever is said of subsampling
        if len(self._value) * 8 < self._frame_bits * len(self):
            raise FramesUnreadable(f"Pixel Data has {len(self._value)} bytes, not {pixels.native_bytes}")
        vr = element.vr if element.vr in ("OB", "OW", "OF", "OD") else "OW"
        self._unit_bytes = swap_unit_bytes(element.tag, vr, pixels.bits_allocated) if is_big_endian else 1

    def __len__(self) -> int:
        return self._number_of_frames

    def read(self, index: int) -> bytes | memoryview:
        _check_index(index, len(self))
        first_bit = index * self._frame_bits
        start, end = first_bit // 8, (first_bit + self._frame_bits + 7) // 8
        if self._unit_bytes > 1:
            before = start % self._unit_bytes
            unit_end = end + -end % self._unit_bytes
            frame: bytes | memoryview = swapped(self._value[start - before : unit_end], self._unit_bytes)
            frame = memoryview(frame)[before : before + end - start]
        else:
            frame = self._value[start:end]
        if first_bit % 8 == 0 and self._frame_bits % 8 == 0:
            return frame
        bits = int.from_bytes(frame, "little") >> first_bit % 8 & ((1 << self._frame_bits) - 1)
        return bits.to_bytes((self._frame_bits + 7) // 8, "little")

    def pieces(self, index: int) -> Sequence[bytes | memoryview]:
        return (self.read(index),)


@dataclass(frozen=True, slots=True)
class _Fragment:
    item_offset: int
    """Of its item, from the first byte of the item behind the Basic Offset Table."""
    start: int
    end: int


class _EncapsulatedFrames:
    __slots__ = ("_data", "_fragments", "_groups", "_lengths")

    def __init__(
        self, data: memoryview, element: PixelElement, number_of_frames: int, encoding: Encoding
    ) -> None:
        self._data = data
        items = _items(data, element.start, encoding)
        if len(items) < 2:
            raise FramesUnreadable("there are no fragments")
        table = data[items[0].start : items[0].end]
        self._fragments = items[1:]
        self._lengths = [length for (length,) in iter_unpack("<Q", _whole(element.extended_lengths, 8))]
        extended = [offset for (offset,) in iter_unpack("<Q", _whole(element.extended_offsets, 8))]
        basic = [offset for (offset,) in iter_unpack("<I", _whole(table, 4))]
        groups = self._by_offsets(extended, number_of_frames)
        if groups is None or len(self._lengths) != number_of_frames:
            self._lengths = []
            groups = self._by_offsets(basic, number_of_frames) or self._by_themselves(number_of_frames)
        self._groups = groups

    def __len__(self) -> int:
        return len(self._groups)

    def read(self, index: int) -> bytes | memoryview:
        pieces = self.pieces(index)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self, index: int) -> Sequence[bytes | memoryview]:
        _check_index(index, len(self))
        fragments = self._fragments[self._groups[index]]
        if not self._lengths:
            return [self._data[one.start : one.end] for one in fragments]
        pieces, left = [], self._lengths[index]
        for one in fragments:
            pieces.append(self._data[one.start : min(one.end, one.start + left)])
            left -= len(pieces[-1])
        return pieces

    def _by_offsets(self, offsets: Sequence[int], number_of_frames: int) -> list[slice] | None:
        """The fragments of each frame as a table says, None for a table that is none or is wrong."""
        number_of = {fragment.item_offset: number for number, fragment in enumerate(self._fragments)}
        firsts = [number_of.get(offset) for offset in offsets]
        numbers = [number for number in firsts if number is not None]
        if len(numbers) != len(offsets) or len(numbers) != number_of_frames or numbers[0] != 0:
            return None
        return _slices(numbers, len(self._fragments))

    def _by_themselves(self, number_of_frames: int) -> list[slice]:
        if number_of_frames == 1:
            return [slice(0, len(self._fragments))]
        filled = [number for number, one in enumerate(self._fragments) if one.end > one.start]
        if len(filled) != number_of_frames:
            filled = [number for number in filled if self._begins_a_frame(self._fragments[number])]
        if len(filled) != number_of_frames:
            raise FramesUnreadable(
                f"{number_of_frames} frames in {len(self._fragments)} fragments, and no usable offset table"
            )
        return _slices(filled, len(self._fragments))

    def _begins_a_frame(self, fragment: _Fragment) -> bool:
        return bytes(self._data[fragment.start : fragment.start + 8]).startswith(_FIRST_BYTES)


def _items(data: memoryview, start: int, encoding: Encoding) -> list[_Fragment]:
    """All items, the table's too. A Sequence Delimitation Item that the data ends without is no loss."""
    items: list[_Fragment] = []
    offset = start
    first: int | None = None
    while offset < len(data):
        tag, length = read_item_header(data, offset, encoding)
        if tag == SEQUENCE_DELIMITATION:
            break
        value = offset + _ITEM_HEADER_BYTES
        end = checked_end(data, value, length)
        if items and first is None:
            first = offset
        items.append(_Fragment(offset - (first or 0), value, end))
        offset = end
    return items


def _slices(firsts: Sequence[int], count: int) -> list[slice]:
    if any(later <= earlier for earlier, later in pairwise(firsts)):
        raise FramesUnreadable("the offset table does not ascend")
    return [slice(first, last) for first, last in pairwise((*firsts, count))]


def _whole(table: bytes | memoryview, entry_bytes: int) -> bytes | memoryview:
    return table if len(table) % entry_bytes == 0 else b""


def _check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise IndexError(f"there is no frame {index + 1} of {count}")
