"""Pixel Data as a rendition has it, written frame by frame. PS3.5 8.1, A.2, A.4."""

from collections.abc import Iterable, Iterator
from struct import pack
from typing import BinaryIO, Final

from dicomhub.standard.element import ITEM, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH
from dicomhub.standard.explicit_little_endian import element_header
from tasks.transcode.codecs.codec import Encoded, Octets
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA

_VALUE_MAX_BYTES: Final = 0xFFFFFFFE
_FLOAT_VRS: Final = {FLOAT_PIXEL_DATA: "OF", DOUBLE_FLOAT_PIXEL_DATA: "OD"}


class RenditionTooLarge(Exception):
    """A native value says its length in 32 bits. PS3.5 7.1."""

    def __init__(self, native_bytes: int) -> None:
        super().__init__(f"native Pixel Data would have {native_bytes} bytes, more than {_VALUE_MAX_BYTES}")
        self.native_bytes = native_bytes


def check_native_length(pixels: PixelDescription) -> None:
    """Raises RenditionTooLarge."""
    if pixels.native_bytes > _VALUE_MAX_BYTES:
        raise RenditionTooLarge(pixels.native_bytes)


def native_pixel_data(tag: int, pixels: PixelDescription, frames: Iterable[Encoded]) -> Iterator[Octets]:
    vr = _FLOAT_VRS.get(tag, "OW" if pixels.bits_allocated > 8 else "OB")
    yield element_header(tag, vr, pixels.native_bytes + pixels.native_bytes % 2)
    if pixels.frame_bits % 8:
        yield from _joined_bits(pixels, frames)
    else:
        for frame in frames:
            yield frame.codestream
    yield b"\0" * (pixels.native_bytes % 2)


def _joined_bits(pixels: PixelDescription, frames: Iterable[Encoded]) -> Iterator[bytes]:
    """Frames that do not end with a byte: the next one goes on where the last one ended."""
    carried, carried_bits = 0, 0
    for frame in frames:
        carried |= int.from_bytes(frame.codestream, "little") << carried_bits
        carried_bits += pixels.frame_bits
        whole = carried_bits // 8
        yield (carried & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
        carried, carried_bits = carried >> 8 * whole, carried_bits % 8
    if carried_bits:
        yield carried.to_bytes(1, "little")


class EncapsulatedPixelData:
    """One fragment a frame, and a Basic Offset Table that is filled in at the end."""

    def __init__(self, out: BinaryIO, number_of_frames: int) -> None:
        self._out = out
        self._table_bytes = 4 * number_of_frames
        self._table_at = 0
        self._offsets: list[int] = []
        self.codestream_bytes = 0

    def pieces(self, frames: Iterable[Encoded]) -> Iterator[Octets]:
        """Each piece is to be written before the next one is asked for."""
        yield element_header(PIXEL_DATA, "OB", UNDEFINED_LENGTH)
        yield _item(ITEM, self._table_bytes)
        self._table_at = self._out.tell()
        yield bytes(self._table_bytes)
        first = self._out.tell()
        for frame in frames:
            self._offsets.append(self._out.tell() - first)
            length = len(frame.codestream)
            self.codestream_bytes += length
            yield _item(ITEM, length + length % 2)
            yield frame.codestream
            yield b"\0" * (length % 2)
        yield _item(SEQUENCE_DELIMITATION, 0)

    def fill_in_table(self) -> None:
        """Raises RenditionTooLarge for frames that lie further in than 32 bits say."""
        if self._offsets[-1] > _VALUE_MAX_BYTES:
            raise RenditionTooLarge(self._offsets[-1])
        self._out.seek(self._table_at)
        self._out.write(pack(f"<{len(self._offsets)}I", *self._offsets))


def _item(tag: int, length: int) -> bytes:
    return pack("<HHI", tag >> 16, tag & 0xFFFF, length)
