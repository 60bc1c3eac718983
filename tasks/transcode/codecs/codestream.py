"""What a codestream says of itself: the frame header of JPEG, JPEG-LS and JPEG 2000.

ITU-T T.81 B.2.2, T.87 C.2, T.800 A.5.1. DICOM's attributes may contradict it; samples come out as it says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tasks.transcode.codecs.codec import Octets, PixelsCorrupt
from tasks.transcode.pixel_description import PixelDescription

_START_OF_IMAGE: Final = b"\xff\xd8"
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "
_STARTS_OF_FRAME: Final = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN: Final = 0xDA
_END: Final = b"\xff\xd9"  # EOI, and JPEG 2000's EOC
_PADDING_MAX_BYTES: Final = 64
_APP14: Final = 0xEE


@dataclass(frozen=True, slots=True)
class CodestreamHeader:
    rows: int
    columns: int
    components: int
    precision: int
    """Bits of a sample."""
    is_signed: bool
    is_subsampled: bool
    component_ids: bytes
    adobe_transform: int | None

    def is_ycbcr(self, photometric_interpretation: str) -> bool:
        """Whether the components of a JPEG image of three are to be transformed into RGB.

        Photometric Interpretation says so, unless the codestream knows better: Adobe's marker, names of
        components, or a chrominance that is subsampled as no RGB is. JFIF's marker is no such sign: writers
        put it in front of RGB, too.
        """
        if self.components != 3:
            return False
        if self.adobe_transform is not None:
            return self.adobe_transform == 1
        if self.component_ids == b"RGB":
            return False
        return self.is_subsampled or photometric_interpretation.startswith("YBR")


def read_jpeg_header(codestream: Octets) -> CodestreamHeader:
    """The frame header of a JPEG or JPEG-LS codestream. Raises PixelsCorrupt."""
    view = memoryview(codestream)
    adobe_transform = None
    for marker, segment in _segments(view):
        if marker == _APP14 and bytes(segment[:5]) == b"Adobe" and len(segment) >= 12:
            adobe_transform = segment[11]
        elif marker in _STARTS_OF_FRAME:
            return _frame_header(segment, adobe_transform=adobe_transform)
    raise PixelsCorrupt("there is no frame header")


def check_codestream(header: CodestreamHeader, codestream: Octets, pixels: PixelDescription) -> None:
    """Refuse what a codec must not be given: it would allocate what the codestream asks for, or fill up what
    has been cut off with zeros and say nothing. Raises PixelsCorrupt.
    """
    expected = (pixels.rows, pixels.columns, pixels.samples_per_pixel)
    if (header.rows, header.columns, header.components) != expected:
        raise PixelsCorrupt(
            f"the codestream has {header.rows} x {header.columns} x {header.components} samples"
        )
    if header.precision > pixels.bits_allocated:
        raise PixelsCorrupt(
            f"the codestream has {header.precision} bits, Bits Allocated {pixels.bits_allocated}"
        )
    if _END not in bytes(codestream[-_PADDING_MAX_BYTES:]):
        raise PixelsCorrupt("the codestream is cut short: its end has no marker")


def read_jpeg_2000_header(codestream: Octets) -> CodestreamHeader:
    """The SIZ marker segment of a JPEG 2000 codestream, in its file format or bare. Raises PixelsCorrupt."""
    view = memoryview(codestream)
    start = 0
    if bytes(view[:8]) == _JP2_SIGNATURE:
        start = bytes(view[:4096]).find(_CODESTREAM)
    if start < 0 or bytes(view[start : start + 4]) != _CODESTREAM or len(view) < start + 45:
        raise PixelsCorrupt("there is no JPEG 2000 codestream")
    size = view[start + 4 :]

    def number(offset: int, length: int) -> int:
        return int.from_bytes(size[offset : offset + length], "big")

    components = number(36, 2)
    if components == 0 or len(size) < 38 + 3 * components:
        raise PixelsCorrupt("the SIZ marker segment is cut short")
    depths = {number(38 + 3 * index, 1) for index in range(components)}
    if len(depths) > 1:
        raise PixelsCorrupt("the components differ in precision")
    depth = depths.pop()
    steps = {number(39 + 3 * index, 2) for index in range(components)}
    return CodestreamHeader(
        rows=number(8, 4) - number(16, 4),
        columns=number(4, 4) - number(12, 4),
        components=components,
        precision=(depth & 0x7F) + 1,
        is_signed=bool(depth & 0x80),
        is_subsampled=steps != {0x0101},
        component_ids=b"",
        adobe_transform=None,
    )


def _segments(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Markers with their segments, without the lengths, up to the first scan."""
    if bytes(view[:2]) != _START_OF_IMAGE:
        raise PixelsCorrupt("the codestream does not begin with SOI")
    offset = 2
    while offset + 4 <= len(view) and view[offset] == 0xFF:
        marker = view[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        if marker == _START_OF_SCAN:
            return
        length = int.from_bytes(view[offset + 2 : offset + 4], "big")
        yield marker, view[offset + 4 : offset + 2 + length]
        offset += 2 + length


def _frame_header(segment: memoryview, *, adobe_transform: int | None) -> CodestreamHeader:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise PixelsCorrupt("the frame header is cut short")
    components = [segment[6 + 3 * index : 9 + 3 * index] for index in range(segment[5])]
    return CodestreamHeader(
        rows=int.from_bytes(segment[1:3], "big"),
        columns=int.from_bytes(segment[3:5], "big"),
        components=len(components),
        precision=segment[0],
        is_signed=False,
        is_subsampled=len({component[1] for component in components}) > 1,
        component_ids=bytes(component[0] for component in components),
        adobe_transform=adobe_transform,
    )
