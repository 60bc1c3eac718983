"""pyjpegls, that is CharLS: JPEG-LS, both ways."""

from typing import Final

import jpeg_ls
import numpy as np

from tasks.transcode.codecs.codec import (
    Decoded,
    Decoder,
    Encoded,
    Encoder,
    Fidelity,
    Octets,
    PixelsUnsupported,
)
from tasks.transcode.codecs.codestream import check_codestream, read_jpeg_header
from tasks.transcode.codecs.samples import container_bytes, decoded, samples_to_encode
from tasks.transcode.pixel_description import PixelDescription

_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
_BY_PLANE, _BY_SAMPLE = 0, 2


def _decode(frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    header = read_jpeg_header(frame)
    check_codestream(header, frame, pixels)
    samples, info = jpeg_ls.decode_pixel_data(bytes(frame))
    if header.components > 1 and info["interleave_mode"] == _BY_PLANE:
        item = f"<u{container_bytes(header.precision)}"
        samples = np.frombuffer(samples, item).reshape(header.components, -1).T.tobytes()
    return decoded(samples, header, pixels, photometric=pixels.photometric_interpretation)


def _encode_lossless(frame: Octets, pixels: PixelDescription, _fidelity: Fidelity) -> Encoded:
    return _encode(frame, pixels, near=0)


def _encode_near_lossless(frame: Octets, pixels: PixelDescription, fidelity: Fidelity) -> Encoded:
    if pixels.is_signed:
        # JPEG-LS knows no sign: an error of one would turn the largest value into the smallest.
        raise PixelsUnsupported("near-lossless JPEG-LS of signed samples")
    return _encode(frame, pixels, near=fidelity.near)


def _encode(frame: Octets, pixels: PixelDescription, *, near: int) -> Encoded:
    if pixels.bits_allocated not in (8, 16):
        raise PixelsUnsupported(f"JPEG-LS of {pixels.bits_allocated} bits allocated")
    values, lies = samples_to_encode(frame, pixels)
    precision = max(2, pixels.bits_stored)
    bits = values.view(f"<u{pixels.bits_allocated // 8}") & ((1 << precision) - 1)
    codestream = jpeg_ls.encode_buffer(
        bits.astype(f"<u{container_bytes(precision)}").tobytes(),
        pixels.rows,
        pixels.columns,
        pixels.samples_per_pixel,
        precision,
        near,
        _BY_SAMPLE if pixels.samples_per_pixel > 1 else _BY_PLANE,
    )
    return Encoded(codestream, lies)


DECODERS = (Decoder("pyjpegls", frozenset((_LOSSLESS, _NEAR_LOSSLESS)), _decode),)
ENCODERS = (
    Encoder("pyjpegls", _LOSSLESS, "", _encode_lossless),
    Encoder("pyjpegls", _NEAR_LOSSLESS, "ISO_14495_1", _encode_near_lossless),
)
