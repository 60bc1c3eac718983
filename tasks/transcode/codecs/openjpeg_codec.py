"""pylibjpeg-openjpeg: JPEG 2000 both ways, and high-throughput JPEG 2000 to read."""

from dataclasses import replace
from typing import Final

from openjpeg.utils import decode_pixel_data, encode_buffer

from tasks.transcode.codecs.codec import (
    Decoded,
    Decoder,
    Encoded,
    Encoder,
    Fidelity,
    Octets,
    PixelsUnsupported,
)
from tasks.transcode.codecs.codestream import check_codestream, read_jpeg_2000_header
from tasks.transcode.codecs.samples import container_bytes, decoded, samples_to_encode
from tasks.transcode.pixel_description import PixelDescription

_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
_LOSSY: Final = "1.2.840.10008.1.2.4.91"
_READ: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
_MAX_PRECISION: Final = 24
_RGB: Final = 1  # openjpeg's number for it, which turns on the transform


def _decode(frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    header = read_jpeg_2000_header(frame)
    check_codestream(header, frame, pixels)
    samples: Octets = decode_pixel_data(bytes(frame), version=2)  # type: ignore[assignment]
    photometric = pixels.photometric_interpretation
    if photometric in ("YBR_RCT", "YBR_ICT"):
        photometric = "RGB"
    return decoded(samples, header, pixels, photometric=photometric)


def _encode_lossless(frame: Octets, pixels: PixelDescription, _fidelity: Fidelity) -> Encoded:
    return _encode(frame, pixels, ratio=None, transformed="YBR_RCT")


def _encode_lossy(frame: Octets, pixels: PixelDescription, fidelity: Fidelity) -> Encoded:
    return _encode(frame, pixels, ratio=fidelity.ratio, transformed="YBR_ICT")


def _encode(frame: Octets, pixels: PixelDescription, *, ratio: float | None, transformed: str) -> Encoded:
    precision = pixels.bits_stored
    if precision > _MAX_PRECISION:
        raise PixelsUnsupported(f"JPEG 2000 of {precision} bits")
    values, lies = samples_to_encode(frame, pixels)
    kind = "i" if pixels.is_signed else "u"
    samples = values.astype(f"<{kind}{container_bytes(precision)}")
    is_rgb = lies.photometric_interpretation == "RGB"
    codestream = encode_buffer(
        samples.tobytes(),
        pixels.columns,
        pixels.rows,
        pixels.samples_per_pixel,
        precision,
        pixels.is_signed,
        photometric_interpretation=_RGB if is_rgb else 0,
        use_mct=is_rgb,
        compression_ratios=None if ratio is None else [ratio],
    )
    photometric = transformed if is_rgb else lies.photometric_interpretation
    return Encoded(codestream, replace(lies, photometric_interpretation=photometric))


DECODERS = (Decoder("openjpeg", _READ, _decode),)
ENCODERS = (
    Encoder("openjpeg", _LOSSLESS, "", _encode_lossless),
    Encoder("openjpeg", _LOSSY, "ISO_15444_1", _encode_lossy),
)
