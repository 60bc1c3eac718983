"""Frames of a source as they come out of a decoder, and as they go into a rendition; one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import xxhash

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
from tasks.transcode.codecs.samples import interleaved, stored_values
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import PIXEL_DATA
from tasks.transcode.source import Source


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a rendition is made."""

    decoder: Decoder
    encoder: Encoder
    fidelity: Fidelity


def decoded_frame(source: Source, decoder: Decoder, index: int) -> Decoded:
    """A native frame, numbered from 0.

    Raises PixelsUnsupported, PixelsCorrupt, MemoryError, element.DataSetMalformed.
    """
    return decoded_codestream(source.frames.read(index), source.pixels, source.syntax.uid, decoder)


def decoded_codestream(frame: Octets, pixels: PixelDescription, syntax_uid: str, decoder: Decoder) -> Decoded:
    """A native frame of one in a transfer syntax. Raises PixelsUnsupported, PixelsCorrupt, MemoryError."""
    try:
        decoded = decoder.decode(frame, pixels, syntax_uid)
    except (PixelsUnsupported, PixelsCorrupt, MemoryError):
        raise
    except Exception as error:  # codecs say what they like
        raise PixelsCorrupt(f"{decoder.name}: {_one_line(error)}") from error
    if len(decoded.samples) != decoded.pixels.frame_bytes:
        raise PixelsCorrupt(
            f"{decoder.name} gave {len(decoded.samples)} bytes, not {decoded.pixels.frame_bytes}"
        )
    return decoded


def flat_frame(source: Source, decoder: Decoder, index: int) -> Decoded:
    """The same as flat() gives it."""
    return flat(decoded_frame(source, decoder, index))


def flat(frame: Decoded) -> Decoded:
    """In planar configuration 0, without subsampling and unused bits, as frames are compared."""
    return stored_values(interleaved(frame.samples, frame.pixels))


def flat_digest(frame: Decoded) -> int:
    """A digest of a frame's samples as flat() gives them."""
    return xxhash.xxh3_64_intdigest(flat(frame).samples)


def encoded_frames(source: Source, recipe: Recipe, digests: list[int]) -> Iterator[Encoded]:
    """Every frame, decoded and encoded; digests gets one of what each was in between.

    Raises what decoded_frame raises.
    """
    encoder = recipe.encoder
    if source.element.tag != PIXEL_DATA and encoder.name != "native":
        raise PixelsUnsupported(f"{encoder.name} takes no floating point samples")
    if encoder.method and source.pixels.photometric_interpretation == "PALETTE COLOR":
        raise PixelsUnsupported("loss in the numbers of a palette would be any colour")
    lies = None
    for index in range(len(source.frames)):
        decoded = decoded_frame(source, recipe.decoder, index)
        digests.append(flat_digest(decoded))
        encoded = encoded_frame(decoded, encoder, recipe.fidelity)
        if lies is not None and encoded.pixels != lies:
            raise PixelsCorrupt(f"frame {index + 1} is not of the colour space of the first")
        lies = encoded.pixels
        yield encoded


def encoded_frame(decoded: Decoded, encoder: Encoder, fidelity: Fidelity) -> Encoded:
    """Raises PixelsUnsupported, PixelsCorrupt, MemoryError."""
    try:
        return encoder.encode(decoded.samples, decoded.pixels, fidelity)
    except (PixelsUnsupported, PixelsCorrupt, MemoryError):
        raise
    except Exception as error:
        raise PixelsUnsupported(f"{encoder.name}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
