"""Pixels that are not compressed: as they are, but for what makes a frame one that stands alone."""

from dicomhub.standard.transfer_syntax import (
    ENCAPSULATED_UNCOMPRESSED,
    EXPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
)
from tasks.transcode.codecs.codec import Decoded, Decoder, Encoded, Encoder, Fidelity, Octets, PixelsCorrupt
from tasks.transcode.codecs.samples import interleaved
from tasks.transcode.pixel_description import PixelDescription

_NATIVE = frozenset(uid for uid, syntax in TRANSFER_SYNTAXES.items() if not syntax.is_encapsulated)


def _decode(frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    if len(frame) < pixels.frame_bytes:
        raise PixelsCorrupt(f"the frame has {len(frame)} bytes, not {pixels.frame_bytes}")
    return Decoded(frame[: pixels.frame_bytes], pixels)


def _encode(frame: Octets, pixels: PixelDescription, _fidelity: Fidelity) -> Encoded:
    if pixels.planar_configuration == 0:
        return Encoded(frame, pixels)
    flat = interleaved(frame, pixels)
    return Encoded(flat.samples, flat.pixels)


DECODERS = (Decoder("native", _NATIVE | {ENCAPSULATED_UNCOMPRESSED}, _decode),)
ENCODERS = (Encoder("native", EXPLICIT_VR_LITTLE_ENDIAN, "", _encode),)
