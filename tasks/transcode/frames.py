"""Frames as they are stored, one at a time. PS3.5 8.1, 8.2 and A.4, PS3.3 C.7.6.3.1.8.

A frame that is asked for is looked up, and nothing else of the pixel data is touched: of a cine of any size
only one frame is in memory.
"""

from collections.abc import Sequence
from typing import Protocol

from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.element import Encoding
from dicomhub.standard.transfer_syntax import GE_PRIVATE_IMPLICIT_VR, TransferSyntax
from tasks.transcode.fragments import Fragments, FramesUnreadable, known_fragments
from tasks.transcode.known import FileKey
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import PixelElement


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
    key: FileKey,
    data: memoryview,
    element: PixelElement,
    pixels: PixelDescription,
    syntax: TransferSyntax,
    encoding: Encoding,
) -> FrameReader:
    """The frames of a file's pixel data element. Raises FramesUnreadable."""
    if element.is_encapsulated != syntax.is_encapsulated:
        state = "encapsulated" if element.is_encapsulated else "native"
        raise FramesUnreadable(f"Pixel Data is {state}, which {syntax.name} is not")
    if element.is_encapsulated:
        fragments = known_fragments(key, data, element, pixels.number_of_frames, encoding)
        return _EncapsulatedFrames(data, fragments)
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


class _EncapsulatedFrames:
    __slots__ = ("_data", "_fragments")

    def __init__(self, data: memoryview, fragments: Fragments) -> None:
        self._data = data
        self._fragments = fragments

    def __len__(self) -> int:
        return len(self._fragments.firsts) - 1

    def read(self, index: int) -> bytes | memoryview:
        pieces = self.pieces(index)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self, index: int) -> Sequence[bytes | memoryview]:
        _check_index(index, len(self))
        return [self._data[start:end] for start, end in self._fragments.pieces_of(index)]


def _check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise IndexError(f"there is no frame {index + 1} of {count}")
