"""Where the pixels of a frame come to lie: region, proportions, viewport, flips. PS3.18 8.3.5.1.3."""

from PIL import Image, ImageOps

from tasks.transcode.codecs.codec import PixelsUnsupported
from tasks.transcode.picture_order import Region, Viewport

# A side that a picture may have, whatever the proportions of pixels or of a region are.
_MAX_SIDE = 16384
# Pixels that are as good as square.
_TOLERANCE = 0.005


def placed(image: Image.Image, viewport: Viewport, *, aspect_ratio: float) -> Image.Image:
    """What a viewport shows of a frame. aspect_ratio: how many times as high as wide its pixels are.

    Pixels that are not square are made longer, never shorter. Raises PixelsUnsupported for a region outside
    of the frame, and for a picture that would be too long.
    """
    box = _box(viewport.region or Region(), image.width, image.height)
    size = _size(box, viewport, aspect_ratio)
    if size != image.size or box != (0.0, 0.0, image.width, image.height):
        image = image.resize(size, Image.Resampling.BICUBIC, box=box)
    if viewport.is_flipped_horizontally:
        image = ImageOps.mirror(image)
    if viewport.is_flipped_vertically:
        image = ImageOps.flip(image)
    return image


def _box(region: Region, columns: int, rows: int) -> tuple[float, float, float, float]:
    """Its left, top, right and bottom edge, in pixels."""
    across, down = (columns, rows) if region.is_relative else (1, 1)
    left, top = region.left * across, region.top * down
    right = columns if region.width is None else min(columns, left + region.width * across)
    bottom = rows if region.height is None else min(rows, top + region.height * down)
    if left >= right or top >= bottom:
        raise PixelsUnsupported(f"nothing of {columns} x {rows} pixels is in that region")
    return left, top, right, bottom


def _size(box: tuple[float, float, float, float], viewport: Viewport, aspect_ratio: float) -> tuple[int, int]:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if abs(aspect_ratio - 1) > _TOLERANCE:
        width, height = width * max(1, 1 / aspect_ratio), height * max(1, aspect_ratio)
    scales = []
    if viewport.columns is not None:
        scales.append(viewport.columns / width)
    if viewport.rows is not None:
        scales.append(viewport.rows / height)
    scale = min(scales, default=1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if max(size) > _MAX_SIDE:
        raise PixelsUnsupported(f"a picture of {size[0]} x {size[1]} pixels")
    return size
