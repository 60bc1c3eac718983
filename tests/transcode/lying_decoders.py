"""Decoders of a deployment that give other pixels than there are, as CODEC_MODULES would name them."""

from tasks.transcode.codecs.codec import Decoded, Decoder, Octets
from tasks.transcode.pixel_description import PixelDescription


def _blank(_frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    return Decoded(bytes(pixels.frame_bytes), pixels)


def _short(_frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    return Decoded(bytes(pixels.frame_bytes - 1), pixels)


def _broken(_frame: Octets, _pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    raise KeyError("of my\nown")


_LOSSLESS_JPEG = frozenset(("1.2.840.10008.1.2.4.70",))
_PART_2 = frozenset(("1.2.840.10008.1.2.4.92",))

DECODERS = (
    Decoder("blank", _LOSSLESS_JPEG, _blank),
    Decoder("short", _LOSSLESS_JPEG, _short),
    Decoder("broken", _LOSSLESS_JPEG, _broken),
    Decoder("blank part 2", _PART_2, _blank),
)
