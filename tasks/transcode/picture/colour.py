"""Colour frames as RGB of 8 bits a sample. PS3.3 C.7.6.3.1.2, C.7.6.3.1.5, PS3.4 N.2.2.

ICC profiles are not applied: whoever asks for them gets them with the picture.
"""

from typing import Final

import numpy as np
from PIL import Image

from dicomhub.standard.data_set_level import Level
from tasks.transcode.codecs.codec import Decoded, PixelsUnsupported
from tasks.transcode.codecs.samples import interleaved
from tasks.transcode.picture.grey_scale import Shades, Values, looked_up, stored_values
from tasks.transcode.picture.lookup_table import LookupTable, palette

# Descriptor, data, and segmented data of the red, green and blue palette.
_PALETTES: Final = (
    (0x00281101, 0x00281201, 0x00281221),
    (0x00281102, 0x00281202, 0x00281222),
    (0x00281103, 0x00281203, 0x00281223),
)
PALETTE_COLOR: Final = "PALETTE COLOR"
_MODES: Final = {"RGB": "RGB", "YBR_FULL": "YCbCr"}


def coloured(frame: Decoded) -> Image.Image:
    """A frame of three samples a pixel, as a decoder gives it. Raises PixelsUnsupported."""
    flat = interleaved(frame.samples, frame.pixels)
    pixels = flat.pixels
    mode = _MODES.get(pixels.photometric_interpretation)
    if mode is None or pixels.samples_per_pixel != 3 or pixels.bits_allocated < 8:
        raise PixelsUnsupported(
            f"no picture of {pixels.photometric_interpretation}, {pixels.samples_per_pixel} samples a pixel"
        )
    samples = np.frombuffer(flat.samples, f"<u{pixels.bits_allocated // 8}")
    surplus = pixels.bits_stored - 8
    samples = samples >> surplus if surplus > 0 else samples << -surplus
    octets = np.minimum(samples, 255).astype(np.uint8)
    image = Image.frombuffer(mode, (pixels.columns, pixels.rows), octets, "raw", mode, 0, 1)
    return image if mode == "RGB" else image.convert("RGB")


def from_palette(frame: Decoded, level: Level) -> Image.Image:
    """A frame of numbers of colours. Raises PixelsCorrupt."""
    tables = [palette(level, *tags, is_signed=frame.pixels.is_signed) for tags in _PALETTES]
    values = stored_values(frame, is_floating=False)
    return Image.fromarray(looked_up(values, lambda some: _colours(some, tables)), "RGB")


def _colours(values: Values, tables: list[LookupTable]) -> Shades:
    planes = [(table.of(values) >> (table.bits - 8)).astype(np.uint8) for table in tables]
    return np.stack(planes, axis=-1)
