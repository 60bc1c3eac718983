"""GDCM: its own JPEG in 8, 12 and 16 bits, CharLS, OpenJPEG. It looks at a codestream through an image's
attributes and gives samples untransformed, but for JPEG 2000's own transforms.
"""

from dataclasses import replace
from typing import Final

import gdcm

from tasks.transcode.codecs.codec import Decoded, Decoder, Octets, PixelsUnsupported
from tasks.transcode.codecs.codestream import (
    CodestreamHeader,
    check_codestream,
    read_jpeg_2000_header,
    read_jpeg_header,
)
from tasks.transcode.codecs.samples import as_rgb, container_bytes, decoded
from tasks.transcode.pixel_description import PixelDescription

_JPEG: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55))
_JPEG_LOSSLESS: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (57, 70))
_JPEG_LS: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (80, 81))
_RLE: Final = "1.2.840.10008.1.2.5"
_JPEG_2000: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91))

# Its warnings go to the standard error output, which says nothing to anybody.
gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()


def _decode(frame: Octets, pixels: PixelDescription, transfer_syntax_uid: str) -> Decoded:
    read_header = read_jpeg_2000_header if transfer_syntax_uid in _JPEG_2000 else read_jpeg_header
    header = read_header(frame)
    check_codestream(header, frame, pixels)
    samples = _samples(frame, header, pixels, transfer_syntax_uid)
    photometric = pixels.photometric_interpretation
    if transfer_syntax_uid in _JPEG_2000 and photometric in ("YBR_RCT", "YBR_ICT"):
        photometric = "RGB"
    elif transfer_syntax_uid in _JPEG and header.components == 3:
        if header.is_ycbcr(photometric):
            samples = as_rgb(samples, header.precision)
        photometric = "RGB"
    elif photometric == "YBR_FULL_422":
        photometric = "YBR_FULL"  # nothing but JPEG's lossy processes is subsampled
    return decoded(samples, header, pixels, photometric=photometric)


def _decode_rle(frame: Octets, pixels: PixelDescription, transfer_syntax_uid: str) -> Decoded:
    if pixels.bits_allocated == 1 or (pixels.samples_per_pixel > 1 and pixels.bits_allocated > 8):
        # It mixes up the segments of those, and says nothing.
        raise PixelsUnsupported(f"RLE of {pixels.samples_per_pixel} x {pixels.bits_allocated} bits")
    samples = _samples(frame, _header_of_rle(pixels), pixels, transfer_syntax_uid)
    photometric = pixels.photometric_interpretation
    lies = replace(
        pixels,
        planar_configuration=0,
        photometric_interpretation="YBR_FULL" if photometric == "YBR_FULL_422" else photometric,
    )
    return Decoded(samples, lies)


def _header_of_rle(pixels: PixelDescription) -> CodestreamHeader:
    """RLE says nothing of itself."""
    return CodestreamHeader(
        rows=pixels.rows,
        columns=pixels.columns,
        components=pixels.samples_per_pixel,
        precision=pixels.bits_allocated,
        is_signed=False,
        is_subsampled=False,
        component_ids=b"",
        adobe_transform=None,
    )


def _samples(
    frame: Octets, header: CodestreamHeader, pixels: PixelDescription, transfer_syntax_uid: str
) -> bytes:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(bytes(frame))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((pixels.columns, pixels.rows, 1))
    image.SetDataElement(element)
    interpretation = gdcm.PhotometricInterpretation.GetPIType(pixels.photometric_interpretation)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(interpretation))
    if header.components > 1:
        image.SetPlanarConfiguration(0)
    syntax = gdcm.TransferSyntax.GetTSType(transfer_syntax_uid)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(
        gdcm.PixelFormat(
            header.components,
            8 * container_bytes(header.precision),
            header.precision,
            header.precision - 1,
            int(header.is_signed),
        )
    )
    expected_bytes = header.rows * header.columns * header.components * container_bytes(header.precision)
    if image.GetBufferLength() != expected_bytes:
        raise PixelsUnsupported(f"GDCM would give {image.GetBufferLength()} bytes, not {expected_bytes}")
    # The buffer comes as text, made of its bytes.
    buffer: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return buffer


DECODERS = (
    Decoder("gdcm", _JPEG | _JPEG_LOSSLESS | _JPEG_LS | _JPEG_2000, _decode),
    Decoder("gdcm", frozenset((_RLE,)), _decode_rle),
)
