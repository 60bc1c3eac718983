"""pylibjpeg-rle: RLE Lossless, both ways. PS3.5 G."""

from dataclasses import replace
from typing import Final

from rle.utils import decode_pixel_data, encode_pixel_data

from tasks.transcode.codecs.codec import (
    Decoded,
    Decoder,
    Encoded,
    Encoder,
    Fidelity,
    Octets,
    PixelsCorrupt,
    PixelsUnsupported,
)
from tasks.transcode.codecs.samples import interleaved
from tasks.transcode.pixel_description import PixelDescription

_RLE: Final = "1.2.840.10008.1.2.5"
_MAX_SEGMENTS: Final = 15


def _decode(frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    if pixels.bits_allocated == 1:
        raise PixelsUnsupported("RLE of one bit a pixel")
    full = replace(pixels, planar_configuration=1, photometric_interpretation=_full(pixels))
    samples: Octets = decode_pixel_data(  # type: ignore[assignment]
        bytes(frame),
        version=2,
        rows=pixels.rows,
        columns=pixels.columns,
        bits_allocated=pixels.bits_allocated,
    )
    if len(samples) != full.frame_bytes:
        raise PixelsCorrupt(f"the frame has {len(samples)} bytes, not {full.frame_bytes}")
    if pixels.samples_per_pixel == 1:
        return Decoded(samples, pixels)
    return interleaved(samples, full)


def _full(pixels: PixelDescription) -> str:
    """RLE's segments are planes of the same size, whatever is said of subsampling."""
    photometric = pixels.photometric_interpretation
    return "YBR_FULL" if photometric == "YBR_FULL_422" else photometric


def _encode(frame: Octets, pixels: PixelDescription, _fidelity: Fidelity) -> Encoded:
    segments = pixels.samples_per_pixel * pixels.bits_allocated // 8
    if pixels.bits_allocated == 1 or segments > _MAX_SEGMENTS or pixels.samples_per_pixel not in (1, 3):
        raise PixelsUnsupported(f"RLE of {pixels.samples_per_pixel} x {pixels.bits_allocated} bits")
    flat = interleaved(frame, pixels)
    codestream = encode_pixel_data(
        bytes(flat.samples),
        byteorder="<",
        rows=pixels.rows,
        columns=pixels.columns,
        samples_per_pixel=pixels.samples_per_pixel,
        bits_allocated=pixels.bits_allocated,
    )
    return Encoded(codestream, flat.pixels)


DECODERS = (Decoder("pylibjpeg-rle", frozenset((_RLE,)), _decode),)
ENCODERS = (Encoder("pylibjpeg-rle", _RLE, "", _encode),)
