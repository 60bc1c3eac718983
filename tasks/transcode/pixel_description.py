"""What an instance says of its pixels, from the data set's top level alone. PS3.3 C.7.6.3, C.7.6.6.

Nothing here decodes, and no codec is imported: workers and web processes plan by it.
"""

import os
from dataclasses import dataclass, fields
from typing import Final

from dicomhub.standard.element import DataSetMalformed, DataSetTruncated, Encoding, encoding_of
from dicomhub.standard.inflate import HEAD_STEPS_BYTES, inflate_head
from dicomhub.standard.transfer_syntax import TransferSyntax, transfer_syntax
from tasks.transcode.known import FileKey, Known
from tasks.transcode.pixel_element import PIXEL_DATA, PixelElement, map_file, top_level

_SOP_CLASS_UID: Final = 0x00080016
_SOP_INSTANCE_UID: Final = 0x00080018
_MANUFACTURER: Final = 0x00080070
_SAMPLES_PER_PIXEL: Final = 0x00280002
_PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
_PLANAR_CONFIGURATION: Final = 0x00280006
_NUMBER_OF_FRAMES: Final = 0x00280008
_ROWS: Final = 0x00280010
_COLUMNS: Final = 0x00280011
_BITS_ALLOCATED: Final = 0x00280100
_BITS_STORED: Final = 0x00280101
_HIGH_BIT: Final = 0x00280102
_PIXEL_REPRESENTATION: Final = 0x00280103
_LOSSY_IMAGE_COMPRESSION: Final = 0x00282110
_OVERLAY_BIT_POSITIONS: Final = tuple(0x60000102 + (number << 17) for number in range(16))
_WANTED: Final = frozenset(
    (
        _SOP_CLASS_UID, _SOP_INSTANCE_UID, _MANUFACTURER, _SAMPLES_PER_PIXEL, _PHOTOMETRIC_INTERPRETATION,
        _PLANAR_CONFIGURATION, _NUMBER_OF_FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT,
        _PIXEL_REPRESENTATION, _LOSSY_IMAGE_COMPRESSION, *_OVERLAY_BIT_POSITIONS,
    )
)  # fmt: skip
_BITS_ALLOCATED_VALUES: Final = (1, 8, 16, 32, 64)


class PixelDescriptionMissing(ValueError):
    """There is Pixel Data, and the attributes that it is read by are absent or contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelDescription:
    """The Image Pixel module, and how many frames there are."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    number_of_frames: int
    is_lossy: bool
    """Lossy Image Compression (0028,2110) is 01."""
    has_overlay_within: bool = False
    """An overlay is in a bit above Bits Stored: Overlay Bit Position (60xx,0102). PS3.5 8.1.2, retired."""

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame. Frames of one bit a pixel do not begin at a byte. PS3.5 8.1.1, 8.2."""
        pixels = self.rows * self.columns
        if self.photometric_interpretation == "YBR_FULL_422" and self.samples_per_pixel == 3:
            return pixels * 2 * self.bits_allocated
        return pixels * self.samples_per_pixel * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        """Bytes that one native frame takes, the last one begun."""
        return (self.frame_bits + 7) // 8

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames, native, without the padding to an even length."""
        return (self.frame_bits * self.number_of_frames + 7) // 8

    @property
    def is_signed(self) -> bool:
        return self.pixel_representation == 1

    @property
    def is_all_in_low_bits(self) -> bool:
        """Whether the Bits Stored low bits of a sample are all that it says: those above are unused.

        They may hold anything, a sign that was not extended for one, and mean nothing. PS3.5 8.1.1.
        """
        return self.high_bit == self.bits_stored - 1 and not self.has_overlay_within


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """An archived instance as planning sees it. pixels is None where there are none: reports, documents."""

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    manufacturer: str
    pixels: PixelDescription | None


def read_pixel_description(path: str | os.PathLike[str]) -> SourceDescription:
    """What the archived file at path is, without a look at its pixels.

    Raises OSError, part10.Part10Malformed, transfer_syntax.TransferSyntaxUnknown, element.DataSetMalformed
    and PixelDescriptionMissing.
    """
    meta, data, version = map_file(path)
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    if not syntax.is_deflated:
        return known_description((str(path), version), data, syntax)[0]
    for max_bytes in HEAD_STEPS_BYTES:
        head, is_complete = inflate_head(data, max_bytes=max_bytes)
        try:
            return describe(memoryview(head), syntax)[0]
        except DataSetTruncated:
            if is_complete or len(head) < max_bytes:
                raise
    raise DataSetMalformed(f"no Pixel Data in the first {max_bytes} bytes inflated")


_DESCRIPTIONS: Final = Known[tuple[SourceDescription, PixelElement | None]](64)


def known_description(
    key: FileKey, data: memoryview, syntax: TransferSyntax
) -> tuple[SourceDescription, PixelElement | None]:
    """What describe() gives of a file's data set."""
    return _DESCRIPTIONS.of(key, lambda: describe(data, syntax))


def describe(data: memoryview, syntax: TransferSyntax) -> tuple[SourceDescription, PixelElement | None]:
    """The same of a data set (inflated), and where its pixels are.

    Raises element.DataSetMalformed and PixelDescriptionMissing.
    """
    encoding = encoding_of(data, syntax)
    values, element = top_level(data, encoding, _WANTED)
    text = {tag: value.decode("latin-1").strip("\0 ") for tag, value in values.items()}
    source = SourceDescription(
        transfer_syntax_uid=syntax.uid,
        sop_class_uid=text.get(_SOP_CLASS_UID, ""),
        sop_instance_uid=text.get(_SOP_INSTANCE_UID, ""),
        manufacturer=text.get(_MANUFACTURER, "")[:64],
        pixels=None if element is None else _pixels(values, text, encoding, element),
    )
    return source, element


def _pixels(
    values: dict[int, bytes], text: dict[int, str], encoding: Encoding, element: PixelElement
) -> PixelDescription:
    def number(tag: int, name: str, default: int | None = None) -> int:
        value = values.get(tag, b"")[:2]
        if len(value) == 2:
            return int.from_bytes(value, encoding.byte_order)
        if default is None:
            raise PixelDescriptionMissing(f"{name} is absent")
        return default

    bits_allocated = number(_BITS_ALLOCATED, "Bits Allocated")
    samples_per_pixel = number(_SAMPLES_PER_PIXEL, "Samples per Pixel", 1)
    is_integer = element.tag == PIXEL_DATA
    bits_stored = number(_BITS_STORED, "Bits Stored", bits_allocated) if is_integer else bits_allocated
    return _checked(
        PixelDescription(
            rows=number(_ROWS, "Rows"),
            columns=number(_COLUMNS, "Columns"),
            samples_per_pixel=samples_per_pixel,
            photometric_interpretation=text.get(_PHOTOMETRIC_INTERPRETATION, "").upper()
            or ("MONOCHROME2" if samples_per_pixel == 1 else "RGB"),
            planar_configuration=number(_PLANAR_CONFIGURATION, "Planar Configuration", 0),
            bits_allocated=bits_allocated,
            bits_stored=bits_stored,
            high_bit=_high_bit(number(_HIGH_BIT, "High Bit", bits_stored - 1), bits_stored, bits_allocated),
            pixel_representation=number(_PIXEL_REPRESENTATION, "Pixel Representation", 0)
            if is_integer
            else 0,
            number_of_frames=_number_of_frames(text.get(_NUMBER_OF_FRAMES, "")),
            is_lossy=text.get(_LOSSY_IMAGE_COMPRESSION, "") == "01",
            has_overlay_within=any(number(tag, "", 0) >= bits_stored for tag in _OVERLAY_BIT_POSITIONS),
        )
    )


def _high_bit(said: int, bits_stored: int, bits_allocated: int) -> int:
    """One that cannot be is what it nearly always is."""
    return said if bits_stored - 1 <= said < bits_allocated else bits_stored - 1


def _number_of_frames(text: str) -> int:
    """An IS; 1 where it is absent, or nonsense: there is at least one frame."""
    first = text.partition("\\")[0].strip()
    return max(1, int(first)) if first.isascii() and first.isdigit() and len(first) <= 9 else 1


def _checked(pixels: PixelDescription) -> PixelDescription:
    wrong = {
        "rows": pixels.rows == 0,
        "columns": pixels.columns == 0,
        "samples_per_pixel": pixels.samples_per_pixel not in (1, 3, 4),
        "bits_allocated": pixels.bits_allocated not in _BITS_ALLOCATED_VALUES,
        "bits_stored": not 1 <= pixels.bits_stored <= pixels.bits_allocated,
        "planar_configuration": pixels.planar_configuration > 1,
        "pixel_representation": pixels.pixel_representation > 1,
    }
    for field in fields(pixels):
        if wrong.get(field.name):
            raise PixelDescriptionMissing(f"{field.name} cannot be {getattr(pixels, field.name)}")
    return pixels
