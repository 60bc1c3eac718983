"""One sample file for each kind of pixels: what is alike in all that says how they lie is tested once."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from tasks.transcode.pixel_description import PixelDescriptionMissing
from tasks.transcode.source import open_source
from tests.support.samples import sample_files

# Takes seconds to decode by the references, and its kind is there native.
_MAX_BYTES = 4_000_000


@cache
def kinds_of_pixels(*, but: frozenset[str] = frozenset()) -> tuple[Path, ...]:
    """The smallest file of each transfer syntax and Image Pixel module, one frame or several."""
    smallest: dict[object, tuple[int, Path]] = {}
    for path in sample_files():
        try:
            source = open_source(path)
        except (Part10Malformed, TransferSyntaxUnknown, PixelDescriptionMissing, ValueError):
            continue
        pixels = source.pixels
        is_large = pixels.frame_bytes > _MAX_BYTES and source.syntax.is_encapsulated
        if path.name in but or is_large:
            continue
        several = min(pixels.number_of_frames, 2)
        kind = (
            source.syntax.uid,
            source.element.tag,
            replace(pixels, rows=0, columns=0, number_of_frames=several, is_lossy=False),
        )
        smallest[kind] = min(smallest.get(kind, (1 << 62, path)), (pixels.native_bytes, path))
    return tuple(sorted(path for _, path in smallest.values()))
