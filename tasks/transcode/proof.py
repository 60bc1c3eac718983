"""Proof of a rendition: what was written is what the source is.

Every frame of the rendition is read back from its file and compared with the source's frame as a second
decoder gives it. Where no second decoder reads the source, with the digests of what the first one gave, and a
frame that came out blank from a codestream too long for one is refused.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tasks.transcode.codecs.codec import Decoded, Decoder, Encoded, Encoder, PixelsCorrupt, PixelsUnsupported
from tasks.transcode.codecs.registry import Registry
from tasks.transcode.codecs.samples import samples_of
from tasks.transcode.frame_pipeline import Recipe, decoded_codestream, flat_digest, flat_frame
from tasks.transcode.lossy_attributes import lossy_method
from tasks.transcode.source import Source

# What two right decoders may differ by in a sample: JPEG's cosine transform is exact to one before YCbCr is
# transformed into RGB, the wavelet of lossy JPEG 2000 is computed in floating point.
_JPEG_TOLERANCE: Final = 4
_JPEG_2000_TOLERANCE: Final = 2
_JPEG_2000_TARGET: Final = "1.2.840.10008.1.2.4.91"
_JPEG_2000_LOSSY: Final = ("1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203")
# A rendition in lossy JPEG 2000 may differ in the root mean square by so much of the range of the samples.
_LOSSY_SHARE: Final = 0.02
# No codec here takes more than so much for a blank frame; JPEG's lossless process takes one bit a sample.
_BLANK_BITS: Final = 2
_BLANK_BYTES: Final = 4096


class RenditionMismatch(Exception):
    """The rendition's pixels are not the source's."""


def prove(
    source: Source,
    rendition: Source,
    registry: Registry,
    recipe: Recipe,
    *,
    second: Decoder | None,
    digests: Sequence[int],
) -> None:
    """Raise unless the rendition is what the source is as `second` gives it, which is not recipe.decoder.

    digests are those of the source's frames as recipe.decoder has given them. Raises RenditionMismatch,
    PixelsUnsupported when second is not made for such pixels, by its own word on the first frame, and what
    frame_pipeline.decoded_frame raises.
    """
    if len(rendition.frames) != len(source.frames):
        raise RenditionMismatch(f"{len(rendition.frames)} frames of {len(source.frames)}")
    decoder, encoder = recipe.decoder, recipe.encoder
    first_frame = _first_frame(source, second) if second else None
    reader = _reader(rendition, registry, encoder)
    for index in range(len(source.frames)):
        written = _read(rendition, reader, index)
        if second is not None:
            expected = first_frame if index == 0 and first_frame else _read(source, second, index)
        elif encoder.method:
            expected = _read(source, decoder, index)
        else:
            if flat_digest(written) != digests[index]:
                raise RenditionMismatch(f"frame {index + 1} is not what {decoder.name} gave")
            _check_blank(written, len(source.frames.read(index)), index)
            continue
        _compare(expected, written, index, source.syntax.uid, recipe)


def prove_frame(given: Decoded, encoded: Encoded, encoder: Encoder, registry: Registry) -> None:
    """Raise RenditionMismatch unless a codestream, encoded without loss, is read back as what was given."""
    reasons = []
    for reader in _readers(registry, encoder):
        try:
            written = decoded_codestream(
                encoded.codestream, encoded.pixels, encoder.transfer_syntax_uid, reader
            )
        except (PixelsCorrupt, PixelsUnsupported) as error:
            reasons.append(f"{reader.name}: {error}")
            continue
        if flat_digest(written) != flat_digest(given):
            raise RenditionMismatch(f"{reader.name} reads another frame than {encoder.name} was given")
        return
    raise RenditionMismatch(f"nothing reads the frame: {'; '.join(reasons)}")


def _reader(rendition: Source, registry: Registry, encoder: Encoder) -> Decoder:
    """What reads the rendition: not what wrote it, where anything else does."""
    reasons = []
    for reader in _readers(registry, encoder):
        try:
            flat_frame(rendition, reader, 0)
        except (PixelsCorrupt, PixelsUnsupported) as error:
            reasons.append(f"{reader.name}: {error}")
        else:
            return reader
    raise RenditionMismatch(f"nothing reads the rendition: {'; '.join(reasons)}")


def _readers(registry: Registry, encoder: Encoder) -> tuple[Decoder, ...]:
    uid = encoder.transfer_syntax_uid
    return *registry.other_decoders(encoder.name, uid), registry.decoder(encoder.name, uid)


def _first_frame(source: Source, second: Decoder) -> Decoded:
    try:
        return flat_frame(source, second, 0)
    except PixelsCorrupt as error:
        raise RenditionMismatch(f"{second.name} cannot read frame 1: {error}") from error


def _read(source: Source, decoder: Decoder, index: int) -> Decoded:
    try:
        return flat_frame(source, decoder, index)
    except (PixelsCorrupt, PixelsUnsupported) as error:
        raise RenditionMismatch(f"{decoder.name} cannot read frame {index + 1}: {error}") from error


def _compare(expected: Decoded, written: Decoded, index: int, source_uid: str, recipe: Recipe) -> None:
    if expected.pixels.photometric_interpretation != written.pixels.photometric_interpretation:
        raise RenditionMismatch(
            f"frame {index + 1} is {written.pixels.photometric_interpretation}, "
            f"not {expected.pixels.photometric_interpretation}"
        )
    if np.array_equal(np.frombuffer(expected.samples, "u1"), np.frombuffer(written.samples, "u1")):
        return
    if expected.pixels.frame_bytes != written.pixels.frame_bytes:
        raise RenditionMismatch(f"frame {index + 1} has {written.pixels.frame_bytes} bytes")
    difference = np.abs(
        samples_of(expected.samples, expected.pixels).astype(np.int64)
        - samples_of(written.samples, written.pixels).astype(np.int64)
    )
    if recipe.encoder.transfer_syntax_uid == _JPEG_2000_TARGET:
        error = float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))
        bound = _LOSSY_SHARE * (1 << expected.pixels.bits_stored) + _tolerance(source_uid)
    else:
        error = float(difference.max())
        bound = recipe.fidelity.near + _tolerance(source_uid)
    if error > bound:
        raise RenditionMismatch(f"frame {index + 1} differs by {error:g}, and may by {bound:g}")


def _tolerance(transfer_syntax_uid: str) -> int:
    if transfer_syntax_uid in _JPEG_2000_LOSSY:
        return _JPEG_2000_TOLERANCE
    is_jpeg = lossy_method(transfer_syntax_uid) == "ISO_10918_1"
    return _JPEG_TOLERANCE if is_jpeg else 0


def _check_blank(written: Decoded, stored_bytes: int, index: int) -> None:
    """Refuse a frame of one value whose codestream is too long for it."""
    pixels = written.pixels
    blank_bits = _BLANK_BITS * pixels.rows * pixels.columns * pixels.samples_per_pixel
    if stored_bytes * 8 <= blank_bits + 8 * _BLANK_BYTES or stored_bytes >= pixels.frame_bytes:
        return
    values = np.frombuffer(written.samples, "u1").reshape(-1, max(1, pixels.bits_allocated // 8))
    if not (values != values[0]).any():
        raise RenditionMismatch(f"frame {index + 1} is blank, made of {stored_bytes} bytes")
