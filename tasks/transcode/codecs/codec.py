"""What a codec is: a name, the transfer syntaxes it knows, and a function of one frame.

A deployment's own decoders (CODEC_MODULES) are values of Decoder in a tuple DECODERS of their module.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.transcode.pixel_description import PixelDescription

Octets = bytes | bytearray | memoryview


class PixelsUnsupported(Exception):
    """This codec is not made for such pixels; another one may be."""


class PixelsCorrupt(Exception):
    """The codestream is broken, or is not of the image that the data set describes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A native little endian frame, and how it lies: pixels differs from what the data set says where the
    codestream's colour was transformed or its samples were interleaved.
    """

    samples: Octets
    pixels: PixelDescription


@dataclass(frozen=True, slots=True)
class Decoder:
    """decode(frame, pixels, transfer_syntax_uid): frame is one frame's codestream, whole.

    Raises PixelsUnsupported, PixelsCorrupt, MemoryError; anything else raised counts as PixelsCorrupt.
    """

    name: str
    transfer_syntax_uids: frozenset[str]
    decode: Callable[[Octets, PixelDescription, str], Decoded]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far an encoder may go: near, what each sample may differ by, for near-lossless JPEG-LS; ratio, what
    JPEG 2000 is compressed by. Encoders of lossless syntaxes do not look at it.
    """

    near: int = 0
    ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Encoded:
    codestream: Octets
    pixels: PixelDescription


@dataclass(frozen=True, slots=True)
class Encoder:
    """encode(frame, pixels, fidelity): frame is native little endian as pixels says, planar configuration 0.

    Raises PixelsUnsupported for pixels that the transfer syntax cannot hold. method is the defined term of
    Lossy Image Compression Method, PS3.3 C.7.6.1.1.5.1; "" for a lossless one.
    """

    name: str
    transfer_syntax_uid: str
    method: str
    encode: Callable[[Octets, PixelDescription, Fidelity], Encoded]
